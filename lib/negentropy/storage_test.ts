/**
 * The suite that every storage passes, against a plain sorted array.
 *
 * @module
 */
import { hash } from "node:crypto";
import { assertEquals } from "@std/assert";
import { FIRST_SECOND, randomItem, treeOf, vectorOf, windowOf } from "../../tests/support/negentropy_sets.ts";
import { type Prng, seededPrng } from "../../tests/support/prng.ts";
import { type Bound, INFINITY_BOUND, type Item, type ItemStorage, timestampBound } from "./storage.ts";

const STORAGES: Record<string, (items: readonly Item[]) => ItemStorage> = {
  "a sorted vector": vectorOf,
  "a tree": treeOf,
  "a window on a tree": windowOf,
};
/** Sizes around those of checkpoints, leaves and branches. */
const SIZES = [0, 1, 2, 31, 63, 64, 65, 255, 256, 257, 600, 5_000, 20_000];

for (const [name, make] of Object.entries(STORAGES)) {
  Deno.test(`${name} keeps items by timestamp, then by id`, () => {
    eachSize(make, name, (storage, sorted) => {
      assertEquals(storage.size, sorted.length);
      for (let i = 0; i < sorted.length; i += 1 + (sorted.length >> 8)) {
        const item = storage.item(i);
        assertEquals(item.timestamp, sorted[i]!.timestamp);
        assertEquals(item.id.toHex(), sorted[i]!.id.toHex());
      }
    });
  });

  Deno.test(`${name} finds the first item that is not below a bound`, () => {
    eachSize(make, name, (storage, sorted, prng) => {
      for (let i = 0; i < 40; i++) {
        const bound = randomBound(prng, sorted);
        const [begin, end] = randomRange(prng, sorted.length);
        assertEquals(storage.findLowerBound(begin, end, bound), naiveLowerBound(sorted, begin, end, bound));
      }
    });
  });

  Deno.test(`${name} fingerprints any range`, () => {
    eachSize(make, name, (storage, sorted, prng) => {
      for (let i = 0; i < 10; i++) {
        const [begin, end] = i === 0 ? [0, sorted.length] : randomRange(prng, sorted.length);
        assertEquals(storage.fingerprint(begin, end).toHex(), naiveFingerprint(sorted.slice(begin, end)));
      }
    });
  });

  Deno.test(`${name} copies the ids of any range`, () => {
    eachSize(make, name, (storage, sorted, prng) => {
      for (let i = 0; i < 10; i++) {
        const [begin, end] = randomRange(prng, sorted.length);
        const target = new Uint8Array(7 + (end - begin) * 32);
        storage.copyIds(begin, end, target, 7);
        const expected = sorted.slice(begin, end).map((item) => item.id.toHex()).join("");
        assertEquals(target.toHex(), "00".repeat(7) + expected);
      }
    });
  });

  Deno.test(`${name} counts an item that comes twice once`, () => {
    const prng = seededPrng(`repeats in ${name}`);
    const items = Array.from({ length: 300 }, () => randomItem(prng, 20));
    const storage = make(prng.shuffle([...items, ...items]));
    assertEquals(storage.size, 300);
    assertEquals(storage.fingerprint(0, 300).toHex(), naiveFingerprint(items));
  });
}

Deno.test("A vector is the same whether items come oldest first, newest first, or in any order", () => {
  const prng = seededPrng("order of arrival");
  const sorted = Array.from({ length: 1_000 }, () => randomItem(prng, 100)).sort(compareItems);
  const newestFirst = sorted.toSorted((a, b) => b.timestamp - a.timestamp || compareItems(a, b));
  for (const items of [sorted, sorted.toReversed(), newestFirst, prng.shuffle(sorted)]) {
    const vector = vectorOf(items);
    const ids = new Uint8Array(32_000);
    vector.copyIds(0, 1_000, ids, 0);
    assertEquals(ids.toHex(), sorted.map((item) => item.id.toHex()).join(""));
  }
});

function eachSize(
  make: (items: readonly Item[]) => ItemStorage,
  name: string,
  check: (storage: ItemStorage, sorted: readonly Item[], prng: Prng) => void,
): void {
  const prng = seededPrng(`a suite of ${name}`);
  for (const size of SIZES) {
    const seconds = prng.pick([1, 50, size * 10]);
    const items = Array.from({ length: size }, () => randomItem(prng, seconds));
    if (prng.chance(0.3)) items.sort(compareItems);
    const storage = make(items);
    check(storage, items.toSorted(compareItems), prng);
  }
}

function compareItems(a: Item, b: Item): number {
  return a.timestamp - b.timestamp || (a.id.toHex() < b.id.toHex() ? -1 : 1);
}

function randomRange(prng: Prng, size: number): [number, number] {
  const [a, b] = [prng.int(0, size), prng.int(0, size)];
  return a < b ? [a, b] : [b, a];
}

function randomBound(prng: Prng, sorted: readonly Item[]): Bound {
  if (prng.chance(0.1)) return INFINITY_BOUND;
  if (sorted.length === 0 || prng.chance(0.2)) return timestampBound(FIRST_SECOND + prng.int(-5, 200));
  const item = prng.pick(sorted);
  if (prng.chance(0.3)) return { timestamp: item.timestamp, prefix: prng.bytes(prng.int(0, 32)) };
  return { timestamp: item.timestamp, prefix: item.id.slice(0, prng.int(0, 32)) };
}

function naiveLowerBound(sorted: readonly Item[], begin: number, end: number, bound: Bound): number {
  const prefix = bound.prefix.toHex().padEnd(64, "0");
  const found = sorted.findIndex((item) =>
    item.timestamp > bound.timestamp || (item.timestamp === bound.timestamp && item.id.toHex() >= prefix)
  );
  return Math.min(end, Math.max(begin, found === -1 ? sorted.length : found));
}

function naiveFingerprint(items: readonly Item[]): string {
  let sum = 0n;
  for (const item of items) sum += BigInt(`0x${item.id.slice().reverse().toHex()}`);
  const bytes = Uint8Array.fromHex((sum % (1n << 256n)).toString(16).padStart(64, "0")).reverse();
  const count: number[] = [items.length & 127];
  for (let rest = items.length >> 7; rest > 0; rest >>= 7) count.unshift((rest & 127) | 128);
  return hash("sha256", new Uint8Array([...bytes, ...count]), "hex").slice(0, 32);
}
