/**
 * Proof of work on an event's id (NIP-13).
 * Runs on any thread; no state.
 *
 * @module
 */

/**
 * The number of leading zero bits of an id.
 *
 * @example Usage
 * ```ts
 * import { leadingZeroBits } from "./proof_of_work.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(leadingZeroBits("000006d8" + "f".repeat(56)), 21);
 * ```
 */
export function leadingZeroBits(hex: string): number {
  for (let at = 0; at < hex.length; at++) {
    const digit = parseInt(hex[at]!, 16);
    if (digit !== 0) return at * 4 + Math.clz32(digit) - 28;
  }
  return hex.length * 4;
}
