/**
 * The storage of a whole relay: a B-tree that changes with it, and fingerprints any range without reading it.
 * Runs on the thread that follows the log, which owns the tree.
 *
 * Insertion, removal, place and fingerprint are O(log n): a branch knows the count and the sum of each of its
 * nodes. 40 bytes an item in full leaves, which items that arrive in order leave behind.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { fingerprintOf, subtractSum, SUM_WORDS } from "./fingerprint.ts";
import { Branch, type Key, Leaf, type Node } from "./item_tree_node.ts";
import { type Bound, ID_BYTES, type Item, type ItemStorage, timestampBound } from "./storage.ts";

/** A sorted set of items that can change. */
export class ItemTree implements ItemStorage {
  #root: Node = new Leaf();
  #size = 0;
  /** What is being inserted or removed, apart from the tree's own memory, which moves meanwhile. */
  readonly #id = new Uint8Array(ID_BYTES);
  readonly #words = new Uint32Array(this.#id.buffer);

  get size(): number {
    return this.#size;
  }

  /** Items that the tree's memory has room for, at 40 bytes each; goes through all leaves. */
  get capacity(): number {
    return this.#root.capacity;
  }

  /** Adds an item; false if it was there. @param timestamp Seconds. @param id 32 bytes, copied. */
  insert(timestamp: number, id: Uint8Array): boolean {
    if (!this.#root.insert(this.#key(timestamp, id))) return false;
    this.#size++;
    const split = this.#root.takeSplit();
    if (split !== undefined) {
      const root = new Branch();
      root.place(0, NO_KEY, this.#root);
      root.place(1, split.key, split.right);
      this.#root = root;
    }
    return true;
  }

  /** Removes an item; false if it was not there. */
  remove(timestamp: number, id: Uint8Array): boolean {
    if (!this.#root.remove(this.#key(timestamp, id))) return false;
    this.#size--;
    while (this.#root instanceof Branch && this.#root.only !== undefined) this.#root = this.#root.only;
    return true;
  }

  item(index: number): Item {
    return this.#root.item(index);
  }

  findLowerBound(begin: number, end: number, bound: Bound): number {
    return Math.min(end, Math.max(begin, this.#root.rank(bound)));
  }

  fingerprint(begin: number, end: number): Uint8Array {
    const sum = new Uint32Array(SUM_WORDS);
    const before = new Uint32Array(SUM_WORDS);
    this.#root.addFirst(sum, end);
    this.#root.addFirst(before, begin);
    subtractSum(sum, 0, before, 0);
    return fingerprintOf(sum, end - begin);
  }

  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void {
    this.#root.copyIds(begin, end, target, offset);
  }

  #key(timestamp: number, id: Uint8Array): Key {
    invariant(id.length === ID_BYTES, "an id has 32 bytes");
    this.#id.set(id);
    return { timestamp, prefix: this.#id, words: this.#words };
  }
}

/** Stands where a branch's first key would; it is never read. */
const NO_KEY = timestampBound(0);
