/**
 * The pause after a relay has said `rate-limited:`: half of it sure and half of it random, twice as long each time, and
 * shorter again when the relay accepts.
 * Belongs to the conversation with the relay, on its thread.
 *
 * @module
 */
import { UPSTREAM_PAUSE_MS_MAX, UPSTREAM_PAUSE_MS_MIN } from "../limits.ts";

/** See the module's text. */
export class Pace {
  readonly #random: () => number;
  #pauseMs = UPSTREAM_PAUSE_MS_MIN;
  #untilMs = -Infinity;

  /** @param random A number in 0..1, 1 excluded. */
  constructor(random: () => number) {
    this.#random = random;
  }

  isPaused(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** The relay wants fewer messages. What it says during a pause is about messages before it. */
  slowDown(nowMs: number): void {
    if (this.isPaused(nowMs)) return;
    this.#untilMs = nowMs + this.#pauseMs / 2 * (1 + this.#random());
    this.#pauseMs = Math.min(2 * this.#pauseMs, UPSTREAM_PAUSE_MS_MAX);
  }

  /** The relay has accepted a message after a pause. */
  speedUp(nowMs: number): void {
    if (this.#pauseMs === UPSTREAM_PAUSE_MS_MIN || this.isPaused(nowMs)) return;
    this.#pauseMs = Math.max(this.#pauseMs / 2, UPSTREAM_PAUSE_MS_MIN);
  }
}
