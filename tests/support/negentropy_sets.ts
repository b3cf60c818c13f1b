/**
 * Sets of items for tests of negentropy: random, repeatable, with the cases that matter (many events in one
 * second, ids that begin alike). Runs on a test's thread; no state.
 *
 * @module
 */
import { ItemTree } from "../../lib/negentropy/item_tree.ts";
import { type SortedVector, SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import { type Item, timestampBound } from "../../lib/negentropy/storage.ts";
import { type StorageWindow, timeWindow } from "../../lib/negentropy/storage_window.ts";
import type { Prng } from "./prng.ts";

/** What two parties have. */
export interface TwoSets {
  readonly ours: readonly Item[];
  readonly theirs: readonly Item[];
  /** Ids that only we have, and that only they have; hex, sorted. */
  readonly have: readonly string[];
  readonly need: readonly string[];
}

/** How many items, and over how many seconds. */
export interface SetSizes {
  readonly shared: number;
  readonly ours: number;
  readonly theirs: number;
  /** Fewer seconds than items make ties. */
  readonly seconds: number;
}

/** Where the timestamps begin. */
export const FIRST_SECOND = 1_700_000_000;

/** A random item; one id in four begins like many others, and still no two are equal. */
export function randomItem(prng: Prng, seconds: number): Item {
  const id = prng.bytes(32);
  if (prng.chance(0.25)) id.fill(prng.int(0, 1) * 255, 0, prng.int(1, 24));
  return { timestamp: FIRST_SECOND + prng.int(0, Math.max(0, seconds - 1)), id };
}

/** Two random sets. */
export function twoSets(prng: Prng, sizes: SetSizes): TwoSets {
  function items(count: number): Item[] {
    return Array.from({ length: count }, () => randomItem(prng, sizes.seconds));
  }
  const [shared, ours, theirs] = [items(sizes.shared), items(sizes.ours), items(sizes.theirs)];
  return {
    ours: prng.shuffle([...shared, ...ours]),
    theirs: prng.shuffle([...shared, ...theirs]),
    have: hexIds(ours),
    need: hexIds(theirs),
  };
}

/** The ids of items, hex, sorted. */
function hexIds(items: readonly Item[]): string[] {
  return items.map((item) => item.id.toHex()).sort();
}

/** A vector of the items. */
export function vectorOf(items: readonly Item[]): SortedVector {
  const builder = new SortedVectorBuilder();
  for (const item of items) builder.add(item.timestamp, item.id);
  return builder.build();
}

/** A tree of the items. */
export function treeOf(items: readonly Item[]): ItemTree {
  const tree = new ItemTree();
  for (const item of items) tree.insert(item.timestamp, item.id);
  return tree;
}

/** A window on a tree that holds more than the items, whose timestamps must not be below 1. */
export function windowOf(items: readonly Item[]): StorageWindow {
  const tree = treeOf(items);
  const timestamps = items.map((item) => item.timestamp);
  const first = timestamps.reduce((a, b) => Math.min(a, b), Infinity);
  const last = timestamps.reduce((a, b) => Math.max(a, b), 0);
  for (let i = 0; i < 50; i++) {
    tree.insert(timestampBound(last + 1 + i).timestamp, new Uint8Array(32).fill(i));
    if (first < Infinity) tree.insert(first - 1, new Uint8Array(32).fill(i));
  }
  return timeWindow(tree, first, last);
}
