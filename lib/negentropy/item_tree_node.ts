/**
 * The nodes of `item_tree.ts`: leaves hold items; branches hold nodes, and of each the count and sum of its
 * items. Runs on the thread of the tree, which owns its nodes.
 *
 * DESIGN. A branch's `keys` part its nodes: key `i` is not above any item of node `i`, and above every item
 * of node `i - 1`. A removal leaves keys as they are, so a key need not be an item. Key 0 is never read: what
 * lies below key 1 is node 0's.
 *
 *   keys      –        k1        k2         count, sum   (3, Σ)   (2, Σ)   (4, Σ)
 *   nodes   [a b c]  [d e]   [f g h i]                    a < b < c < k1 <= d < e < k2 <= f …
 *
 * @module
 */
import { addIds, addSum, subtractSum, SUM_WORDS } from "./fingerprint.ts";
import { ItemBlock } from "./item_block.ts";
import { type Bound, ID_BYTES, type Item } from "./storage.ts";

/** An item to insert or remove: a bound with a whole id, which is also read as words. */
export interface Key extends Bound {
  readonly words: Uint32Array;
}

/** A part of the tree. Indexes are relative to the node. */
export interface Node {
  /** How full the node is: items of a leaf, nodes of a branch. */
  readonly fill: number;
  /** Items below the node. */
  readonly count: number;
  /** Items that the memory below the node has room for. */
  readonly capacity: number;
  /**
   * Adds the item; false if it was there. A full node moves its upper part to a new one first: `takeSplit`.
   */
  insert(key: Key): boolean;
  /** The node that the last insertion split off, if it did, and the key that parts it from this one. */
  takeSplit(): Split | undefined;
  /** Removes the item; false if it was not there. */
  remove(key: Key): boolean;
  /** Takes all of `right`, the next node of the same height; the key parts them. */
  merge(right: Node, key: Bound): void;
  item(index: number): Item;
  /** How many items are below `bound`. */
  rank(bound: Bound): number;
  /** Adds the sum of all items to the sum at word `at`. */
  addAll(sum: Uint32Array, at: number): void;
  /** Adds the sum of the first `count` items to `sum`. */
  addFirst(sum: Uint32Array, count: number): void;
  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void;
}

/** What a full node gave up. */
interface Split {
  readonly key: Bound;
  readonly right: Node;
}

/** Items of a leaf: 10 KiB. */
export const LEAF_ITEMS = 256;
/** Room in a leaf's left neighbour for which items are moved there: less would be moved too often. */
const LEAF_ROOM_MIN = LEAF_ITEMS / 8;
/** Nodes of a branch. */
const BRANCH_NODES = 64;

/** The items themselves. */
export class Leaf implements Node {
  readonly #block = new ItemBlock(LEAF_ITEMS);
  #split: Split | undefined;

  get fill(): number {
    return this.#block.length;
  }

  get count(): number {
    return this.#block.length;
  }

  get capacity(): number {
    return LEAF_ITEMS;
  }

  insert(key: Key): boolean {
    const block = this.#block;
    const index = block.lowerBound(key);
    if (block.is(index, key)) return false;
    if (block.length < LEAF_ITEMS) {
      block.insert(index, key);
      return true;
    }
    const right = new Leaf();
    // What comes in order leaves full leaves behind; anything else leaves halves.
    const middle = index === LEAF_ITEMS ? LEAF_ITEMS : LEAF_ITEMS / 2;
    right.#block.takeTail(block, middle);
    if (index < middle) block.insert(index, key);
    else right.#block.insert(index - middle, key);
    this.#split = { key: right.#block.boundAt(0), right };
    return true;
  }

  takeSplit(): Split | undefined {
    const split = this.#split;
    this.#split = undefined;
    return split;
  }

