/** Tests of `deno task docs`: what it puts where. */
import { assertEquals, assertThrows } from "@std/assert";
import { inUnitOf, replaceBounds, replacePart } from "./docs/generated.ts";

Deno.test("replacePart() replaces what stands between its own markers, and nothing else", () => {
  const text =
    "a\n<!-- generated: x -->\nold\n<!-- /generated -->\n<!-- generated: y -->\n<!-- /generated -->\n";
  const expected = text.replace("old", "\nnew\n");
  assertEquals(replacePart(text, "x", "new\n"), expected);
  assertEquals(replacePart(expected, "x", "new"), expected);
  assertThrows(() => replacePart(text, "z", ""), Error, 'Cannot find part "z"');
});

Deno.test("replaceBounds() writes the value of a bound that a row names, in the row's unit", () => {
  const row = "| bytes of one message | `FRAME_BYTES_MAX` | 1 KiB |";
  assertEquals(replaceBounds(row), "| bytes of one message | `FRAME_BYTES_MAX` | 512 KiB |");
  const other = "| something else | `NO_SUCH_BOUND` | 1 KiB |";
  assertEquals(replaceBounds(other), other);
});

Deno.test("inUnitOf() keeps MiB and KiB and groups thousands", () => {
  assertEquals(inUnitOf(32 * 2 ** 20, "1 MiB"), "32 MiB");
  assertEquals(inUnitOf(2_000, "1"), "2,000");
});
