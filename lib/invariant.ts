/**
 * The check for our own mistakes: it throws, and the supervisor restarts the thread.
 * Clients' and services' mistakes never come here; they become protocol answers.
 * Runs on any thread; holds no state.
 *
 * @module
 */

/** A broken promise of our own code. */
export class InvariantError extends Error {
  override name = "InvariantError";
}

/**
 * Throws {@linkcode InvariantError} unless `condition` holds.
 *
 * @example Usage
 * ```ts
 * import { invariant } from "./invariant.ts";
 * import { assertThrows } from "@std/assert";
 *
 * invariant(1 + 1 === 2, "arithmetic works");
 * assertThrows(() => invariant(false, "lane is aligned"), Error, "lane is aligned");
 * ```
 */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantError(`Invariant broken: ${what}`);
}
