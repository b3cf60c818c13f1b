/**
 * Sums of ids, and the fingerprints made of them (NIP-77, "Fingerprint Algorithm").
 * Runs on any thread; no state but scratch memory for one call.
 *
 * A sum is 8 words of 32 bits, least significant first, mod 2^256; an id is read as a little-endian number,
 * which is what a `Uint32Array` over its bytes reads. Sums can be subtracted, so a range costs two prefixes.
 *
 * @module
 */
import { hash } from "node:crypto";
import { invariant } from "../invariant.ts";
import { VARINT_DIGITS_MAX, writeVarint } from "./varint.ts";

/** Words of a sum, and of an id. */
export const SUM_WORDS = 8;
/** Bytes of a fingerprint. */
export const FINGERPRINT_BYTES = 16;

const WORD = 2 ** 32;
/** So many words of 32 bits add up exactly in a double of 53 bits. */
const EXACT_ADDITIONS = 2 ** 20;

const hashed = new Uint8Array(SUM_WORDS * 4 + VARINT_DIGITS_MAX);

invariant(new Uint8Array(new Uint32Array([1]).buffer)[0] === 1, "this machine is little-endian");

/** Adds the ids at `begin..end` of `words` (8 words each) to the sum at word `at` of `sum`. */
export function addIds(sum: Uint32Array, at: number, words: Uint32Array, begin: number, end: number): void {
  let first = begin;
  while (first < end) {
    const last = Math.min(end, first + EXACT_ADDITIONS);
    addIdsExactly(sum, at, words, first, last);
    first = last;
  }
}

/** Words are added side by side; carries are settled once, at the end. */
function addIdsExactly(sum: Uint32Array, at: number, words: Uint32Array, begin: number, end: number): void {
  let a = sum[at]!, b = sum[at + 1]!, c = sum[at + 2]!, d = sum[at + 3]!;
  let e = sum[at + 4]!, f = sum[at + 5]!, g = sum[at + 6]!, h = sum[at + 7]!;
  for (let i = begin * SUM_WORDS; i < end * SUM_WORDS; i += SUM_WORDS) {
    a += words[i]!;
    b += words[i + 1]!;
    c += words[i + 2]!;
    d += words[i + 3]!;
    e += words[i + 4]!;
    f += words[i + 5]!;
    g += words[i + 6]!;
    h += words[i + 7]!;
  }
  // Storing into 32 bits takes the remainder; what lies above is the next word's.
  sum[at] = a;
  sum[at + 1] = b += Math.floor(a / WORD);
  sum[at + 2] = c += Math.floor(b / WORD);
  sum[at + 3] = d += Math.floor(c / WORD);
  sum[at + 4] = e += Math.floor(d / WORD);
  sum[at + 5] = f += Math.floor(e / WORD);
  sum[at + 6] = g += Math.floor(f / WORD);
  sum[at + 7] = h + Math.floor(g / WORD);
}

/** Adds the sum at word `from` of `other` to the sum at word `at` of `sum`. */
export function addSum(sum: Uint32Array, at: number, other: Uint32Array, from: number): void {
  let carry = 0;
  for (let i = 0; i < SUM_WORDS; i++) {
    const word = sum[at + i]! + other[from + i]! + carry;
    sum[at + i] = word;
    carry = word >= WORD ? 1 : 0;
  }
}

/** Subtracts the sum at word `from` of `other` from the sum at word `at` of `sum`. */
export function subtractSum(sum: Uint32Array, at: number, other: Uint32Array, from: number): void {
  let borrow = 0;
  for (let i = 0; i < SUM_WORDS; i++) {
    const word = sum[at + i]! - other[from + i]! - borrow;
    sum[at + i] = word;
    borrow = word < 0 ? 1 : 0;
  }
}

/** The fingerprint of `count` ids whose sum is `sum`. */
export function fingerprintOf(sum: Uint32Array, count: number): Uint8Array {
  hashed.set(new Uint8Array(sum.buffer, sum.byteOffset, SUM_WORDS * 4));
  const end = writeVarint(hashed, SUM_WORDS * 4, count);
  return hash("sha256", hashed.subarray(0, end), "buffer").subarray(0, FINGERPRINT_BYTES);
}
