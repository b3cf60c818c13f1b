/** Tests of the layers of deduplication: which one decides, and how they are warmed. */
import { assertEquals } from "@std/assert";
import { Prng } from "../../tests/support/prng.ts";
import { KEY_HASH_WORDS, KeyHash } from "../nostr/key_hash.ts";
import { BlockedBloom, createBloomMemory } from "./blocked_bloom.ts";
import { SeenEvents, wasVerified } from "./seen_events.ts";

const prng = new Prng(5);
const chance = Uint32Array.from({ length: KEY_HASH_WORDS }, () => prng.uint32());

function ids(count: number): string[] {
  return Array.from({ length: count }, () => prng.hex(32));
}

/** A thread's layers with 10 recent ids and 100 in the cache, and what was looked up in the store. */
function layers(bloom: BlockedBloom, stored: ReadonlySet<string> = new Set()) {
  const lookedUp: string[] = [];
  const isStored = (id: string) => {
    lookedUp.push(id);
    return stored.has(id);
  };
  return {
    seen: new SeenEvents({ recentIds: 10, lruIds: 100, bloom, hash: new KeyHash(chance), isStored }),
    lookedUp,
  };
}

function newBloom(idsMax = 10_000): BlockedBloom {
  return new BlockedBloom(createBloomMemory(idsMax, chance));
}

Deno.test("each layer stops what it knows, and counts it", () => {
  const all = ids(300);
  const { seen, lookedUp } = layers(newBloom(), new Set(all.slice(0, 299)));
  for (const id of all) assertEquals(seen.layerOf(id), null);
  assertEquals(lookedUp, [], "the Bloom filter is empty");
  for (const id of all) seen.add(id);
  assertEquals(seen.layerOf(all[299]!), "recent");
  assertEquals(seen.layerOf(all[250]!), "lru");
  assertEquals(seen.layerOf(all[0]!), "store");
  assertEquals(seen.layerOf(all[0]!), "lru", "what the store knew is cached");
  assertEquals(lookedUp, [all[0]]);
  assertEquals(seen.counts, { recent: 1, lru: 2, store: 1, bloom: 300, mistaken: 0 });
  assertEquals(seen.sizes, { recent: 10, bloom: 10_000, lru: 100 });
});

Deno.test("what another thread has verified is found by way of the shared filter and the store", () => {
  const bloom = newBloom();
  const [stored, refused] = ids(2);
  const one = layers(bloom);
  const other = layers(bloom, new Set([stored!]));
  one.seen.add(stored!);
  one.seen.add(refused!);
  assertEquals([other.seen.layerOf(stored!), other.seen.layerOf(refused!)], ["store", null]);
  assertEquals(other.seen.counts.mistaken, 1);
});

Deno.test("layers are warmed with the store's newest ids, slice by slice, and ask for no more than they hold", () => {
  const stored = ids(1_000);
  let given = 0;
  function* slices() {
    for (let at = 0; at < stored.length; at += 20) {
      given++;
      yield stored.slice(at, at + 20);
    }
  }
  const one = layers(newBloom(500), new Set(stored));
  assertEquals([...one.seen.warm(slices(), true)].reduce((sum, count) => sum + count), 500);
  assertEquals(given, 25);
  assertEquals(one.seen.layerOf(stored[0]!), "recent");
  assertEquals(one.seen.layerOf(stored[99]!), "lru");
  assertEquals(one.seen.layerOf(stored[100]!), "store");
  one.seen.add(ids(1)[0]!);
  assertEquals(
    [one.seen.layerOf(stored[9]!), one.seen.layerOf(stored[8]!)],
    ["lru", "recent"],
    "the oldest goes first",
  );

  const other = layers(newBloom());
  assertEquals([...other.seen.warm([stored.slice(0, 7)], false)], [7]);
  assertEquals([other.seen.layerOf(stored[6]!), other.seen.sizes.lru], ["recent", 7], "a small store");
});

Deno.test("an event counts as verified only if the store has decided about it", () => {
  assertEquals(wasVerified(true, ""), true);
  assertEquals(wasVerified(false, "duplicate: have it"), true);
  assertEquals(wasVerified(false, "invalid: the signature does not verify"), false);
  assertEquals(wasVerified(false, "blocked: the author is banned"), false);
});
