/** Tests of slices: they are read as written, and the room reserved for one is enough for its texts. */
import { assert, assertEquals } from "@std/assert";
import {
  IMPORT_LINE_BYTES_MAX,
  LANE_BYTES,
  READER_SLICE_CHARS_MAX,
  READER_SLICE_NOTE_BYTES_MAX,
  SLICE_TEXT_COUNTED_CHARS,
} from "../lib/limits.ts";
import { createLaneMemory, LaneConsumer, LaneProducer } from "../lib/queue/lane.ts";
import { rowsBytesMax, sendSlice, sliceBytesMax, SliceRecord } from "./slice.ts";

Deno.test("rowsBytesMax() is at least what the texts take, and for long ones no more than their bytes", () => {
  for (const text of ["", "abc", "é", "日本", "👩‍🚀", "x".repeat(SLICE_TEXT_COUNTED_CHARS)]) {
    const { length } = new TextEncoder().encode(text);
    assert(rowsBytesMax([text]) >= ((length + 7) & ~7), text.slice(0, 10));
  }
  const long = "y".repeat(1_000_000);
  assertEquals(rowsBytesMax([long]) - rowsBytesMax([""]), long.length);
});

Deno.test("a full slice of texts of three bytes a character that ends with the longest event fits its lane", () => {
  const text = "日".repeat(331);
  const texts = Array.from({ length: Math.ceil(READER_SLICE_CHARS_MAX / text.length) }, () => text);
  texts.push("z".repeat(IMPORT_LINE_BYTES_MAX));
  const lane = new LaneProducer(createLaneMemory(LANE_BYTES));
  assert(lane.reserve(sliceBytesMax(READER_SLICE_NOTE_BYTES_MAX, texts)) >= 0);
});

Deno.test("a slice is read as it was written, through the end of its lane", () => {
  const memory = createLaneMemory(2048);
  const [writer, reader] = [new LaneProducer(memory), new LaneConsumer(memory)];
  const record = new SliceRecord();
  for (let number = 1; number < 50; number++) {
    const texts = Array.from({ length: number % 4 }, (_, n) => "é".repeat(number + n));
    const state = (["more", "done", "failed"] as const)[number % 3]!;
    const seqs = texts.map((_, n) => 2 ** 40 + n);
    assert(sendSlice(writer, { epoch: 3, number }, { state, note: { count: number }, texts, seqs }));
    assert(reader.next());
    const slice = record.at(reader);
    assertEquals([slice.epoch, slice.number, slice.state, slice.note.count], [3, number, state, number]);
    const rows: [string, number][] = [];
    slice.walk((text, seq) => rows.push([text, seq]));
    assertEquals(rows, texts.map((text, n) => [text, seqs[n]!]));
    reader.release();
  }
});
