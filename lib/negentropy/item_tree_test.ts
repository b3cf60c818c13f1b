/**
 * The tree as it changes: against a fresh vector of the same items.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { randomItem, vectorOf } from "../../tests/support/negentropy_sets.ts";
import { type Prng, seededPrng } from "../../tests/support/prng.ts";
import { ItemTree } from "./item_tree.ts";
import { LEAF_ITEMS } from "./item_tree_node.ts";
import type { Item } from "./storage.ts";

Deno.test("A tree that grows and shrinks at random holds what a fresh vector holds", () => {
  const prng = seededPrng("insertions and removals");
  const tree = new ItemTree();
  const items: Item[] = [];
  const seconds = prng.pick([3, 1_000, 1_000_000]);
  // Long tides of growth and of decline, so that nodes of every height are split and merged.
  for (
    const [steps, growth] of [[30_000, 0.9], [40_000, 0.15], [3_000, 0.6], [20_000, 0.8], [
      60_000,
      0,
    ]] as const
  ) {
    for (let i = 0; i < steps; i++) {
      if (prng.chance(growth)) {
        const item = randomItem(prng, seconds);
        assertEquals(tree.insert(item.timestamp, item.id), true);
        items.push(item);
      } else if (items.length > 0) {
        assertEquals(tree.remove(...taken(items, prng)), true);
      }
      if (i % 2_000 === 0) assertSame(tree, items, prng);
    }
    assertSame(tree, items, prng);
  }
  assertEquals(tree.size, 0);
});

Deno.test("A tree that loses its oldest and gains newer ones stays right", () => {
  const prng = seededPrng("a window that moves");
  const tree = new ItemTree();
  const items = Array.from({ length: 40_000 }, (_, i) => ({ timestamp: i, id: prng.bytes(32) }));
  items.forEach((item, i) => {
    tree.insert(item.timestamp, item.id);
    const old = items[i - 5_000];
    if (old !== undefined) assertEquals(tree.remove(old.timestamp, old.id), true);
    if (i % 4_000 === 0) assertSame(tree, items.slice(Math.max(0, i - 4_999), i + 1), prng);
  });
});

Deno.test("A tree gives memory back as it shrinks, and has full leaves where items came in order", () => {
  const prng = seededPrng("memory of a tree");
  const tree = new ItemTree();
  const items = Array.from({ length: 50_000 }, (_, i) => ({ timestamp: i, id: prng.bytes(32) }));
  for (const { timestamp, id } of items) tree.insert(timestamp, id);
  assert(tree.capacity < tree.size * 1.01, `room for ${tree.capacity}`);
  const gone = prng.shuffle(items);
  while (gone.length > 1_000) tree.remove(...taken(gone, prng));
  assert(tree.capacity < tree.size * 4, `room for ${tree.capacity}`);
  while (gone.length > 0) tree.remove(...taken(gone, prng));
  assertEquals(tree.capacity, LEAF_ITEMS);
});

Deno.test("A tree has nearly full leaves where items came nearly in order", () => {
  const prng = seededPrng("items that come late");
  const tree = new ItemTree();
  const items: Item[] = [];
  for (let i = 0; i < 30_000; i++) {
    const item = { timestamp: i + prng.int(0, 60), id: prng.bytes(32) };
    items.push(item);
    tree.insert(item.timestamp, item.id);
  }
  assert(tree.capacity < tree.size * 1.2, `room for ${tree.capacity}`);
  assertSame(tree, items, prng);
});

Deno.test("Inserting what is there and removing what is not changes nothing", () => {
  const prng = seededPrng("nothing to do");
  const tree = new ItemTree();
  const items = Array.from({ length: 2_000 }, () => randomItem(prng, 50));
  for (const item of items) tree.insert(item.timestamp, item.id);
  for (const { timestamp, id } of items) {
    assertEquals(tree.insert(timestamp, id), false);
    assertEquals(tree.remove(timestamp + 1, id), false);
    assertEquals(tree.remove(timestamp, prng.bytes(32)), false);
  }
  assertSame(tree, items, prng);
});

Deno.test("An item that the tree itself lends can be removed by", () => {
  const prng = seededPrng("views into the tree");
  const tree = new ItemTree();
  for (let i = 0; i < 3_000; i++) tree.insert(i, prng.bytes(32));
  while (tree.size > 0) {
    const { timestamp, id } = tree.item(prng.int(0, tree.size - 1));
    assertEquals(tree.remove(timestamp, id), true);
  }
  assertEquals(tree.fingerprint(0, 0).toHex(), new ItemTree().fingerprint(0, 0).toHex());
});

function taken(items: Item[], prng: Prng): [number, Uint8Array] {
  const index = prng.int(0, items.length - 1);
  const { timestamp, id } = items[index]!;
  items[index] = items.at(-1)!;
  items.pop();
  return [timestamp, id];
}

function assertSame(tree: ItemTree, items: readonly Item[], prng: Prng): void {
  const vector = vectorOf(items);
  assertEquals(tree.size, vector.size);
  const [ours, theirs] = [new Uint8Array(32 * tree.size), new Uint8Array(32 * tree.size)];
  tree.copyIds(0, tree.size, ours, 0);
  vector.copyIds(0, tree.size, theirs, 0);
  assertEquals(ours.toHex(), theirs.toHex());
  for (let i = 0; i < 20 && tree.size > 0; i++) {
    const [a, b] = [prng.int(0, tree.size), prng.int(0, tree.size)];
    const [begin, end] = [Math.min(a, b), Math.max(a, b)];
    assertEquals(tree.fingerprint(begin, end).toHex(), vector.fingerprint(begin, end).toHex());
    const { timestamp, id } = vector.item(prng.int(0, tree.size - 1));
    const bound = { timestamp, prefix: id.slice(0, prng.int(0, 32)) };
    const place = vector.findLowerBound(0, vector.size, bound);
    assertEquals(tree.findLowerBound(0, tree.size, bound), place);
  }
}
