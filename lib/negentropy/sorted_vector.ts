/**
 * The storage of one session: the items that a filter selected, sorted once, then unchanging.
 * Runs on the thread that answers the session, which owns it.
 *
 * 40 bytes an item, and a running sum every {@linkcode CHECKPOINT_ITEMS} items, so that the fingerprint of
 * any range adds a few dozen ids and not all of the range's.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { addIds, addSum, fingerprintOf, subtractSum, SUM_WORDS } from "./fingerprint.ts";
import { compareIds, ItemBlock } from "./item_block.ts";
import { type Bound, ID_BYTES, type Item, type ItemStorage } from "./storage.ts";

const CHECKPOINT_ITEMS = 64;
const CAPACITY_AT_FIRST = 256;

/** Gathers items in any order; newest first, as the store brings them, and oldest first are the quickest. */
export class SortedVectorBuilder {
  #block = new ItemBlock(CAPACITY_AT_FIRST);

  /** Items gathered, repeats included. */
  get length(): number {
    return this.#block.length;
  }

  /** @param timestamp Seconds. @param id 32 bytes, copied. */
  add(timestamp: number, id: Uint8Array): void {
    invariant(id.length === ID_BYTES, "an id has 32 bytes");
    this.#grow();
    this.#block.set(this.#block.length++, { timestamp, prefix: id });
  }

  /** @param timestamp Seconds. @param id 64 hex characters. */
  addHex(timestamp: number, id: string): void {
    this.#grow();
    const index = this.#block.length++;
    this.#block.timestamps[index] = timestamp;
    this.#block.id(index).setFromHex(id);
  }

  /** The items in order, each once. The builder is empty afterwards. */
  build(): SortedVector {
    const given = this.#block;
    this.#block = new ItemBlock(CAPACITY_AT_FIRST);
    const order = sortedOrder(given);
    const block = new ItemBlock(order.length);
    for (let i = 0; i < order.length; i++) {
      if (i > 0 && isSame(given, order[i - 1]!, order[i]!)) continue;
      copyItem(given, order[i]!, block, block.length++);
    }
    return new SortedVector(block);
  }

  #grow(): void {
    const { length, capacity } = this.#block;
    if (length < capacity) return;
    const grown = new ItemBlock(capacity * 2);
    grown.takeTail(this.#block, 0);
    this.#block = grown;
  }
}

/** Sorted items that never change. Made by {@linkcode SortedVectorBuilder}. */
export class SortedVector implements ItemStorage {
  readonly #block: ItemBlock;
  /** Sums of the first 0, 64, 128 … items. */
  readonly #checkpoints: Uint32Array;

  /** @param block In order, without repeats; belongs to the vector from now on. */
  constructor(block: ItemBlock) {
    this.#block = block;
    const count = Math.floor(block.length / CHECKPOINT_ITEMS) + 1;
    const checkpoints = new Uint32Array(count * SUM_WORDS);
    for (let i = 1; i < count; i++) {
      const at = i * SUM_WORDS;
      checkpoints.copyWithin(at, at - SUM_WORDS, at);
      addIds(checkpoints, at, block.words, (i - 1) * CHECKPOINT_ITEMS, i * CHECKPOINT_ITEMS);
    }
    this.#checkpoints = checkpoints;
  }

  get size(): number {
    return this.#block.length;
  }

  item(index: number): Item {
    return { timestamp: this.#block.timestamps[index]!, id: this.#block.id(index) };
  }

  findLowerBound(begin: number, end: number, bound: Bound): number {
    return this.#block.lowerBound(bound, begin, end);
  }

  fingerprint(begin: number, end: number): Uint8Array {
    const sum = new Uint32Array(SUM_WORDS);
    if (end - begin <= CHECKPOINT_ITEMS) {
      addIds(sum, 0, this.#block.words, begin, end);
    } else {
      this.#addFirst(sum, end);
      const before = new Uint32Array(SUM_WORDS);
      this.#addFirst(before, begin);
      subtractSum(sum, 0, before, 0);
    }
    return fingerprintOf(sum, end - begin);
  }

  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void {
    target.set(this.#block.ids.subarray(begin * ID_BYTES, end * ID_BYTES), offset);
  }

  #addFirst(sum: Uint32Array, count: number): void {
    const checkpoint = Math.floor(count / CHECKPOINT_ITEMS);
    addSum(sum, 0, this.#checkpoints, checkpoint * SUM_WORDS);
    addIds(sum, 0, this.#block.words, checkpoint * CHECKPOINT_ITEMS, count);
  }
}

/** The indexes of a block's items in ascending order of the items. */
function sortedOrder(block: ItemBlock): Uint32Array {
  const { length, timestamps, ids } = block;
  const order = new Uint32Array(length);
  const descending = length > 1 && timestamps[0]! > timestamps[length - 1]!;
  for (let i = 0; i < length; i++) order[i] = descending ? length - 1 - i : i;
  function compare(i: number, j: number): number {
    return timestamps[i]! - timestamps[j]! || compareIds(ids, i, ids, j, ID_BYTES);
  }
  if (!isAscending(order, timestamps)) return order.sort(compare);
  // Only items of the same second may be out of order.
  for (let begin = 0, end = 0; begin < length; begin = end) {
    const timestamp = timestamps[order[begin]!]!;
    while (end < length && timestamps[order[end]!] === timestamp) end++;
    if (end - begin > 1) order.subarray(begin, end).sort(compare);
  }
  return order;
}

function isSame(block: ItemBlock, i: number, j: number): boolean {
  return block.timestamps[i] === block.timestamps[j] &&
    compareIds(block.ids, i, block.ids, j, ID_BYTES) === 0;
}

function copyItem(from: ItemBlock, i: number, to: ItemBlock, j: number): void {
  to.timestamps[j] = from.timestamps[i]!;
  for (let k = 0; k < SUM_WORDS; k++) to.words[j * SUM_WORDS + k] = from.words[i * SUM_WORDS + k]!;
}

function isAscending(order: Uint32Array, timestamps: Float64Array): boolean {
  for (let i = 1; i < order.length; i++) {
    if (timestamps[order[i - 1]!]! > timestamps[order[i]!]!) return false;
  }
  return true;
}
