/** Tests of the hash of keys: whatever keys somebody chooses, they share no more buckets than keys of chance. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { keyHash } from "../../tests/support/key_hash.ts";
import { Prng } from "../../tests/support/prng.ts";
import { KEY_HASH_WORDS, KeyHash } from "./key_hash.ts";

const KEYS = 2 ** 14;

/** The most keys in one of as many buckets. */
function fullest(hash: KeyHash, keys: readonly number[], bitsFrom: number): number {
  const counts = new Uint32Array(KEYS);
  for (const key of keys) counts[(hash.of(key) >>> bitsFrom) & (KEYS - 1)]!++;
  return Math.max(...counts);
}

Deno.test("keys that a simpler hash confuses are spread as by chance, by any bits of theirs", () => {
  const prng = new Prng(Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 32)));
  const hash = keyHash(prng);
  const places = Array.from({ length: KEYS }, (_, n) => n);
  const chosen = {
    "in a row": places,
    "high half only": places.map((n) => n * 2 ** 32),
    "multiples of a power of two": places.map((n) => n * 2 ** 38),
    // Both halves folded by a known factor gave one number for all of these.
    "folded to one": places.map((n) => n * 2 ** 32 + ((Math.imul(n, 0x9e3779b1) ^ 77) >>> 0)),
    "one bit of each byte": places.map((n) => Number(BigInt.asUintN(52, BigInt(n) * 0x0101_0101_0101n))),
  };
  for (const [name, keys] of Object.entries(chosen)) {
    for (const bitsFrom of [0, 9, 18]) {
      const most = fullest(hash, keys, bitsFrom);
      assert(most <= 16, `SEED=${prng.seed} ${name}: ${most} share a bucket`);
    }
  }
});

Deno.test("the whole key counts, and is 52 bits long", () => {
  const hash = keyHash();
  for (let bit = 0; bit < 52; bit++) assert(hash.of(2 ** bit) !== hash.of(0), `bit ${bit}`);
  assertEquals(hash.of(2 ** 52 - 1), hash.of(2 ** 52 - 1));
  assertThrows(() => new KeyHash(new Uint32Array(KEY_HASH_WORDS - 1)));
});
