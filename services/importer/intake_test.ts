/** Tests of an import's first half: every line that is not blank is packed or refused, however lines are cut and filled. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { signEvent, testKey } from "../../tests/support/sign.ts";
import { VERIFY_BATCH_MAX } from "../../lib/limits.ts";
import { PackedEvent } from "../../lib/nostr/packed_event.ts";
import { openVerifier } from "../../lib/verify/open_verifier.ts";
import { ImportIntake } from "./intake.ts";
import type { DecidedLines } from "../../wire/intake.ts";

const { verifier } = await openVerifier({ tier: "wasm", libraryPath: null });
const bytes = (text: string) => new TextEncoder().encode(text);

function intake(
  { trusted = false, frameBytesMax = 64 * 1024, messageBytesMax = null as number | null } = {},
) {
  const check = ({ kind }: { kind: number }) => kind === 7 && !trusted ? "blocked: no reactions" : null;
  return new ImportIntake(verifier, { check, trusted, messageBytesMax, frameBytesMax });
}

function idsOf({ batches }: DecidedLines): string[] {
  return batches.flatMap(({ buffer, offsets }) => {
    const event = new PackedEvent({
      bytes: new Uint8Array(buffer),
      words: new Uint32Array(buffer),
      doubles: new Float64Array(buffer),
    });
    return offsets.map((offset) => JSON.parse(new TextDecoder().decode(event.at(offset).text)).id);
  });
}

const note = (content: string) => signEvent(testKey(1), { content });

Deno.test("lines are packed in their order, blank ones are none, and the last needs no line feed", () => {
  const events = [note("a"), note("b\n é"), note("c")];
  const [a, b, c] = events.map((event) => JSON.stringify(event));
  const decided = intake().decide(bytes(`${a}\r\n\n  \n${b}\n${c}`), 2_000_000_000);
  assertEquals([decided.lines, decided.refusals, idsOf(decided)], [3, [], events.map(({ id }) => id)]);
});

Deno.test("a line is refused with the reason, and its neighbours are not", () => {
  const good = note("good");
  const forged = { ...note("forged"), sig: "00".repeat(64) };
  const reaction = signEvent(testKey(1), { kind: 7 });
  const lines = [forged, good, reaction].map((event) => JSON.stringify(event)).join("\n");
  const decided = intake().decide(bytes(`${lines}\n\nnonsense\n[1]\n`), 2_000_000_000);
  assertEquals([decided.lines, idsOf(decided)], [5, [good.id]]);
  const refusals = decided.refusals.toSorted((a, b) => a.line - b.line);
  assertEquals(refusals.map(({ line }) => line), [0, 2, 4, 5], "a blank line has a number, too");
  assertEquals(refusals.map(({ id }) => id), [forged.id, reaction.id, "", ""]);
  assertStringIncludes(refusals[0]!.reason, "the signature does not verify");
  assertStringIncludes(refusals[1]!.reason, "blocked: no reactions");
  assertEquals(decided.batches.flatMap((batch) => batch.lines), [1]);
  const trusting = intake({ trusted: true }).decide(bytes(lines), 2_000_000_000);
  assertEquals(idsOf(trusting).length, 3, "who trusts the lines asks no policy either");
});

Deno.test("more lines than a batch holds, and one longer than its memory, are all decided", () => {
  const short = Array.from({ length: VERIFY_BATCH_MAX + 20 }, (_, n) => note(`note ${n}`));
  const long = note("x".repeat(5_000));
  const events = [...short.slice(0, 300), long, ...short.slice(300)];
  const text = events.map((event) => JSON.stringify(event)).join("\n");
  const decided = intake({ trusted: true, frameBytesMax: 4_096 }).decide(bytes(text), 2_000_000_000);
  assertEquals(decided.lines, events.length);
  assertEquals(idsOf(decided).toSorted(), events.map(({ id }) => id).toSorted());
});

Deno.test("an event that no message could bring is refused and named, trusted or not, and others are packed", () => {
  const short = note("short");
  const long = note("x".repeat(2_000));
  const lines = bytes([short, long].map((event) => JSON.stringify(event)).join("\n"));
  for (const trusted of [false, true]) {
    const decided = intake({ trusted, messageBytesMax: 1_500 }).decide(lines, 2_000_000_000);
    assertEquals([decided.lines, idsOf(decided)], [2, [short.id]]);
    const reason = "invalid: the event is longer than a message of 1500 bytes";
    assertEquals(decided.refusals, [{ line: 1, id: "", reason }]);
  }
});
