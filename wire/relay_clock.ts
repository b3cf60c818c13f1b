/**
 * The clock by which threads compare instants: those of each start at another zero. Runs on any thread; no state.
 *
 * @module
 */

/** Milliseconds since 1970, with fractions; it does not go back while a thread lives. */
export function relayMs(): number {
  return performance.timeOrigin + performance.now();
}
