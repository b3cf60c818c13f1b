/** Tests of how deep a value is, at the edge of the bound and far beyond it. */
import { assert, assertEquals } from "@std/assert";
import { JSON_DEPTH_MAX } from "../limits.ts";
import { hasDeepFields, isDeeperThan } from "./nesting.ts";

/** Arrays and objects in turn, so many levels. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [2, value] : { a: null, b: value };
  return value;
}

Deno.test("isDeeperThan() tells one level more from as many as there may be", () => {
  for (let levels = 0; levels < 12; levels++) {
    for (let most = 0; most < 12; most++) assertEquals(isDeeperThan(nested(levels), most), levels > most);
  }
});

Deno.test("isDeeperThan() goes no deeper than it has to, and looks at each element once", () => {
  assert(isDeeperThan(nested(1_000_000), JSON_DEPTH_MAX));
  let looked = 0;
  const counting = Array.from({ length: 1_000 }, () => ({
    get field() {
      looked++;
      return 1;
    },
  }));
  assert(!isDeeperThan(counting, JSON_DEPTH_MAX));
  assertEquals(looked, 1_000);
});

Deno.test("hasDeepFields() counts the levels of the message and the event", () => {
  assert(!hasDeepFields({ id: "a", tags: [["t"]], more: nested(JSON_DEPTH_MAX - 2) }));
  assert(hasDeepFields({ id: "a", tags: [["t"]], more: nested(JSON_DEPTH_MAX - 1) }));
});
