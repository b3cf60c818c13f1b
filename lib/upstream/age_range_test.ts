/** Tests of stretches of time by age: every unit, open ends, and texts that are none. */
import { assertEquals, assertThrows } from "@std/assert";
import { readAgeRange } from "./age_range.ts";

const NOW = 1_800_000_000;

Deno.test("each unit has its length, and a missing end is open", () => {
  for (const [text, seconds] of [["5s-", 5], ["3m-", 180], ["2h-", 7_200], ["1.5d-", 129_600]] as const) {
    assertEquals(readAgeRange(text, NOW), { since: NOW - seconds, until: Infinity });
  }
  assertEquals(readAgeRange("-1w", NOW), { since: 0, until: NOW - 604_800 });
  assertEquals(readAgeRange("1Y-2M", NOW), { since: NOW - 31_556_952, until: NOW - 5_270_400 });
  assertEquals(readAgeRange("-", NOW), { since: 0, until: Infinity });
});

Deno.test("a range without a dash, with an unknown unit or with its ends exchanged is refused", () => {
  for (const text of ["", "7d", "7-1", "7x-", "d-1d", "1d-2d-3d"]) {
    assertThrows(() => readAgeRange(text, NOW), SyntaxError, "START-END");
  }
  assertThrows(() => readAgeRange("1d-7d", NOW), RangeError, "younger");
});
