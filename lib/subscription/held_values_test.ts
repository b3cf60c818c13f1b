/** Tests of what filters count as. That a value takes no more than is said, `tests/hostile` measures. */
import { assertEquals } from "@std/assert";
import { parseFilter } from "../nostr/filter.ts";
import { heldValues } from "./held_values.ts";

const held = (...filters: object[]) =>
  heldValues(filters.map((filter) => parseFilter(filter, { limitMax: 10, limitDefault: 10 })));
const KEY = "5".repeat(64);

Deno.test("each value counts, a long one as several, and a filter for itself", () => {
  assertEquals(held({}), 4);
  assertEquals(held({}, {}), 8);
  assertEquals(held({ authors: [KEY], ids: [KEY], kinds: [1, 2] }), 8);
  assertEquals(held({ "#p": [KEY], "#e": [KEY, "6".repeat(64)] }), 4 + 3 + 3 + 1);
  assertEquals(held({ "#t": ["", "a", "b".repeat(64), "c".repeat(65)] }), 4 + 2 + 5);
  assertEquals(held({ "&t": ["a", "b"] }), 4 + 3 + 3);
  assertEquals(held({ search: "s".repeat(130) }), 7);
});
