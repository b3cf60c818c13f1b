/**
 * Waiting for a condition with a bound, in place of fixed sleeps.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */

/** Milliseconds between two looks at a condition. */
const LOOK_EVERY_MS = 10;

/** A condition did not come true within its bound. */
export class BoundExceededError extends Error {
  override name = "BoundExceededError";
}

/**
 * Resolves with the first truthy value of `condition`. A condition that throws counts as not yet true.
 *
 * @param condition Looked at every 10 ms.
 * @param boundMs The longest wait, ms.
 * @param what Names the condition in the error.
 * @throws {BoundExceededError} after `boundMs`, with the condition's last error as its cause.
 *
 * @example Usage
 * ```ts
 * import { eventually } from "./eventually.ts";
 * import { assertEquals } from "@std/assert";
 *
 * let looks = 0;
 * assertEquals(await eventually(() => ++looks === 3 && "third", 1_000), "third");
 * ```
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  boundMs = 5_000,
  what = condition.toString(),
): Promise<NonNullable<T>> {
  const deadline = performance.now() + boundMs;
  let cause: unknown;
  while (true) {
    try {
      const value = await condition();
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      throw new BoundExceededError(`Cannot see condition "${what}": still false after ${boundMs} ms`, {
        cause,
      });
    }
    await new Promise<void>(function later(resolve) {
      setTimeout(resolve, LOOK_EVERY_MS);
    });
  }
}
