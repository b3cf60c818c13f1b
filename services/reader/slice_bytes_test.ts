/** Tests of the room that a slice takes: never less than its texts, and what ends with the longest event fits a lane. */
import { assert, assertEquals } from "@std/assert";
import {
  IMPORT_LINE_BYTES_MAX,
  LANE_BYTES,
  READER_SLICE_CHARS_MAX,
  SLICE_TEXT_COUNTED_CHARS,
} from "../../lib/limits.ts";
import { createLaneMemory, LaneProducer } from "../../lib/queue/lane.ts";
import { ROW_HEADER_BYTES, SLICE_HEADER_BYTES } from "../../wire/query.ts";
import { rowsBytesMax } from "./slice_bytes.ts";

Deno.test("rowsBytesMax() is at least what the texts take, and for long ones no more than their bytes", () => {
  for (const text of ["", "abc", "é", "日本", "👩‍🚀", "x".repeat(SLICE_TEXT_COUNTED_CHARS)]) {
    const { length } = new TextEncoder().encode(text);
    assert(rowsBytesMax([text]) >= ROW_HEADER_BYTES + ((length + 7) & ~7), text.slice(0, 10));
  }
  const long = "y".repeat(1_000_000);
  assertEquals(rowsBytesMax([long]) - rowsBytesMax([""]), long.length);
});

Deno.test("a full slice of texts of three bytes a character that ends with the longest event fits its lane", () => {
  const text = "日".repeat(331);
  const texts = Array.from({ length: Math.ceil(READER_SLICE_CHARS_MAX / text.length) }, () => text);
  texts.push("z".repeat(IMPORT_LINE_BYTES_MAX));
  const lane = new LaneProducer(createLaneMemory(LANE_BYTES));
  assert(lane.reserve(SLICE_HEADER_BYTES + 4_096 + rowsBytesMax(texts)) >= 0);
});
