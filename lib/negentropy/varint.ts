/**
 * Numbers as negentropy writes them: base 128, most significant digit first, as few digits as possible
 * (NIP-77, "Varint"). Runs on any thread; no state.
 *
 * @module
 */

/** Digits of the longest varint, which holds 64 bits. */
export const VARINT_DIGITS_MAX = 10;

/** How many digits, one a byte, `value` takes. */
export function varintLength(value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) digits++;
  return digits;
}

/** Writes `value` into `target` from `offset` on, and returns where it ends. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  const end = offset + varintLength(value);
  let rest = value;
  for (let at = end - 1; at >= offset; at--) {
    target[at] = (rest % 128) | (at < end - 1 ? 128 : 0);
    rest = Math.floor(rest / 128);
  }
  return end;
}
