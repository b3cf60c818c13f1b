/** Tests of records: what one thread writes the next one reads, and a header goes along from lane to lane. */
import { assert, assertEquals } from "@std/assert";
import { createLaneMemory, LaneConsumer, LaneProducer } from "../lib/queue/lane.ts";
import { packed } from "../tests/support/pack_event.ts";
import { signEvent, testKey } from "../tests/support/sign.ts";
import { AskedRecord, commitAsked, noteBytesMax } from "./asked.ts";
import { FRAME_ANY_SIZE, FRAME_TRUSTED, FrameRecord, FrameWriter } from "./frame.ts";
import type { Header } from "./header.ts";
import { OutcomeRecord, sendOk, sendText } from "./outcome.ts";
import { commitPacked, PackedRecord, passPacked, reservePacked } from "./packed.ts";
import { QueryRecord, type ReaderQuery, sendContinue, sendMessage, sendQuery } from "./query.ts";
import { hasSender, numberOfSource, pluginSourceOf, sourceOf, SOURCES } from "./source.ts";

const KEY = "ab".repeat(32);

function lane(): readonly [LaneProducer, LaneConsumer] {
  const memory = createLaneMemory(16 * 1024);
  return [new LaneProducer(memory), new LaneConsumer(memory)];
}

function headerOf({ epoch, connection, receivedAtMs, source }: Header): Header {
  return { epoch, connection, receivedAtMs, source };
}

for (const source of SOURCES) {
  Deno.test(`a frame of source "${source}" keeps its header up to its outcome`, () => {
    const [frames, verifier] = lane();
    const sender = {
      number: 4_000_000_000,
      source,
      keys: Uint8Array.fromHex(KEY),
      address: "::1",
      unanswered: 0,
    };
    assert(new FrameWriter(frames, 9, true).write(sender, "“text”", FRAME_ANY_SIZE));
    assert(verifier.next());
    const frame = new FrameRecord().at(verifier);
    assertEquals([frame.epoch, frame.connection, frame.source], [9, 4_000_000_000, source]);
    assertEquals([frame.isTrusted, frame.isAnySize, frame.address], [false, true, "::1"]);
    assertEquals([...frame.keys], [KEY]);
    assertEquals(new TextDecoder().decode(verifier.bytes.slice(frame.textAt, frame.textEnd)), "“text”");

    const event = packed(signEvent(testKey(1), { content: "packed" }));
    const bytes = event.packed;
    const note = { address: frame.address, keys: [...frame.keys] };
    const [asked, plugin] = lane();
    const at = reservePacked(asked, { ...headerOf(frame), origin: 3 }, bytes.length + noteBytesMax(note));
    asked.bytes.set(bytes, at);
    commitAsked(asked, at, bytes.length, note);
    assert(plugin.next());
    const question = new AskedRecord().at(plugin);
    assertEquals(question.note, note);

    const [store, stored] = lane();
    assert(passPacked(store, question.whole));
    assert(stored.next());
    const record = new PackedRecord().atOffset(stored, stored.offset);
    assertEquals([headerOf(record), record.origin], [headerOf(frame), 3]);
    assertEquals(record.event.packed, bytes);

    const [outcomes, origin] = lane();
    sendOk(outcomes, record, record.event.id, false, "blocked: “no”");
    assert(origin.next());
    const outcome = new OutcomeRecord().at(origin);
    assertEquals(headerOf(outcome), headerOf(frame));
    assertEquals([outcome.hasId, outcome.accepted, outcome.message], [true, false, "blocked: “no”"]);
    assertEquals(outcome.id, event.id.toHex());
  });
}

Deno.test("records without address, keys, note or message say so", () => {
  const [frames, verifier] = lane();
  const sender = {
    number: 1,
    source: "client",
    keys: new Uint8Array(0),
    address: "::1",
    unanswered: 0,
  } as const;
  assert(new FrameWriter(frames, 1, false).write(sender, "x", FRAME_TRUSTED));
  assert(verifier.next());
  const frame = new FrameRecord().at(verifier);
  assertEquals([frame.isTrusted, frame.isAnySize, frame.address, frame.keys.size], [true, false, "", 0]);

  const [store, stored] = lane();
  const event = packed(signEvent(testKey(1), { content: "" }));
  const at = reservePacked(store, { ...headerOf(frame), origin: 0 }, event.packed.length);
  store.bytes.set(event.packed, at);
  commitPacked(store, event.packed.length);
  assert(stored.next());
  assertEquals(new PackedRecord().at(stored).event.id, event.id);

  const [outcomes, origin] = lane();
  sendOk(outcomes, frame, event.id, true, "");
  sendText(outcomes, frame, '["NOTICE","é"]');
  const outcome = new OutcomeRecord();
  assert(origin.next());
  assertEquals([outcome.at(origin).accepted, outcome.message], [true, ""]);
  assert(origin.next());
  assertEquals([outcome.at(origin).hasId, outcome.accepted, outcome.message], [
    false,
    false,
    '["NOTICE","é"]',
  ]);
});

Deno.test("what a gateway asks is read as it was written", () => {
  const [gateway, reader] = lane();
  const asked = { epoch: 2, number: 5, message: "", keys: [KEY] } as unknown as ReaderQuery;
  const name = { epoch: 2, number: 5 };
  assert(sendQuery(gateway, asked) && sendContinue(gateway, name) && sendMessage(gateway, name, "6100ff"));
  const record = new QueryRecord();
  assert(reader.next());
  assertEquals([record.at(reader).type, record.query], ["query", asked]);
  assert(reader.next());
  assertEquals([record.at(reader).type, record.epoch, record.number], ["continue", 2, 5]);
  assert(reader.next());
  assertEquals([record.at(reader).type, record.number, record.message.toHex()], ["message", 5, "6100ff"]);
});

Deno.test("a source decides by itself whose policies apply, and what a plugin is told", () => {
  for (const source of SOURCES) assertEquals(sourceOf(numberOfSource(source)), source);
  assertEquals(SOURCES.filter(hasSender), ["client"]);
  assertEquals(
    SOURCES.map((source) => pluginSourceOf(source, "192.0.2.1")),
    ["IP4", "Import", "Import", "Stream", "Sync"],
  );
});
