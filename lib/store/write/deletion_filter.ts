/**
 * Says for nearly every event, without asking SQLite, that no deletion request names it: a Bloom filter over the targets
 * of all requests. A false alarm costs one look-up; a miss is impossible.
 * The store's thread owns it; it is filled from the table at start.
 *
 * 2^23 bits and two probes: at 100,000 targets one event in 1,800 raises a false alarm, at a million one in 20.
 *
 * @module
 */

const BITS = 1 << 23;

/** See the module's text. Keys are 52-bit integers (`lib/nostr/keys.ts`), already as good as random. */
export class DeletionFilter {
  readonly #words = new Uint32Array(BITS / 32);

  /** Remembers a target. */
  add(key: number): void {
    const low = key >>> 0;
    const high = (key / 0x1000) >>> 0;
    this.#words[(low & (BITS - 1)) >>> 5]! |= 1 << (low & 31);
    this.#words[(high & (BITS - 1)) >>> 5]! |= 1 << (high & 31);
  }

  /** False: certainly not remembered. */
  mayHave(key: number): boolean {
    const low = key >>> 0;
    const high = (key / 0x1000) >>> 0;
    return (this.#words[(low & (BITS - 1)) >>> 5]! & (1 << (low & 31))) !== 0 &&
      (this.#words[(high & (BITS - 1)) >>> 5]! & (1 << (high & 31))) !== 0;
  }
}
