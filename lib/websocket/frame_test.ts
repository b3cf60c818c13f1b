/** Tests of text frames: each length's header, text that is longer in bytes than in characters, deflated payloads. */
import { assertEquals } from "@std/assert";
import { compressedFrame, frameBytesMax, writeEventFrame, writeTextFrame } from "./frame.ts";

/** Reads a frame as a client does: first byte, payload. */
function read(frame: Uint8Array): { first: number; payload: string } {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const short = frame[1]!;
  const [header, length] = short < 126
    ? [2, short]
    : short === 126
    ? [4, view.getUint16(2)]
    : [10, Number(view.getBigUint64(2))];
  assertEquals(frame.length, header + length);
  // RFC 6455 wants the shortest form.
  if (header === 4) assertEquals(length > 125, true);
  if (header === 10) assertEquals(length > 65_535, true);
  return { first: frame[0]!, payload: new TextDecoder().decode(frame.subarray(header)) };
}

Deno.test("writeTextFrame() writes what a client reads, around every change of the header's length", () => {
  const lengths = [0, 1, 41, 42, 62, 63, 124, 125, 126, 127, 21_845, 32_767, 32_768, 65_534, 65_535, 65_536];
  for (const length of lengths) {
    for (const character of ["x", "é", "日"]) {
      const text = character.repeat(length);
      const bytes = new Uint8Array(7 + frameBytesMax(text)).fill(0xee);
      const end = writeTextFrame(bytes, 7, text);
      assertEquals(read(bytes.subarray(7, end)), { first: 0x81, payload: text });
      assertEquals(bytes.subarray(0, 7), new Uint8Array(7).fill(0xee));
    }
  }
});

Deno.test("frames stand behind each other without a gap", () => {
  const bytes = new Uint8Array(1_000);
  const middle = writeTextFrame(bytes, 0, "é".repeat(100));
  const end = writeTextFrame(bytes, middle, "next");
  assertEquals(read(bytes.subarray(0, middle)).payload, "é".repeat(100));
  assertEquals(read(bytes.subarray(middle, end)).payload, "next");
});

Deno.test("compressedFrame() marks its payload as deflated", () => {
  for (const length of [1, 125, 126, 65_535, 65_536]) {
    const text = "z".repeat(length);
    assertEquals(read(compressedFrame(new TextEncoder().encode(text))), { first: 0xc1, payload: text });
  }
});

Deno.test("writeEventFrame() writes prefix, text and bracket, around every change of the header's length", () => {
  const prefix = new TextEncoder().encode('["EVENT","é",');
  for (const length of [0, 100, 110, 111, 112, 125, 126, 65_519, 65_520, 65_521, 65_522, 65_536]) {
    const text = new TextEncoder().encode("日".repeat(length % 3) + "x".repeat(length));
    const bytes = new Uint8Array(7 + 10 + prefix.length + text.length + 1).fill(0xee);
    const end = writeEventFrame(bytes, 7, prefix, text);
    assertEquals(read(bytes.subarray(7, end)), {
      first: 0x81,
      payload: `["EVENT","é",${new TextDecoder().decode(text)}]`,
    });
    assertEquals(bytes.subarray(0, 7), new Uint8Array(7).fill(0xee));
  }
});
