/** Tests of the generator: it repeats by seed, and its choices stay in bounds. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Prng, seededPrng } from "./prng.ts";

function stream(seed: number): number[] {
  const prng = new Prng(seed);
  return Array.from({ length: 100 }, () => prng.uint32());
}

Deno.test("Prng repeats its stream for the same seed and differs for another", () => {
  assertEquals(stream(42), stream(42));
  assertNotEquals(stream(42), stream(43));
  assertNotEquals(stream(0), stream(1));
});

Deno.test("Prng.int() reaches both ends and nothing beyond", () => {
  const prng = new Prng(7);
  const seen = new Set<number>();
  for (let i = 0; i < 1_000; i++) seen.add(prng.int(-1, 2));
  assertEquals([...seen].sort((a, b) => a - b), [-1, 0, 1, 2]);
});

Deno.test("Prng.uint32() sets every bit about half of the time", () => {
  const prng = new Prng(1);
  const draws = 4_000;
  const set = new Array<number>(32).fill(0);
  for (let i = 0; i < draws; i++) {
    const word = prng.uint32();
    for (let bit = 0; bit < 32; bit++) set[bit]! += (word >>> bit) & 1;
  }
  for (const count of set) assert(Math.abs(count - draws / 2) < draws * 0.05, `a bit was set ${count} times`);
});

Deno.test("Prng.shuffle() keeps every item and leaves its argument alone", () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const shuffled = new Prng(3).shuffle(items);
  assertNotEquals(shuffled, items);
  assertEquals(shuffled.toSorted((a, b) => a - b), items);
});

Deno.test("Prng.hex() has two digits a byte", () => {
  assertEquals(new Prng(5).hex(32).length, 64);
});

Deno.test("Prng.pick() throws for an empty list", () => {
  assertThrows(() => new Prng(5).pick([]), RangeError, "list is empty");
});

Deno.test("seededPrng() takes its seed from SEED and refuses one that is no integer", () => {
  const before = Deno.env.get("SEED");
  try {
    Deno.env.set("SEED", "12345");
    assertEquals(seededPrng("test of the seed").seed, 12345);
    Deno.env.set("SEED", "twelve");
    assertThrows(() => seededPrng("test of the seed"), RangeError, '"twelve"');
  } finally {
    if (before === undefined) Deno.env.delete("SEED");
    else Deno.env.set("SEED", before);
  }
});
