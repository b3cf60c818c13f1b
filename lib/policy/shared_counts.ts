/**
 * What clients have open, counted for the whole relay and not by each thread: a hash table in shared memory, without
 * locks. Nobody gets more than the bound, however many threads are asked at the same instant.
 * Every gateway makes a {@linkcode SharedCounts} over the memory; none owns it.
 *
 * DESIGN: a slot is one word, so that a key and its count change together by compare-and-swap; a word of 0 is free. A key
 * has `PROBES` places in a row. Who has counted looks for the key again afterwards: where another thread filed it at a
 * second place meanwhile, it takes its own back and tries again. Beside each slot stands how much of it each thread has
 * counted, which that thread alone writes: what a dead thread counted is given back when its successor starts.
 *
 * ```
 *  0 seeds u32, u32 | slots: tag 44 bits, count 20 bits (0: free) | by thread: what it counted, i32 for each slot
 * ```
 *
 * Full: none of a key's places is free, which a table that is not half full never sees.
 *
 * @module
 */
import { SHARED_COUNT_SLOTS } from "../limits.ts";
import { seededTag } from "./seeded_tag.ts";

const HEADER_BYTES = 8;
const PROBES = 64;
/** Attempts to file a key while others do the same. */
const ATTEMPTS = 64;
const COUNT_BITS = 20n;
/** The highest count, and so the highest bound. */
export const SHARED_COUNT_MAX = (1 << Number(COUNT_BITS)) - 1;
const COUNT_MASK = BigInt(SHARED_COUNT_MAX);

/** Where something is counted; negative: it is not. */
export type CountPlace = number;
/** The key has its bound already. */
export const AT_BOUND: CountPlace = -1;
/** There is no room to count it. */
export const NO_ROOM: CountPlace = -2;

/** Makes the memory for so many threads; `seeds` are two numbers of chance. */
export function createSharedCountMemory(seeds: Uint32Array, threads: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEADER_BYTES + SHARED_COUNT_SLOTS * (8 + 4 * threads));
  new Uint32Array(memory, 0, 2).set(seeds.subarray(0, 2));
  return memory;
}

/** See the module's text. */
export class SharedCounts {
  readonly #seeds: Uint32Array;
  readonly #words: BigUint64Array;
  readonly #own: Int32Array;

  /** Gives back what an earlier life of this thread had counted. */
  constructor(memory: SharedArrayBuffer, thread: number) {
    const ownAt = HEADER_BYTES + SHARED_COUNT_SLOTS * (8 + 4 * thread);
    this.#seeds = new Uint32Array(memory, 0, 2);
    this.#words = new BigUint64Array(memory, HEADER_BYTES, SHARED_COUNT_SLOTS);
    this.#own = new Int32Array(memory, ownAt, SHARED_COUNT_SLOTS);
    this.#own.forEach((count, place) => {
      if (count === 0) return;
      this.#own[place] = 0;
      this.#subtract(place, count);
    });
  }

  /**
   * Counts one more of a key, unless it has `most` already.
   *
   * @param name Keeps the keys of one thing, such as connections by address, apart from others'.
   * @returns where it was counted, for {@linkcode SharedCounts.release}; or why it was not.
   */
  acquire(name: string, key: string, most: number): CountPlace {
    const tag = seededTag(this.#seeds, name, key);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = this.#find(tag, -1);
      const place = present < 0 ? this.#file(tag) : this.#add(present, tag, most);
      if (place === null) continue;
      if (place < 0 || this.#find(tag, place) < 0) return place;
      this.release(place);
    }
    return NO_ROOM;
  }

  /** Counts one less. */
  release(place: CountPlace): void {
    if (place < 0) return;
    this.#own[place]!--;
    this.#subtract(place, 1);
  }

  /** Null: the slot is another key's by now. */
  #add(place: number, tag: bigint, most: number): CountPlace | null {
    for (let seen = Atomics.load(this.#words, place); isOf(seen, tag);) {
      if (Number(seen & COUNT_MASK) >= Math.min(most, SHARED_COUNT_MAX)) return AT_BOUND;
      const found = Atomics.compareExchange(this.#words, place, seen, seen + 1n);
      if (found === seen) {
        this.#own[place]!++;
        return place;
      }
      seen = found;
    }
    return null;
  }

  /** Null: another thread files something too. */
  #file(tag: bigint): CountPlace | null {
    const place = this.#free(tag);
    if (place < 0) return NO_ROOM;
    if (Atomics.compareExchange(this.#words, place, 0n, wordOf(tag) | 1n) !== 0n) return null;
    this.#own[place]!++;
    return place;
  }

  /** The place of a key's slot, or -1; `but` is not looked at. */
  #find(tag: bigint, but: number): number {
    for (let n = 0; n < PROBES; n++) {
      const place = placeOf(tag, n);
      if (place !== but && isOf(Atomics.load(this.#words, place), tag)) return place;
    }
    return -1;
  }

  #free(tag: bigint): number {
    for (let n = 0; n < PROBES; n++) {
      const place = placeOf(tag, n);
      if (Atomics.load(this.#words, place) === 0n) return place;
    }
    return -1;
  }

  #subtract(place: number, count: number): void {
    for (let seen = Atomics.load(this.#words, place);;) {
      const left = Number(seen & COUNT_MASK) - count;
      const next = left <= 0 ? 0n : seen - BigInt(count);
      const found = Atomics.compareExchange(this.#words, place, seen, next);
      if (found === seen) return;
      seen = found;
    }
  }
}

/** The part of a tag that its place does not tell. */
function wordOf(tag: bigint): bigint {
  return tag >> 18n << COUNT_BITS;
}

function isOf(word: bigint, tag: bigint): boolean {
  return word !== 0n && (word & ~COUNT_MASK) === wordOf(tag);
}

/** Where a key's `n`th slot lies. */
function placeOf(tag: bigint, n: number): number {
  return (Number(tag >> 1n & 0x3fff_ffffn) + n) % SHARED_COUNT_SLOTS;
}
