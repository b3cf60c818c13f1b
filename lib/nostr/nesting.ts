/**
 * How deep arrays and objects lie in each other, in what a client has sent. V8 parses any depth without a deep stack, but
 * not all that is done with the result later goes without: so it is bounded where it enters. A filter needs no look: its
 * keys and the form of their values are known, and all others are refused.
 * Runs on any thread; no state.
 *
 * @module
 */
import { JSON_DEPTH_MAX } from "../limits.ts";

/** What a client is told whose message is too deep. */
export const TOO_DEEP = `invalid: arrays and objects lie deeper in each other than ${JSON_DEPTH_MAX} levels`;

/**
 * Whether a value of JSON holds arrays and objects in more levels than that; a value that is neither has none. It looks at
 * each element at most once, and no deeper than it has to.
 *
 * @example Usage
 * ```ts
 * import { isDeeperThan } from "./nesting.ts";
 * import { assert } from "@std/assert";
 *
 * assert(!isDeeperThan(["REQ", { kinds: [1] }], 3));
 * assert(isDeeperThan(["REQ", { kinds: [[1]] }], 3));
 * ```
 */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const element of value) {
      if (typeof element === "object" && isDeeperThan(element, levels - 1)) return true;
    }
    return false;
  }
  for (const name in value) {
    if (isDeeperThan((value as Record<string, unknown>)[name], levels - 1)) return true;
  }
  return false;
}

/**
 * Whether an event whose seven fields have the right shape holds others that are too deep, as part of a message.
 */
export function hasDeepFields(event: object): boolean {
  for (const name in event) {
    if (name !== "tags" && isDeeperThan((event as Record<string, unknown>)[name], JSON_DEPTH_MAX - 2)) {
      return true;
    }
  }
  return false;
}
