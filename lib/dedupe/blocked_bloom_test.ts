/** Tests of the Bloom filter: what it knows, how often it errs at its stated size, and its generations. */
import { assert, assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { KEY_HASH_WORDS } from "../nostr/key_hash.ts";
import { BlockedBloom, createBloomMemory } from "./blocked_bloom.ts";

const prng = seededPrng("ids in a Bloom filter");

function words(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, () => prng.uint32());
}

/** Some ids as 8 words each. */
function ids(count: number): Uint32Array[] {
  return Array.from({ length: count }, () => words(8));
}

Deno.test("a million ids in each generation are all known, and less than 1 % of others are taken for one", () => {
  const filter = new BlockedBloom(createBloomMemory(1_000_000, words(KEY_HASH_WORDS)));
  const id = new Uint32Array(8);
  const seed = prng.uint32();
  // Ids follow from their number, so that none has to be kept; a step of a Weyl sequence is as good as chance here.
  const write = (number: number) => {
    for (let word = 0; word < 4; word++) id[word] = mixed(seed + number * 4 + word);
  };
  for (let number = 0; number < 1_999_999; number++) {
    write(number);
    filter.add(id);
  }
  let missed = 0;
  for (let number = 0; number < 1_999_999; number += 10) {
    write(number);
    if (!filter.has(id)) missed++;
  }
  assertEquals(missed, 0);
  let mistaken = 0;
  for (let number = 2_000_000; number < 2_200_000; number++) {
    write(number);
    if (filter.has(id)) mistaken++;
  }
  assert(mistaken < 2_000, `${mistaken} of 200,000`);
  assert(mistaken > 200, `${mistaken} of 200,000: the filter is emptier than it is said to be`);
});

Deno.test("a full generation takes the place of the older one, of which nothing is left", () => {
  const filter = new BlockedBloom(createBloomMemory(1_000, words(KEY_HASH_WORDS)));
  const generations = [ids(1_000), ids(1_000), ids(1_000)];
  const known = (list: Uint32Array[]) => list.filter((id) => filter.has(id)).length;
  for (const id of generations[0]!) filter.add(id);
  for (const id of generations[1]!.slice(0, 999)) filter.add(id);
  assertEquals([known(generations[0]!), known(generations[1]!.slice(0, 999))], [1_000, 999]);
  filter.add(generations[1]![999]!);
  assert(known(generations[0]!) < 50, "the first generation is gone");
  for (const id of generations[2]!.slice(0, 999)) filter.add(id);
  assertEquals([known(generations[1]!), known(generations[2]!.slice(0, 999))], [1_000, 999]);
});

Deno.test("two filters over one memory know the same ids", () => {
  const memory = createBloomMemory(1_000, words(KEY_HASH_WORDS));
  const [one, other] = [new BlockedBloom(memory), new BlockedBloom(memory)];
  const [id, unknown] = ids(2);
  one.add(id!);
  assertEquals([other.has(id!), other.has(unknown!), other.ids], [true, false, 1_000]);
});

/** The finaliser of MurmurHash3. */
function mixed(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
