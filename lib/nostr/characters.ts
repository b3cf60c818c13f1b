/**
 * Lengths of texts as NIP-11 states them: in Unicode characters or in bytes of UTF-8, not in UTF-16 units.
 * Runs on any thread; no state.
 *
 * @module
 */
import { Buffer } from "node:buffer";

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

/** Whether a text has more than `bytes` bytes of UTF-8. Counts only where UTF-16 units leave it open. */
export function hasMoreBytesThan(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}
