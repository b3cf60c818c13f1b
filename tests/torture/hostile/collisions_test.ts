/** The hash of {@linkcode v8HashOf} against a transcription of V8's own in integers of 64 bits. */
import { assertEquals } from "@std/assert";
import { pubkeyKey, tagKey } from "../../../lib/nostr/keys.ts";
import { seededPrng } from "../../support/prng.ts";
import { collidingValues, foldedPubkeys, v8HashOf } from "./collisions.ts";

const MASK = (1n << 64n) - 1n;

/** `ComputeLongHash`, word for word. */
function longHash(key: number): number {
  let hash = new BigUint64Array(new Float64Array([key]).buffer)[0]!;
  hash = ((~hash & MASK) + (hash << 18n)) & MASK;
  hash ^= hash >> 31n;
  hash = (hash * 21n) & MASK;
  hash ^= hash >> 11n;
  hash = (hash + (hash << 6n)) & MASK;
  hash ^= hash >> 22n;
  return Number(hash & 0x3fff_ffffn);
}

Deno.test("v8HashOf() is V8's hash of a number", () => {
  const prng = seededPrng("V8's hash");
  for (let n = 0; n < 2_000; n++) {
    const key = prng.int(0, 0xf_ffff) * 2 ** 32 + prng.uint32();
    assertEquals(v8HashOf(key), longHash(key));
  }
});

Deno.test("collidingValues() finds different values of one bucket", () => {
  const values = collidingValues(seededPrng("colliding values"), { letter: "t", count: 50, buckets: 256 });
  assertEquals(new Set(values.map((value) => longHash(tagKey("t", value)) & 255)).size, 1);
  assertEquals(new Set(values).size, 50);
});

Deno.test("foldedPubkeys() have different keys whose halves fold to one number", () => {
  const pubkeys = foldedPubkeys(seededPrng("folded pubkeys"), 500);
  const keys = pubkeys.map(pubkeyKey);
  assertEquals(pubkeys.every((pubkey) => /^[0-9a-f]{64}$/.test(pubkey)), true);
  assertEquals(new Set(keys).size, 500);
  const fold = (key: number) => (key >>> 0) ^ Math.imul((key / 2 ** 32) | 0, 0x9e3779b1);
  assertEquals(new Set(keys.map(fold)).size, 1);
});
