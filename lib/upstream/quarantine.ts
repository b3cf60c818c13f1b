/**
 * Whether one relay is to be left alone because it sends invalid events: the share of them among the events that were
 * verified, over a span of two halves, of which the older is dropped when the newer is full. A quarantine ends after a
 * time, which doubles with each.
 * Pure: the caller passes the clock in. Belongs to the thread that calls the relay.
 *
 * @module
 */
import {
  UPSTREAM_QUARANTINE_EVENTS_MIN,
  UPSTREAM_QUARANTINE_FIRST_MS,
  UPSTREAM_QUARANTINE_MOST_MS,
  UPSTREAM_QUARANTINE_SHARE,
  UPSTREAM_QUARANTINE_WINDOW_MS,
} from "../limits.ts";
import { longestPauseMs } from "./backoff.ts";

const LENGTHS = { firstMs: UPSTREAM_QUARANTINE_FIRST_MS, mostMs: UPSTREAM_QUARANTINE_MOST_MS };
const HALF_MS = UPSTREAM_QUARANTINE_WINDOW_MS / 2;

/** Events of one half of the span. */
interface Counted {
  valid: number;
  invalid: number;
}

/** See the module's text. */
export class Quarantine {
  #older: Counted = { valid: 0, invalid: 0 };
  #newer: Counted = { valid: 0, invalid: 0 };
  #halfBeganMs = -Infinity;
  #times = 0;
  #untilMs = -Infinity;
  #reason = "";

  /** Why the relay is left alone; the last reason after its end; empty: it never was. */
  get reason(): string {
    return this.#reason;
  }

  /** When the quarantine ends, by the clock of the caller; -Infinity: there never was one. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** How many there were. */
  get times(): number {
    return this.#times;
  }

  /** Goes on with a quarantine of an earlier life. */
  resume(untilMs: number, reason: string, times: number): void {
    this.#untilMs = untilMs;
    this.#reason = reason;
    this.#times = times;
  }

  /** Whether the relay is left alone now. */
  isOn(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** An event of the relay was verified and is what it says. */
  valid(nowMs: number): void {
    this.#turn(nowMs);
    this.#newer.valid++;
  }

  /**
   * An event of the relay is invalid.
   *
   * @param message What is wrong with it, with the prefix of NIP-01.
   * @returns whether the quarantine begins with it.
   */
  invalid(message: string, nowMs: number): boolean {
    this.#turn(nowMs);
    this.#newer.invalid++;
    const invalid = this.#older.invalid + this.#newer.invalid;
    const verified = invalid + this.#older.valid + this.#newer.valid;
    if (invalid < UPSTREAM_QUARANTINE_EVENTS_MIN || invalid / verified < UPSTREAM_QUARANTINE_SHARE) {
      return false;
    }
    if (this.isOn(nowMs)) return false;
    const percent = Math.round(100 * invalid / verified);
    this.#reason =
      `${invalid} of ${verified} verified events (${percent} %) were invalid, the last: ${message}`;
    this.#times++;
    this.#untilMs = nowMs + longestPauseMs(this.#times, LENGTHS);
    this.#older = { valid: 0, invalid: 0 };
    this.#newer = { valid: 0, invalid: 0 };
    return true;
  }

  #turn(nowMs: number): void {
    if (nowMs - this.#halfBeganMs < HALF_MS) return;
    this.#older = nowMs - this.#halfBeganMs < 2 * HALF_MS ? this.#newer : { valid: 0, invalid: 0 };
    this.#newer = { valid: 0, invalid: 0 };
    this.#halfBeganMs = nowMs;
  }
}
