/**
 * A Bloom filter over ids in shared memory: "certainly not added" or "perhaps".
 * Any thread may read and add; none owns it. Main makes the memory.
 *
 * DESIGN: an id sets six bits of one block of 64 bytes, so that a question costs one cache line (Putze, Sanders and
 * Singler, Cache-, Hash- and Space-Efficient Bloom Filters, 2007). The block follows from a hash that depends on chance,
 * so that strangers, who choose ids, cannot choose ids that share a block; the bits follow from the id itself.
 *
 * There are two generations. Ids are added to the present one; when it holds its number, the other one is emptied and
 * becomes the present one. So the filter never saturates, and knows at least the last `ids` that were added.
 *
 * ```
 *  0 ids u32 | 4 present generation u32: 0 or 1 | 8 ids added to it u32 | 12 blocks of a generation u32
 *  16 chance, KEY_HASH_WORDS of u32 | generation 0: blocks of 16 u32 | generation 1
 * ```
 *
 * Bits are set without compare-and-swap. Where two threads write one word at once, the bits of one may be lost, and ids
 * are lost that a thread adds to a generation which another one empties. An id that is lost is verified once more: that
 * costs time, and never an event.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { BLOOM_BITS_AN_ID } from "../limits.ts";
import { KEY_HASH_WORDS, KeyHash } from "../nostr/key_hash.ts";
import { hashedBits } from "./id_words.ts";

const HEADER_WORDS = 4;
const BLOCK_WORDS = 16;
const BLOCK_BITS = BLOCK_WORDS * 32;
const PRESENT = 1;
const ADDED = 2;
const BLOCKS = 3;

/**
 * Makes the memory of a filter.
 *
 * @param ids How many ids a generation holds.
 * @param chance `KEY_HASH_WORDS` words that nobody else knows.
 */
export function createBloomMemory(ids: number, chance: Uint32Array): SharedArrayBuffer {
  invariant(chance.length === KEY_HASH_WORDS, "every value of every byte has a word");
  const blocks = Math.ceil(ids * BLOOM_BITS_AN_ID / BLOCK_BITS);
  const words = HEADER_WORDS + KEY_HASH_WORDS + 2 * blocks * BLOCK_WORDS;
  const memory = new SharedArrayBuffer(words * Uint32Array.BYTES_PER_ELEMENT);
  const header = new Uint32Array(memory);
  header[0] = ids;
  header[BLOCKS] = blocks;
  header.set(chance, HEADER_WORDS);
  return memory;
}

/** See the module's text. */
export class BlockedBloom {
  readonly #header: Uint32Array;
  readonly #hash: KeyHash;
  readonly #blocks: number;
  readonly #generations: readonly [Uint32Array, Uint32Array];
  /** Ids that a generation holds. */
  readonly ids: number;

  /** @param memory Of {@linkcode createBloomMemory}. */
  constructor(memory: SharedArrayBuffer) {
    this.#header = new Uint32Array(memory, 0, HEADER_WORDS);
    this.ids = this.#header[0]!;
    this.#blocks = this.#header[BLOCKS]!;
    this.#hash = new KeyHash(new Uint32Array(memory, HEADER_WORDS * 4, KEY_HASH_WORDS));
    const start = (HEADER_WORDS + KEY_HASH_WORDS) * 4;
    const words = this.#blocks * BLOCK_WORDS;
    this.#generations = [
      new Uint32Array(memory, start, words),
      new Uint32Array(memory, start + words * 4, words),
    ];
  }

  /** Whether the id was perhaps added; false is certain, but for what was lost (see the module's text). */
  has(id: Uint32Array): boolean {
    const block = this.#blockOf(id);
    return hasBits(this.#generations[0], block, id) || hasBits(this.#generations[1], block, id);
  }

  /** Adds an id. */
  add(id: Uint32Array): void {
    const added = Atomics.add(this.#header, ADDED, 1);
    setBits(this.#generations[Atomics.load(this.#header, PRESENT)]!, this.#blockOf(id), id);
    // One thread only sees this number.
    if (added + 1 === this.ids) this.#turn();
  }

  #turn(): void {
    const next = 1 - Atomics.load(this.#header, PRESENT);
    this.#generations[next]!.fill(0);
    Atomics.store(this.#header, PRESENT, next);
    Atomics.store(this.#header, ADDED, 0);
  }

  /** Where the id's block begins, in words. */
  #blockOf(id: Uint32Array): number {
    return Math.floor(this.#hash.of(hashedBits(id)) * this.#blocks / 0x1_0000_0000) * BLOCK_WORDS;
  }
}

function hasBits(words: Uint32Array, block: number, id: Uint32Array): boolean {
  const a = id[2]!;
  const b = id[3]!;
  return hasBit(words, block, a & 511) && hasBit(words, block, a >>> 9 & 511) &&
    hasBit(words, block, a >>> 18 & 511) && hasBit(words, block, b & 511) &&
    hasBit(words, block, b >>> 9 & 511) && hasBit(words, block, b >>> 18 & 511);
}

function hasBit(words: Uint32Array, block: number, bit: number): boolean {
  return (words[block + (bit >>> 5)]! >>> (bit & 31) & 1) === 1;
}

function setBits(words: Uint32Array, block: number, id: Uint32Array): void {
  for (let word = 2; word < 4; word++) {
    for (let shift = 0; shift < 27; shift += 9) {
      const bit = id[word]! >>> shift & 511;
      words[block + (bit >>> 5)]! |= 1 << (bit & 31);
    }
  }
}
