/** Tests of filters filed by key against a plain list of pairs. `SEED=` repeats a run. */
import { assert, assertEquals } from "@std/assert";
import { keyHash } from "../../tests/support/key_hash.ts";
import { Prng } from "../../tests/support/prng.ts";
import { FiledKeys, type Filing } from "./filed_keys.ts";

/** Keys of 52 bits that share low halves, high halves and slots, and small ones as kinds are. */
function keysOf(prng: Prng): number[] {
  const key = () =>
    prng.pick([prng.int(0, 9), prng.int(0, 3) * 2 ** 32 + prng.int(0, 3), prng.int(0, 2 ** 20) * 2 ** 32]);
  return Array.from({ length: prng.pick([0, 1, 1, 3, 40, 200]) }, key);
}

Deno.test("what is filed is found under each of its keys until it is taken away", () => {
  const prng = new Prng(Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 32)));
  const filed = new FiledKeys<{ number: number }>(keyHash(prng));
  const model: { value: { number: number }; keys: number[]; filing: Filing<{ number: number }> }[] = [];
  for (let round = 0; round < 3_000; round++) {
    // It grows for a while, then shrinks, and so on.
    if (prng.chance(round % 1_000 < 600 ? 0.6 : 0.3) || model.length === 0) {
      const [value, keys] = [{ number: round }, keysOf(prng)];
      model.push({ value, keys, filing: filed.file(keys, value) });
    } else {
      const [gone] = model.splice(prng.int(0, model.length - 1), 1);
      filed.unfile(gone!.filing);
    }
    if (round % 10 > 0) continue;
    assertEquals(filed.size, model.reduce((sum, { keys }) => sum + keys.length, 0));
    for (const key of [...model.flatMap(({ keys }) => keys.slice(0, 2)), 5, 77, 2 ** 33 + 1]) {
      const found: number[] = [];
      filed.each(key, (value) => found.push(value.number));
      const expected = model.flatMap(({ value, keys }) =>
        keys.filter((other) => other === key).map(() => value.number)
      );
      assertEquals(found.toSorted((a, b) => a - b), expected, `SEED=${prng.seed} round ${round} key ${key}`);
    }
  }
  for (const { filing } of model) filed.unfile(filing);
  assertEquals(filed.size, 0);
});

Deno.test("a key of many is left at the price of one, and its neighbours do not meet them", () => {
  const filed = new FiledKeys<object>(keyHash());
  const filings = Array.from({ length: 50_000 }, (_, number) => filed.file([1], { number }));
  filed.file([6], {});
  // With a walk along all of them this would take minutes.
  for (const filing of filings) filed.unfile(filing);
  let visits = 0;
  filed.each(1, () => visits++);
  filed.each(6, () => visits++);
  assertEquals([visits, filed.size], [1, 1]);
  filed.unfile(filed.file([], {}));
  assertEquals(filed.size, 1, "nothing to take away");
});

Deno.test("keys that were chosen to share a slot share none", () => {
  // What both halves give that are folded by a known factor is the same for all: no later factor tells them apart.
  const keys = Array.from(
    { length: 50_000 },
    (_, high) => high * 2 ** 32 + ((Math.imul(high, 0x9e3779b1) ^ 5) >>> 0),
  );
  const filed = new FiledKeys<object>(keyHash());
  const filings = keys.map((key) => filed.file([key], {}));
  assert(filed.longestChain <= 12, `a look-up goes through ${filed.longestChain} keys`);
  for (const filing of filings) filed.unfile(filing);
  assertEquals(filed.size, 0);
});

Deno.test("room that nobody needs any more is given back, and what stays is still found", () => {
  const filed = new FiledKeys<{ number: number }>(keyHash());
  const filings = Array.from(
    { length: 2_000 },
    (_, number) =>
      filed.file(Array.from({ length: 50 }, (_, at) => number % 3 ? number * 50 + at : at), { number }),
  );
  assertEquals(filed.room, 2 ** 17);
  for (const filing of filings.splice(10)) filed.unfile(filing);
  assert(filed.room <= 4_096, `there is room for ${filed.room} of ${filed.size}`);
  for (const { value } of filings) {
    const found: [number, number][] = [];
    filed.each(
      value.number % 3 ? value.number * 50 + 7 : 7,
      (other, place) => found.push([other.number, place]),
    );
    assert(found.some(([number, place]) => number === value.number && place === 7));
    assertEquals(found.length, value.number % 3 ? 1 : 4);
  }
  const taken: number[] = [];
  for (const filing of filings) filed.unfile(filing, (key) => taken.push(key));
  assertEquals([taken.length, filed.size, filed.room], [500, 0, 4_096]);
});
