/**
 * Token buckets, one a key: each holds `burst` tokens and gains `perSecond`. Kept as one number a key, the time at
 * which the bucket is full again (the virtual scheduling of GCRA, ITU-T I.371), so that a full bucket needs no memory.
 * Belongs to the thread that made it; the clock is the caller's.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { RATE_KEYS_MAX } from "../limits.ts";

/** How much, how fast. */
export interface Rate {
  /** Tokens gained a second. */
  readonly perSecond: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
}

/** Buckets by key, of one thread or of all. */
export interface Buckets {
  /**
   * How long until the bucket holds `cost` tokens, ms; 0: it does. A cost above `burst` needs a full bucket, so that it
   * is not refused for ever.
   */
  waitMs(key: string, cost: number, nowMs: number): number;
  /** Takes `cost` tokens, held or not: what was not held is a debt, and has to be gained before the next. */
  spend(key: string, cost: number, nowMs: number): void;
}

/** {@linkcode Buckets.waitMs} of a bucket that is full at `fullAtMs`. */
export function waitOf(
  { burst, msPerToken }: { readonly burst: number; readonly msPerToken: number },
  fullAtMs: number,
  cost: number,
  nowMs: number,
): number {
  if (fullAtMs <= nowMs) return 0;
  const held = burst - (fullAtMs - nowMs) / msPerToken;
  return Math.max(0, Math.ceil((Math.min(cost, burst) - held) * msPerToken));
}

/** See the module's text. */
export class TokenBuckets implements Buckets {
  readonly #burst: number;
  readonly #msPerToken: number;
  readonly #keysMax: number;
  /** Key → when its bucket is full, ms; the key that came first comes first. */
  readonly #fullAt = new Map<string, number>();

  /** @param keysMax Keys that are remembered; with more, those that came first are forgotten, as if full. */
  constructor(rate: Rate, keysMax: number = RATE_KEYS_MAX) {
    invariant(rate.perSecond > 0 && rate.burst >= 1, "a rate lets something through");
    this.#burst = rate.burst;
    this.#msPerToken = 1000 / rate.perSecond;
    this.#keysMax = keysMax;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }

  waitMs(key: string, cost: number, nowMs: number): number {
    const bucket = { burst: this.#burst, msPerToken: this.#msPerToken };
    return waitOf(bucket, this.#fullAt.get(key) ?? -Infinity, cost, nowMs);
  }

  spend(key: string, cost: number, nowMs: number): void {
    const fullAt = this.#fullAt.get(key);
    if (fullAt === undefined && this.#fullAt.size >= this.#keysMax) this.#forget(nowMs);
    this.#fullAt.set(key, Math.max(fullAt ?? nowMs, nowMs) + cost * this.#msPerToken);
  }

  /** Forgets full buckets, then the first, until a quarter of the room is free: so this runs seldom. */
  #forget(nowMs: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= nowMs) this.#fullAt.delete(key);
    for (const key of this.#fullAt.keys()) {
      if (this.#fullAt.size <= this.#keysMax * 0.75) return;
      this.#fullAt.delete(key);
    }
  }
}
