/**
 * The last N ids that were added, exactly. A `Map` that deletes its oldest key walks over those that were deleted before,
 * 20 µs at 50,000; here the oldest is overwritten.
 * Belongs to the thread that made it.
 *
 * DESIGN: ids lie in a ring, in the order in which they came. A table with open addressing, at most half full, leads from
 * an id's hash to its place in the ring, plus one (0: empty). An id that is removed leaves no mark: those behind it move
 * up (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). The hash depends on chance, because strangers choose
 * ids.
 *
 * ```
 *  table │ 0 │ 3 │ 1 │ 0 │ 0 │ 2 │ 0 │ 0 │      ring │ id │ id │ id │ free │   next: the place to write
 *              └───│───────────│─────────────────────────│────│────┘
 *                  └───────────│─────────────────────────┘    │
 *                              └──────────────────────────────┘
 * ```
 *
 * @module
 */
import type { KeyHash } from "../nostr/key_hash.ts";
import { hashedBits, ID_WORDS } from "./id_words.ts";

/** See the module's text. */
export class RecentIds {
  readonly #ring: Uint32Array;
  readonly #table: Uint32Array;
  readonly #mask: number;
  readonly #hash: KeyHash;
  #next = 0;
  /** How many ids there are. */
  size = 0;

  /** @param capacity How many ids are kept. */
  constructor(readonly capacity: number, hash: KeyHash) {
    const places = 2 ** Math.ceil(Math.log2(capacity * 2));
    this.#ring = new Uint32Array(capacity * ID_WORDS);
    this.#table = new Uint32Array(places);
    this.#mask = places - 1;
    this.#hash = hash;
  }

  /** Whether the id is among the last. */
  has(id: Uint32Array): boolean {
    return this.#table[this.#placeOf(id)] !== 0;
  }

  /** Adds an id; the oldest goes if there are as many as are kept. One that is there already keeps its age. */
  add(id: Uint32Array): void {
    if (this.has(id)) return;
    const at = this.#next * ID_WORDS;
    if (this.size === this.capacity) this.#remove(this.#placeOf(this.#ring.subarray(at, at + ID_WORDS)));
    else this.size++;
    this.#ring.set(id, at);
    this.#table[this.#placeOf(id)] = this.#next + 1;
    this.#next = (this.#next + 1) % this.capacity;
  }

  /** The place of an id in the table, or the empty one where it would be. */
  #placeOf(id: Uint32Array): number {
    let place = this.#homeOf(id, 0);
    for (let entry = this.#table[place]!; entry !== 0; entry = this.#table[place]!) {
      if (this.#isAt((entry - 1) * ID_WORDS, id)) break;
      place = (place + 1) & this.#mask;
    }
    return place;
  }

  #isAt(at: number, id: Uint32Array): boolean {
    for (let word = 0; word < ID_WORDS; word++) if (this.#ring[at + word] !== id[word]) return false;
    return true;
  }

  /** Empties a place, and moves up what would no longer be found. */
  #remove(empty: number): void {
    let place = empty;
    for (;;) {
      this.#table[empty] = 0;
      for (;;) {
        place = (place + 1) & this.#mask;
        const entry = this.#table[place]!;
        if (entry === 0) return;
        const home = this.#homeOf(this.#ring, (entry - 1) * ID_WORDS);
        // It stays if its home lies behind the empty place, on the way to where it is.
        if (((place - home) & this.#mask) < ((place - empty) & this.#mask)) continue;
        this.#table[empty] = entry;
        empty = place;
        break;
      }
    }
  }

  #homeOf(words: Uint32Array, at: number): number {
    return this.#hash.of(hashedBits(words, at)) & this.#mask;
  }
}
