/**
 * The pause before something is tried again: exponential, with full jitter, so that many that failed together do not
 * return together (Brooker, "Exponential Backoff And Jitter", 2015).
 * Runs on any thread; no state.
 *
 * @module
 */

/** How long pauses are. */
interface Pauses {
  /** The longest pause after the first failure, ms. */
  readonly firstMs: number;
  /** The longest pause, ms. */
  readonly mostMs: number;
}

/** Doublings after which a pause has reached its bound, whatever its bound is: 2^40 ms are 35 years. */
const DOUBLINGS_BEYOND = 40;

/**
 * The pause after so many failures in a row, ms: anything from 0 to a bound that doubles with each.
 *
 * @param failures At least 1.
 * @param random Of 0 to 1, 1 excluded.
 *
 * @example Usage
 * ```ts
 * import { fullJitterMs } from "./backoff.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fullJitterMs(3, { firstMs: 1_000, mostMs: 60_000 }, 0.5), 2_000);
 * ```
 */
export function fullJitterMs(failures: number, pauses: Pauses, random: number): number {
  return random * longestPauseMs(failures, pauses);
}

/** The longest pause after so many failures in a row, ms. */
export function longestPauseMs(failures: number, { firstMs, mostMs }: Pauses): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(Math.max(0, failures - 1), DOUBLINGS_BEYOND));
}
