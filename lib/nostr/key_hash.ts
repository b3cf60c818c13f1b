/**
 * A hash of 52-bit keys that depends on chance, for tables of keys that clients choose. Neither the keys' own construction
 * (`keys.ts`) nor V8's `Map` of numbers keeps anybody from choosing keys that share a bucket: both are known to all.
 * Runs on any thread; belongs to whoever made it, and never changes.
 *
 * DESIGN: simple tabulation. Each of a key's seven bytes picks a word of chance from a table of its own, and the words
 * are joined by exclusive or. Whatever keys somebody chooses who does not know the tables, they fall as at random: any
 * three of them independently, chains and runs of a table stay as short as with true chance (Pătraşcu and Thorup, The
 * Power of Simple Tabulation Hashing, 2012). A multiplication by one secret factor does not give that: differences of
 * keys that are multiples of a power of two stay such multiples, whatever odd factor it is.
 *
 * @module
 */
import { invariant } from "../invariant.ts";

/** Words of chance that a hash takes: one for each value of each byte of a key. */
export const KEY_HASH_WORDS = 7 * 256;

/** See the module's text. */
export class KeyHash {
  readonly #words: Uint32Array;

  /** @param chance `KEY_HASH_WORDS` words that nobody else knows. */
  constructor(chance: Uint32Array) {
    invariant(chance.length === KEY_HASH_WORDS, "every value of every byte has a word");
    this.#words = chance;
  }

  /** The hash of a key from 0 to 2^52 - 1: 32 bits, of which any are as good as others. */
  of(key: number): number {
    const words = this.#words;
    const high = (key / 0x1_0000_0000) | 0;
    const low = key | 0;
    return (words[low & 255]! ^ words[256 | (low >>> 8 & 255)]! ^ words[512 | (low >>> 16 & 255)]! ^
      words[768 | (low >>> 24)]! ^ words[1024 | (high & 255)]! ^ words[1280 | (high >>> 8 & 255)]! ^
      words[1536 | (high >>> 16 & 255)]!) >>> 0;
  }
}
