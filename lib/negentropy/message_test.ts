/**
 * Numbers and bounds as NIP-77 writes them, and what is refused.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { MessageReader } from "./message_reader.ts";
import { MessageWriter } from "./message_writer.ts";
import { NegentropyError } from "./negentropy_error.ts";
import { type Bound, INFINITY_BOUND, minimalBound, timestampBound } from "./storage.ts";

/** Worked out by hand from NIP-77: base 128, most significant digit first. */
const VARINTS: readonly (readonly [number, string])[] = [
  [0, "00"],
  [1, "01"],
  [127, "7f"],
  [128, "8100"],
  [300, "822c"],
  [16_383, "ff7f"],
  [16_384, "818000"],
  [2 ** 31, "8880808000"],
  [2 ** 32, "9080808000"],
  [Number.MAX_SAFE_INTEGER, "8fffffffffffff7f"],
];

Deno.test("A number is written in base 128, most significant digit first", () => {
  for (const [value, hex] of VARINTS) {
    const writer = new MessageWriter();
    writer.varint(value);
    assertEquals(writer.finish().toHex(), hex);
    const reader = readerOf(hex);
    assertEquals(reader.varint(), value);
    assertEquals(reader.done, true);
  }
});

Deno.test("A number above the exact ones reads as infinity, one of more than 64 bits' digits is refused", () => {
  assertEquals(readerOf("9080808080808000").varint(), Infinity);
  assertEquals(readerOf("81ffffffffffffffff7f").varint(), Infinity);
  assertThrows(() => readerOf("81ffffffffffffffffff7f").varint(), NegentropyError, "more than 10 digits");
  assertThrows(() => readerOf("ff".repeat(100_000)).varint(), NegentropyError, "more than 10 digits");
});

Deno.test("A number that the message cuts off is refused", () => {
  for (const hex of ["", "80", "ffffff"]) {
    assertThrows(() => readerOf(hex).varint(), NegentropyError, "ends too early");
  }
});

Deno.test("A bound's timestamp counts from the bound before, plus one, and infinity is zero", () => {
  const writer = new MessageWriter();
  for (const bound of [timestampBound(0), timestampBound(100), timestampBound(100), INFINITY_BOUND]) {
    writer.bound(bound);
  }
  writer.bound(INFINITY_BOUND);
  assertEquals(writer.finish().toHex(), "0100" + "6500" + "0100" + "0000" + "0000");
});

Deno.test("Bounds are read as they were written", () => {
  const prng = seededPrng("bounds through a message");
  const bounds: Bound[] = [];
  let timestamp = 0;
  for (let i = 0; i < 500; i++) {
    timestamp += prng.chance(0.3) ? 0 : prng.int(0, 2 ** prng.int(0, 40));
    bounds.push({ timestamp, prefix: prng.bytes(prng.int(0, 32)) });
  }
  const writer = new MessageWriter();
  for (const bound of bounds) writer.bound(bound);
  const reader = new MessageReader(writer.finish());
  for (const bound of bounds) assertEquals(reader.bound(), bound);
  assertEquals(reader.done, true);
});

Deno.test("A timestamp that no event here can have reads as infinity, and so do those after it", () => {
  const reader = readerOf("9080808080808000" + "00" + "0500" + "0000");
  for (let i = 0; i < 3; i++) assertEquals(reader.bound(), INFINITY_BOUND);
  const sum = readerOf("8fffffffffffff7f" + "00" + "03" + "00" + "0500");
  assertEquals(sum.bound(), timestampBound(Number.MAX_SAFE_INTEGER - 1));
  for (let i = 0; i < 2; i++) assertEquals(sum.bound(), INFINITY_BOUND);
});

Deno.test("A prefix longer than an id, or than the message, is refused", () => {
  assertThrows(() => readerOf("01" + "21" + "00".repeat(33)).bound(), NegentropyError, "longer than an id");
  assertThrows(() => readerOf("01" + "9080808000").bound(), NegentropyError, "longer than an id");
  assertThrows(() => readerOf("01" + "20" + "00".repeat(31)).bound(), NegentropyError, "ends too early");
});

Deno.test("A count of ids that the message does not hold is refused before memory is taken", () => {
  for (const count of ["01", "9080808000", "8fffffffffffff7f", "81ffffffffffffffff7f"]) {
    assertThrows(() => readerOf(count + "aa".repeat(31)).ids(), NegentropyError, "ends too early");
  }
});

Deno.test("A bound between neighbours is the timestamp alone, or one byte more than they share", () => {
  const a = { timestamp: 5, id: Uint8Array.fromHex("aabb".padEnd(64, "0")) };
  const b = { timestamp: 5, id: Uint8Array.fromHex("aabc".padEnd(64, "0")) };
  const c = { timestamp: 6, id: Uint8Array.fromHex("aabc".padEnd(64, "0")) };
  const d = { timestamp: 6, id: Uint8Array.fromHex("aabc".padEnd(62, "0") + "01") };
  assertEquals(minimalBound(a, b), { timestamp: 5, prefix: Uint8Array.fromHex("aabc") });
  assertEquals(minimalBound(b, c), timestampBound(6));
  assertEquals(minimalBound(c, d), { timestamp: 6, prefix: d.id });
});

function readerOf(hex: string): MessageReader {
  return new MessageReader(Uint8Array.fromHex(hex));
}