  remove(key: Key): boolean {
    const index = this.#block.lowerBound(key);
    if (!this.#block.is(index, key)) return false;
    this.#block.remove(index);
    return true;
  }

  merge(right: Leaf): void {
    this.#block.takeTail(right.#block, 0);
  }

  /**
   * Takes items from `right`, the next leaf, which is full, if it has room for many: one place stays free, and half of
   * `right`. Returns the key that parts the leaves then, or undefined if nothing was moved.
   */
  relieve(right: Leaf): Bound | undefined {
    const room = LEAF_ITEMS - this.fill;
    if (room < LEAF_ROOM_MIN) return undefined;
    this.#block.takeHead(right.#block, Math.min(room - 1, LEAF_ITEMS / 2));
    return right.#block.boundAt(0);
  }

  item(index: number): Item {
    return { timestamp: this.#block.timestamps[index]!, id: this.#block.id(index) };
  }

  rank(bound: Bound): number {
    return this.#block.lowerBound(bound);
  }

  addAll(sum: Uint32Array, at: number): void {
    addIds(sum, at, this.#block.words, 0, this.#block.length);
  }

  addFirst(sum: Uint32Array, count: number): void {
    addIds(sum, 0, this.#block.words, 0, count);
  }

  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void {
    target.set(this.#block.ids.subarray(begin * ID_BYTES, end * ID_BYTES), offset);
  }
}

/** Nodes of one height, with their counts and sums. */
export class Branch implements Node {
  readonly #nodes: Node[] = [];
  readonly #keys = new ItemBlock(BRANCH_NODES);
  readonly #counts = new Float64Array(BRANCH_NODES);
  readonly #sums = new Uint32Array(BRANCH_NODES * SUM_WORDS);
  #split: Split | undefined;

  get fill(): number {
    return this.#nodes.length;
  }

  get count(): number {
    let count = 0;
    for (let i = 0; i < this.#nodes.length; i++) count += this.#counts[i]!;
    return count;
  }

  get capacity(): number {
    return this.#nodes.reduce((capacity, node) => capacity + node.capacity, 0);
  }

  /** The only node left, where a root has one. */
  get only(): Node | undefined {
    return this.#nodes.length === 1 ? this.#nodes[0] : undefined;
  }

  /** Puts a node at `index`, which has room. */
  place(index: number, key: Bound, node: Node): void {
    this.#keys.insert(index, key);
    this.#counts.copyWithin(index + 1, index, this.#nodes.length);
    this.#sums.copyWithin((index + 1) * SUM_WORDS, index * SUM_WORDS, this.#nodes.length * SUM_WORDS);
    this.#nodes.splice(index, 0, node);
    this.#recount(index);
  }

  insert(key: Key): boolean {
    let index = this.#indexOf(key);
    if (this.#isRelieved(index)) index = this.#indexOf(key);
    const node = this.#nodes[index]!;
    if (!node.insert(key)) return false;
    const split = node.takeSplit();
    if (split === undefined) {
      this.#counts[index]!++;
      addSum(this.#sums, index * SUM_WORDS, key.words, 0);
      return true;
    }
    this.#recount(index);
    this.#placeSplit(index + 1, split);
    return true;
  }

  takeSplit(): Split | undefined {
    const split = this.#split;
    this.#split = undefined;
    return split;
  }

  remove(key: Key): boolean {
    const index = this.#indexOf(key);
    const node = this.#nodes[index]!;
    if (!node.remove(key)) return false;
    this.#counts[index]!--;
    subtractSum(this.#sums, index * SUM_WORDS, key.words, 0);
    this.#mergeIfSparse(index);
    return true;
  }

  merge(right: Branch, key: Bound): void {
    // The first key of a branch may be above its items; the one that parts the branches is not.
    right.#keys.set(0, key);
    this.#takeTail(right, 0);
  }

  item(index: number): Item {
    let rest = index;
    let i = 0;
    for (; rest >= this.#counts[i]!; i++) rest -= this.#counts[i]!;
    return this.#nodes[i]!.item(rest);
  }

  rank(bound: Bound): number {
    const index = this.#keys.lowerBound(bound, 1) - 1;
    let rank = this.#nodes[index]!.rank(bound);
    for (let i = 0; i < index; i++) rank += this.#counts[i]!;
    return rank;
  }

  addAll(sum: Uint32Array, at: number): void {
    for (let i = 0; i < this.#nodes.length; i++) addSum(sum, at, this.#sums, i * SUM_WORDS);
  }

  addFirst(sum: Uint32Array, count: number): void {
    let rest = count;
    let whole = 0;
    while (whole < this.#nodes.length && rest >= this.#counts[whole]!) rest -= this.#counts[whole++]!;
    addIds(sum, 0, this.#sums, 0, whole);
    if (rest > 0) this.#nodes[whole]!.addFirst(sum, rest);
  }

  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void {
    let first = 0;
    for (let i = 0; i < this.#nodes.length && first < end; i++) {
      const last = first + this.#counts[i]!;
      if (last > begin) {
        const from = Math.max(begin, first);
        const at = offset + (from - begin) * ID_BYTES;
        this.#nodes[i]!.copyIds(from - first, Math.min(end, last) - first, target, at);
      }
      first = last;
    }
  }

  /** The node where the item is, or would be. */
  #indexOf(key: Bound): number {
    const index = this.#keys.lowerBound(key, 1);
    return this.#keys.is(index, key) ? index : index - 1;
  }

  /**
   * Moves items of a full leaf to its left neighbour, if there is room. Items that come nearly in order split the last
   * leaf in halves again and again, and none ever comes to the lower ones: without this the tree stays half empty.
   */
  #isRelieved(index: number): boolean {
    const [left, node] = [this.#nodes[index - 1], this.#nodes[index]];
    if (!(node instanceof Leaf && left instanceof Leaf) || node.fill < LEAF_ITEMS) return false;
    const key = left.relieve(node);
    if (key === undefined) return false;
    this.#keys.set(index, key);
    this.#recount(index - 1);
    this.#recount(index);
    return true;
  }

  #placeSplit(index: number, { key, right }: Split): void {
    if (this.#nodes.length < BRANCH_NODES) {
      this.place(index, key, right);
      return;
    }
    const upper = new Branch();
    const middle = index === BRANCH_NODES ? BRANCH_NODES - 1 : BRANCH_NODES / 2;
    upper.#takeTail(this, middle);
    if (index <= middle) this.place(index, key, right);
    else upper.place(index - middle, key, right);
    this.#split = { key: upper.#keys.boundAt(0), right: upper };
  }

  /**
   * Merges a node that is a quarter full or less with a neighbour, where both together leave room to grow.
   */
  #mergeIfSparse(index: number): void {
    const node = this.#nodes[index]!;
    const capacity = node instanceof Leaf ? LEAF_ITEMS : BRANCH_NODES;
    if (node.fill > capacity / 4) return;
    for (const left of [index - 1, index]) {
      const [a, b] = [this.#nodes[left], this.#nodes[left + 1]];
      if (a === undefined || b === undefined) continue;
      if (node.fill > 0 && a.fill + b.fill > capacity * 3 / 4) continue;
      a.merge(b, this.#keys.boundAt(left + 1));
      this.#remove(left + 1);
      this.#recount(left);
      return;
    }
    if (node.fill === 0) this.#remove(index);
  }

  /** Removes the node at `index` from the branch. */
  #remove(index: number): void {
    this.#counts.copyWithin(index, index + 1, this.#nodes.length);
    this.#sums.copyWithin(index * SUM_WORDS, (index + 1) * SUM_WORDS, this.#nodes.length * SUM_WORDS);
    this.#keys.remove(index);
    this.#nodes.splice(index, 1);
  }

  /** Takes the nodes of `other` from `begin` on behind its own. */
  #takeTail(other: Branch, begin: number): void {
    const { length } = this.#nodes;
    const end = other.#nodes.length;
    this.#counts.set(other.#counts.subarray(begin, end), length);
    this.#sums.set(other.#sums.subarray(begin * SUM_WORDS, end * SUM_WORDS), length * SUM_WORDS);
    this.#keys.takeTail(other.#keys, begin);
    this.#nodes.push(...other.#nodes.splice(begin));
  }

  #recount(index: number): void {
    const node = this.#nodes[index]!;
    this.#counts[index] = node.count;
    this.#sums.fill(0, index * SUM_WORDS, (index + 1) * SUM_WORDS);
    node.addAll(this.#sums, index * SUM_WORDS);
  }
}
