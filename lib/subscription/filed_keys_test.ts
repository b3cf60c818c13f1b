/** Tests of filters filed by key against a plain list of pairs. `SEED=` repeats a run. */
import { assert, assertEquals } from "@std/assert";
import { Prng } from "../../tests/support/prng.ts";
import { FiledKeys } from "./filed_keys.ts";

/** Keys of 52 bits that share low halves, high halves and slots, and small ones as kinds are. */
function keysOf(prng: Prng): number[] {
  const key = () =>
    prng.pick([prng.int(0, 9), prng.int(0, 3) * 2 ** 32 + prng.int(0, 3), prng.int(0, 2 ** 20) * 2 ** 32]);
  return Array.from({ length: prng.pick([0, 1, 1, 3, 40, 200]) }, key);
}

Deno.test("what is filed is found under each of its keys until it is taken away", () => {
  const prng = new Prng(Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 32)));
  const filed = new FiledKeys<{ number: number }>(prng.uint32());
  const model: { value: { number: number }; keys: number[]; first: number }[] = [];
  for (let round = 0; round < 3_000; round++) {
    // It grows for a while, then shrinks, and so on.
    if (prng.chance(round % 1_000 < 600 ? 0.6 : 0.3) || model.length === 0) {
      const [value, keys] = [{ number: round }, keysOf(prng)];
      model.push({ value, keys, first: filed.file(keys, value) });
    } else {
      const [gone] = model.splice(prng.int(0, model.length - 1), 1);
      filed.unfile(gone!.first);
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
  for (const { first } of model) filed.unfile(first);
  assertEquals(filed.size, 0);
});

Deno.test("a key of many is left at the price of one, and its neighbours do not meet them", () => {
  const filed = new FiledKeys<object>(1);
  const firsts = Array.from({ length: 50_000 }, (_, number) => filed.file([1], { number }));
  filed.file([6], {});
  // With a walk along all of them this would take minutes.
  for (const first of firsts) filed.unfile(first);
  let visits = 0;
  filed.each(1, () => visits++);
  filed.each(6, () => visits++);
  assertEquals([visits, filed.size], [1, 1]);
  assert(filed.file([], {}) === -1, "nothing to take away");
});
