/**
 * Lengths of texts as NIP-11 states them: in Unicode characters, not in UTF-16 units.
 * Runs on any thread; no state.
 *
 * @module
 */

/**
 * Whether a text has more than `characters` Unicode characters. Counts only where UTF-16 units leave it open.
 *
 * @example Usage
 * ```ts
 * import { isLongerThan } from "./characters.ts";
 * import { assert } from "@std/assert";
 *
 * assert(!isLongerThan("🎉🎉", 2));
 * assert(isLongerThan("abc", 2));
 * ```
 */
export function isLongerThan(text: string, characters: number): boolean {
  if (text.length <= characters) return false;
  if (text.length > characters * 2) return true;
  let count = 0;
  for (const _ of text) if (++count > characters) return true;
  return false;
}
