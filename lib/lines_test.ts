/** Tests of cutting bytes into lines: nothing is lost or doubled, and a line without end takes bounded memory. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { IMPORT_CHUNK_BYTES, IMPORT_LINE_BYTES_MAX } from "./limits.ts";
import { Prng } from "../tests/support/prng.ts";
import { lineBlocksOf, linesOf, LineSplitter, LineTooLongError } from "./lines.ts";

async function* piecesOf(text: Uint8Array, bytes: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length;) {
    const end = at + bytes();
    yield text.subarray(at, end);
    at = end;
  }
}

/** A line of so many bytes, without its line feed. */
const line = (bytes: number) => "x".repeat(bytes);

/** The lengths of the lines, and how many were left out; each piece ends with a line feed, the last one perhaps not. */
async function cut(text: string, bytes = () => 65_536) {
  let left = 0;
  const pieces: string[] = [];
  const bounds = {
    bytesMax: IMPORT_LINE_BYTES_MAX,
    blockBytes: IMPORT_CHUNK_BYTES,
    tooLong: () => left++,
  };
  for await (const piece of lineBlocksOf(piecesOf(new TextEncoder().encode(text), bytes), bounds)) {
    pieces.push(new TextDecoder().decode(piece));
  }
  for (const piece of pieces.slice(0, -1)) assert(piece.endsWith("\n"));
  return { lengths: pieces.join("").split("\n").map(({ length }) => length), left, pieces: pieces.length };
}

Deno.test("lines come out as they went in, however the bytes arrive", async () => {
  const prng = new Prng(Number(Deno.env.get("SEED") ?? 7));
  const lengths = Array.from({ length: 3_000 }, () => prng.uint32() % 3_000);
  lengths[1_000] = 2 * IMPORT_CHUNK_BYTES + 5;
  const text = lengths.map(line).join("\n");
  for (const bytes of [() => 65_536, () => 1 + prng.uint32() % 200_000, () => 5 * IMPORT_CHUNK_BYTES]) {
    const result = await cut(text, bytes);
    assertEquals([result.lengths, result.left], [lengths, 0]);
    assert(result.pieces > 1);
  }
});

Deno.test("a pause in the stream passes on the whole lines that have come, and keeps the rest for later", async () => {
  const pieces = ["ab\ncd\ne", null, "f", null, null, "\n", "g", null].map((text) =>
    text === null ? null : new TextEncoder().encode(text)
  );
  const bounds = { bytesMax: 100, blockBytes: 1_000, tooLong: () => {} };
  const blocks = await Array.fromAsync(lineBlocksOf(ReadableStream.from(pieces), bounds));
  assertEquals(blocks.map((block) => new TextDecoder().decode(block)), ["ab\ncd\n", "ef\n", "g"]);
});

Deno.test("a line that is too long is left out and told, and the lines around it are not", async () => {
  const long = IMPORT_LINE_BYTES_MAX + 200_000;
  for (
    const [text, lengths, left] of [
      [`${line(3)}\n${line(long)}\n${line(4)}\n`, [3, 4, 0], 1],
      [line(long), [0], 1],
      [`${line(3 * long)}\n${line(5)}\n${line(long)}\n${line(6)}`, [5, 6], 2],
    ] as const
  ) {
    const result = await cut(text);
    assertEquals([result.lengths, result.left], [[...lengths], left]);
  }
});

Deno.test("lines are cut wherever the pieces end, inside of characters too", () => {
  const text = 'first\n\n{"é":"😀"}\r\nlast\nunfinished';
  const bytes = new TextEncoder().encode(text);
  const whole = text.split(/\r?\n/);
  for (let size = 1; size <= bytes.length; size++) {
    const lines = new LineSplitter({ bytesMax: 100 });
    const seen: string[] = [];
    for (let at = 0; at < bytes.length; at += size) seen.push(...lines.push(bytes.slice(at, at + size)));
    assertEquals(seen, whole.slice(0, -1), `pieces of ${size}`);
    assertEquals([...lines.end()], whole.slice(-1));
  }
});

Deno.test("a line of the longest length passes, and a longer one is refused before it ends", () => {
  const bytes = (n: number) => new Uint8Array(n).fill(97);
  const lines = new LineSplitter({ bytesMax: 4 });
  assertEquals([...lines.push(new TextEncoder().encode("abcd\nabc"))], ["abcd"]);
  assertEquals([...lines.push(new TextEncoder().encode("d\n"))], ["abcd"]);
  assertThrows(() => [...lines.push(bytes(5))], LineTooLongError);
  const pieces = new LineSplitter({ bytesMax: 4 });
  assertEquals([...pieces.push(bytes(3))], []);
  assertThrows(() => [...pieces.push(bytes(2))], LineTooLongError);
});

Deno.test("a line that is too long is left out of the texts and told, wherever its end comes", async () => {
  const text = new TextEncoder().encode("one\ntoo long\ntwo\nmuch too long\nlast");
  for (let size = 1; size <= text.length; size++) {
    let left = 0;
    const lines = linesOf(piecesOf(text, () => size), { bytesMax: 4, tooLong: () => left++ });
    assertEquals(await Array.fromAsync(lines), ["one", "two", "last"], `pieces of ${size}`);
    assertEquals(left, 2);
  }
});
