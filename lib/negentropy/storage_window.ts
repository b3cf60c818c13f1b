/**
 * A part of another storage, between two bounds: what a filter of `since` and `until` alone selects of the
 * full set. Runs on the thread that owns the storage. It holds places, so it serves until that storage
 * changes; then make another.
 *
 * @module
 */
import { type Bound, type Item, type ItemStorage, timestampBound } from "./storage.ts";

/** The items of `storage` at or behind `from` and before `to`. */
export class StorageWindow implements ItemStorage {
  readonly size: number;
  readonly #storage: ItemStorage;
  readonly #first: number;

  constructor(storage: ItemStorage, from: Bound, to: Bound) {
    this.#storage = storage;
    this.#first = storage.findLowerBound(0, storage.size, from);
    this.size = storage.findLowerBound(this.#first, storage.size, to) - this.#first;
  }

  item(index: number): Item {
    return this.#storage.item(this.#first + index);
  }

  findLowerBound(begin: number, end: number, bound: Bound): number {
    return this.#storage.findLowerBound(this.#first + begin, this.#first + end, bound) - this.#first;
  }

  fingerprint(begin: number, end: number): Uint8Array {
    return this.#storage.fingerprint(this.#first + begin, this.#first + end);
  }

  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void {
    this.#storage.copyIds(this.#first + begin, this.#first + end, target, offset);
  }
}

/** The items with `since <= timestamp <= until`, seconds, both included (NIP-01). */
export function timeWindow(storage: ItemStorage, since = 0, until = Infinity): StorageWindow {
  return new StorageWindow(storage, timestampBound(since), timestampBound(until + 1));
}
