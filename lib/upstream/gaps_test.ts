/** Tests of what is still to be fetched: against a set of seconds, which is too simple to be wrong. */
import { assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { UPSTREAM_GAPS_MAX } from "../limits.ts";
import { Gaps } from "./gaps.ts";

Deno.test("gaps are in order, none empty and no two of them touch", () => {
  const gaps = new Gaps([{ since: 10, until: 20 }, { since: 5, until: 4 }]);
  gaps.add({ since: 30, until: 40 });
  gaps.add({ since: 21, until: 22 });
  assertEquals(gaps.all, [{ since: 10, until: 22 }, { since: 30, until: 40 }]);
  gaps.remove({ since: 15, until: 33 });
  assertEquals(gaps.all, [{ since: 10, until: 14 }, { since: 34, until: 40 }]);
  assertEquals(gaps.newest, { since: 34, until: 40 });
  gaps.remove({ since: 0, until: 100 });
  assertEquals(gaps.newest, null);
});

Deno.test("gaps hold what a set of seconds holds, and more only where there are too many", () => {
  const prng = seededPrng("gaps");
  for (let run = 0; run < 200; run++) {
    const gaps = new Gaps();
    const seconds = new Set<number>();
    let wasFull = false;
    for (let step = 0; step < 60; step++) {
      const since = prng.int(0, 200);
      const range = { since, until: since + prng.int(-1, 6) };
      const isAdded = prng.chance(0.7);
      if (isAdded) gaps.add(range);
      else gaps.remove(range);
      for (let second = range.since; second <= range.until; second++) {
        if (isAdded) seconds.add(second);
        else seconds.delete(second);
      }
      const held = gaps.all.flatMap(({ since, until }) =>
        Array.from({ length: until - since + 1 }, (_, at) => since + at)
      );
      wasFull ||= gaps.all.length === UPSTREAM_GAPS_MAX;
      const missing = seconds.difference(new Set(held));
      assertEquals([...missing], []);
      assertEquals(gaps.all.length <= UPSTREAM_GAPS_MAX, true);
      if (!wasFull) assertEquals(held, [...seconds].sort((a, b) => a - b));
    }
  }
});
