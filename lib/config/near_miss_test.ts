/**
 * Tests of finding misspelt names. Runs on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { editDistance, isNearMiss, nearest } from "./near_miss.ts";

Deno.test("the edit distance counts insertions, deletions, replacements and swaps of neighbours", () => {
  assertEquals(editDistance("", ""), 0);
  assertEquals(editDistance("", "abc"), 3);
  assertEquals(editDistance("PORT", "PROT"), 1);
  assertEquals(editDistance("kitten", "sitting"), 3);
  assertEquals(editDistance("DATADIR", "DATA_DIR"), 1);
});

Deno.test("the nearest name is suggested, and none when all are far", () => {
  assertEquals(nearest("max_limit", ["PORT", "MAX_LIMIT"]), "MAX_LIMIT");
  assertEquals(nearest("COLOUR", ["PORT", "MAX_LIMIT"]), undefined);
});

Deno.test("the longer a name, the farther a miss may be", () => {
  const names = ["PORT", "DATA_DIR", "RESTART_DELAY_MS"];
  assertEquals(isNearMiss("SORT", "", names), false);
  assertEquals(isNearMiss("PROT", "", names), true);
  assertEquals(isNearMiss("DATADIR", "", names), true);
  assertEquals(isNearMiss("DATADIRS", "", names), false);
  assertEquals(isNearMiss("RESTART_DELAYMSS", "", names), true);
  assertEquals(isNearMiss("DATA_DIR", "", names), false);
});
