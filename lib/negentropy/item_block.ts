/**
 * A run of sorted items in flat memory, 40 bytes an item: what both storages are made of.
 * Runs on any thread; a block belongs to the storage that made it.
 *
 * @module
 */
import { type Bound, ID_BYTES } from "./storage.ts";

/**
 * Up to `capacity` items. That they ascend is the promise of whoever fills the block; a `Bound` that is to be
 * an item has a prefix of 32 bytes.
 */
export class ItemBlock {
  readonly timestamps: Float64Array<ArrayBuffer>;
  /** 32 bytes an item. */
  readonly ids: Uint8Array<ArrayBuffer>;
  /** The same memory as `ids`, 8 words an item. */
  readonly words: Uint32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity: number) {
    this.timestamps = new Float64Array(capacity);
    this.ids = new Uint8Array(capacity * ID_BYTES);
    this.words = new Uint32Array(this.ids.buffer);
  }

  get capacity(): number {
    return this.timestamps.length;
  }

  /** A view of the id at `index`. */
  id(index: number): Uint8Array {
    return this.ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES);
  }

  /** The first index in `begin..end` whose item is not below `bound`. */
  lowerBound(bound: Bound, begin = 0, end = this.length): number {
    let low = begin;
    let high = end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#isBelow(middle, bound)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether there is an item at `index` and it is this one. */
  is(index: number, item: Bound): boolean {
    return index < this.length && this.timestamps[index] === item.timestamp &&
      compareIds(this.ids, index, item.prefix, 0, ID_BYTES) === 0;
  }

  insert(index: number, item: Bound): void {
    this.timestamps.copyWithin(index + 1, index, this.length);
    this.ids.copyWithin((index + 1) * ID_BYTES, index * ID_BYTES, this.length * ID_BYTES);
    this.length++;
    this.set(index, item);
  }

  set(index: number, item: Bound): void {
    this.timestamps[index] = item.timestamp;
    this.ids.set(item.prefix, index * ID_BYTES);
  }

  remove(index: number): void {
    this.timestamps.copyWithin(index, index + 1, this.length);
    this.ids.copyWithin(index * ID_BYTES, (index + 1) * ID_BYTES, this.length * ID_BYTES);
    this.length--;
  }

  /** Takes the items of `other` from `begin` on behind its own. */
  takeTail(other: ItemBlock, begin: number): void {
    this.timestamps.set(other.timestamps.subarray(begin, other.length), this.length);
    this.ids.set(other.ids.subarray(begin * ID_BYTES, other.length * ID_BYTES), this.length * ID_BYTES);
    this.length += other.length - begin;
    other.length = begin;
  }

  /** Takes the first `count` items of `other` behind its own. */
  takeHead(other: ItemBlock, count: number): void {
    this.timestamps.set(other.timestamps.subarray(0, count), this.length);
    this.ids.set(other.ids.subarray(0, count * ID_BYTES), this.length * ID_BYTES);
    this.length += count;
    other.timestamps.copyWithin(0, count, other.length);
    other.ids.copyWithin(0, count * ID_BYTES, other.length * ID_BYTES);
    other.length -= count;
  }

  /** The bound at the item of `index`, in memory of its own. */
  boundAt(index: number): Bound {
    return { timestamp: this.timestamps[index]!, prefix: this.id(index).slice() };
  }

  #isBelow(index: number, bound: Bound): boolean {
    const timestamp = this.timestamps[index]!;
    if (timestamp !== bound.timestamp) return timestamp < bound.timestamp;
    // Where the prefix is equal, the rest of the id is at least the zeros that the prefix leaves out.
    return compareIds(this.ids, index, bound.prefix, 0, bound.prefix.length) < 0;
  }
}

/** Compares the first `length` bytes of two ids, each at its index in flat memory. */
export function compareIds(a: Uint8Array, i: number, b: Uint8Array, j: number, length: number): number {
  const left = i * ID_BYTES;
  const right = j * ID_BYTES;
  for (let k = 0; k < length; k++) {
    const difference = a[left + k]! - b[right + k]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
