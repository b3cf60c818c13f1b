/**
 * Values chosen so that their keys meet in a hash table: what somebody finds in seconds who knows the program.
 * Runs on any thread; no state but scratch memory.
 *
 * V8 hashes a number that is no small integer without a seed, by Thomas Wang's mix of 64 bits (`ComputeLongHash` in
 * `src/base/hashing.h`), and a `Map` of n entries takes the low bits of that. {@linkcode v8HashOf} is that mix in halves
 * of 32 bits.
 *
 * @module
 */
import { tagKey } from "../../../lib/nostr/keys.ts";
import type { Prng } from "../../support/prng.ts";

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
/** Values that are tried for each that is wanted, in multiples of the number of buckets, before the search is given up. */
const TRIES_A_VALUE = 4;

/** V8's hash of a number beyond the small integers; 30 bits. */
export function v8HashOf(key: number): number {
  double[0] = key;
  let low = halves[0]!;
  let high = halves[1]!;
  // h = ~h + (h << 18)
  [low, high] = sum(~low >>> 0, ~high >>> 0, low << 18 >>> 0, (high << 18 | low >>> 14) >>> 0);
  // h ^= h >> 31
  [low, high] = [(low ^ (high << 1 | low >>> 31)) >>> 0, (high ^ (high >>> 31)) >>> 0];
  // h *= 21
  const [low4, high4] = sum(low, high, low << 2 >>> 0, (high << 2 | low >>> 30) >>> 0);
  [low, high] = sum(low4, high4, low << 4 >>> 0, (high << 4 | low >>> 28) >>> 0);
  // h ^= h >> 11
  [low, high] = [(low ^ (high << 21 | low >>> 11)) >>> 0, (high ^ (high >>> 11)) >>> 0];
  // h += h << 6
  [low, high] = sum(low, high, low << 6 >>> 0, (high << 6 | low >>> 26) >>> 0);
  // h ^= h >> 22, of which the low 30 bits count
  return (low ^ (high << 10 | low >>> 22)) & 0x3fff_ffff;
}

function sum(low: number, high: number, lowMore: number, highMore: number): [number, number] {
  const total = low + lowMore;
  return [total >>> 0, (high + highMore + (total > 0xffff_ffff ? 1 : 0)) >>> 0];
}

/** What is searched. */
interface WantedCollisions {
  readonly letter: string;
  readonly count: number;
  /** Buckets of the table that is attacked, a power of two; tables with fewer are met, too. */
  readonly buckets: number;
}

/** Tag values whose keys are all in one bucket of a `Map`; some 200 ns for each of `count` × `buckets`. */
export function collidingValues(prng: Prng, { letter, count, buckets }: WantedCollisions): string[] {
  const bucket = prng.int(0, buckets - 1);
  const prefix = prng.hex(2);
  const found: string[] = [];
  for (let n = 0; found.length < count && n < count * buckets * TRIES_A_VALUE; n++) {
    const value = prefix + n.toString(36);
    if ((v8HashOf(tagKey(letter, value)) & (buckets - 1)) === bucket) found.push(value);
  }
  return found;
}

/**
 * Pubkeys whose last 52 bits fold to one number of 32 bits, where both halves are combined before a seed comes in: for each
 * upper half there is a lower one. They are no points of the curve, which a filter need not name.
 */
export function foldedPubkeys(prng: Prng, count: number): string[] {
  const folded = prng.uint32();
  const prefix = prng.hex(26).slice(0, 51);
  const first = prng.int(0, 0xf_ffff);
  return Array.from({ length: count }, (_, n) => {
    const high = (first + n) & 0xf_ffff;
    const low = (folded ^ Math.imul(high, 0x9e3779b1)) >>> 0;
    return prefix + high.toString(16).padStart(5, "0") + low.toString(16).padStart(8, "0");
  });
}
