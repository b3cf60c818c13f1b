/** Tests of sorted keys against sets. `SEED=` repeats a run. */
import { assertEquals } from "@std/assert";
import { Prng } from "../../tests/support/prng.ts";
import { distinctKeys, SortedKeys } from "./sorted_keys.ts";

Deno.test("what is in a set of keys is found, and nothing else", () => {
  const prng = new Prng(Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 32)));
  for (const size of [0, 1, 2, 3, 8, 33, 500]) {
    const keys = Array.from({ length: size }, () => prng.int(0, 400) * 2 ** prng.pick([0, 43]));
    const sorted = new SortedKeys(keys);
    const set = new Set(keys);
    for (let n = 0; n < 400; n++) {
      for (const key of [n, n * 2 ** 43]) assertEquals(sorted.has(key), set.has(key), `SEED=${prng.seed}`);
    }
    assertEquals(distinctKeys(keys), [...set], `SEED=${prng.seed} size ${size}`);
  }
});
