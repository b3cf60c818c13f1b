/**
 * Sums and fingerprints against arithmetic of whole numbers.
 *
 * @module
 */
import { hash } from "node:crypto";
import { assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { addIds, addSum, fingerprintOf, subtractSum, SUM_WORDS } from "./fingerprint.ts";

const MODULUS = 1n << 256n;

Deno.test("The fingerprint of nothing is the hash of 32 zero bytes and a zero", () => {
  const expected = hash("sha256", new Uint8Array(33), "hex").slice(0, 32);
  assertEquals(fingerprintOf(new Uint32Array(SUM_WORDS), 0).toHex(), expected);
});

Deno.test("A fingerprint is the hash of the sum, little-endian, and of the count as a varint", () => {
  const ids = Uint8Array.fromHex("ff".repeat(32) + "02" + "00".repeat(31));
  const sum = new Uint32Array(SUM_WORDS);
  addIds(sum, 0, new Uint32Array(ids.buffer), 0, 2);
  // 2^256 - 1 + 2 is 1 in 256 bits.
  const expected = hash("sha256", Uint8Array.fromHex("01" + "00".repeat(31) + "02"), "hex").slice(0, 32);
  assertEquals(fingerprintOf(sum, 2).toHex(), expected);
  const of300 = hash("sha256", Uint8Array.fromHex("01" + "00".repeat(31) + "822c"), "hex").slice(0, 32);
  assertEquals(fingerprintOf(sum, 300).toHex(), of300);
});

Deno.test("Sums add, subtract and overflow as numbers of 256 bits do", () => {
  const prng = seededPrng("sums of ids");
  for (let round = 0; round < 200; round++) {
    const count = prng.int(0, 40);
    const bytes = prng.bytes(count * 32);
    // Words of ones are where carries run far.
    for (let i = 0; i < count; i++) {
      if (prng.chance(0.4)) bytes.fill(255, i * 32 + prng.int(0, 8), i * 32 + 30);
    }
    const words = new Uint32Array(bytes.buffer);
    const split = prng.int(0, count);
    const sum = new Uint32Array(SUM_WORDS * 3);
    addIds(sum, SUM_WORDS, words, 0, split);
    addIds(sum, 0, words, split, count);
    assertEquals(numberOf(sum, 0), sumOf(words, split, count));
    addSum(sum, SUM_WORDS, sum, 0);
    assertEquals(numberOf(sum, SUM_WORDS), sumOf(words, 0, count));
    subtractSum(sum, SUM_WORDS * 2, sum, SUM_WORDS);
    assertEquals(numberOf(sum, SUM_WORDS * 2), (MODULUS - sumOf(words, 0, count)) % MODULUS);
  }
});

function sumOf(words: Uint32Array, begin: number, end: number): bigint {
  let sum = 0n;
  for (let i = begin; i < end; i++) sum += numberOf(words, i * SUM_WORDS);
  return sum % MODULUS;
}

function numberOf(words: Uint32Array, at: number): bigint {
  let number = 0n;
  for (let i = SUM_WORDS - 1; i >= 0; i--) number = (number << 32n) | BigInt(words[at + i]!);
  return number;
}
