/**
 * Tests of the way of an event into the data path, with an origin that keeps frames. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { BlockedBloom, createBloomMemory } from "../../lib/dedupe/blocked_bloom.ts";
import { PendingEvents } from "../../lib/dedupe/pending_events.ts";
import { SeenEvents } from "../../lib/dedupe/seen_events.ts";
import {
  FRAME_BYTES_MAX,
  UPSTREAM_AGAIN_MS,
  UPSTREAM_AGAIN_TRIES_MAX,
  UPSTREAM_IN_FLIGHT_MAX,
  UPSTREAM_UNSETTLED_MAX,
} from "../../lib/limits.ts";
import { KEY_HASH_WORDS, KeyHash } from "../../lib/nostr/key_hash.ts";
import type { Sender } from "../../wire/frame.ts";
import { type EventSource, Intake, type Settled } from "./intake.ts";

const FORGED = "invalid: the signature does not verify";

/** A relay that notes what it is told. */
class Source implements EventSource {
  readonly told: string[] = [];
  readonly results: Settled[] = [];
  readonly url: string;
  constructor(readonly number: number) {
    this.url = `wss://r${number}.example`;
  }
  pause() {
    this.told.push("pause");
  }
  resume() {
    this.told.push("resume");
  }
  sentInvalid(message: string) {
    this.told.push(message);
  }
  sentValid() {
    this.told.push("valid");
  }
  giveUp(reason: string) {
    this.told.push(reason);
  }
}

function open() {
  const chance = crypto.getRandomValues(new Uint32Array(KEY_HASH_WORDS));
  const seen = new SeenEvents({
    recentIds: 100,
    lruIds: 100,
    bloom: new BlockedBloom(createBloomMemory(1_000, chance)),
    hash: new KeyHash(chance),
    isStored: () => false,
  });
  const clock = { ms: 0 };
  const frames: { number: number; address: string; text: string }[] = [];
  const lanes = { isFull: false };
  const intake = new Intake({
    origin: {
      send({ number, address }: Sender, text: string) {
        if (lanes.isFull) return "rate-limited: full";
        frames.push({ number, address, text });
        return null;
      },
    },
    seen,
    pending: new PendingEvents(),
    metrics: { add: () => {} },
    nowMs: () => clock.ms,
  });
  const offer = (source: Source, id: string, text = `{"id":"${id}"}`) =>
    intake.offer(source, { id, text, settled: (result) => source.results.push(result) });
  const answer = (message = "", accepted = message === "", wasVerified = accepted) => {
    intake.answered(frames.shift()!.number, { accepted, message, wasVerified });
    intake.flush();
  };
  return { intake, frames, clock, lanes, offer, answer };
}

const id = (n: number) => n.toString(16).padStart(64, "0");

Deno.test("an event is sent once, and all who sent it hear what became of it", () => {
  const { frames, offer, answer } = open();
  const [a, b] = [new Source(1), new Source(2)];
  offer(a, id(1));
  offer(b, id(1));
  assertEquals(frames.map(({ address, text }) => [address, text]), [[a.url, `["EVENT",{"id":"${id(1)}"}]`]]);
  answer();
  assertEquals([a.results, b.results], [["stored"], ["duplicate"]]);
  offer(b, id(1));
  assertEquals([b.results, frames], [["duplicate", "duplicate"], []]);
});

Deno.test("a forged copy does not hide the real one, and counts against those who sent it", () => {
  const { frames, offer, answer } = open();
  const [liar, honest] = [new Source(1), new Source(2)];
  offer(liar, id(1), "forged");
  offer(honest, id(1), "real");
  answer(FORGED);
  assertEquals([liar.results, liar.told], [["invalid"], [FORGED]]);
  assertEquals([honest.results, frames.map(({ text }) => text)], [[], ['["EVENT",real]']]);
  answer();
  assertEquals([honest.results, honest.told], [["stored"], ["valid"]]);
});

Deno.test("an event that is refused before it was verified is not known by that", () => {
  const { frames, offer, answer } = open();
  const source = new Source(1);
  offer(source, id(1), "with another created_at");
  answer("invalid: created_at is more than 900 seconds in the future");
  offer(source, id(1), "real");
  assertEquals([source.results, frames.length, source.told], [["refused"], 1, []]);
  answer("blocked: its author has deleted this event", false, true);
  offer(source, id(1), "real");
  assertEquals(source.results, ["refused", "refused", "duplicate"]);
});

Deno.test("where lanes are full the socket is not read, and everything is sent when there is room", () => {
  const { intake, frames, lanes, offer, answer } = open();
  const source = new Source(1);
  lanes.isFull = true;
  for (let n = 0; n < 10; n++) offer(source, id(n));
  assertEquals([source.told, frames.length, intake.waits], [["pause"], 0, true]);
  lanes.isFull = false;
  intake.flush();
  assertEquals(
    frames.map(({ text }) => text),
    Array.from({ length: 10 }, (_, n) => `["EVENT",{"id":"${id(n)}"}]`),
  );
  answer();
  assertEquals(source.told, ["pause", "resume", "valid"]);
});

Deno.test("few events are in flight at one time, and a relay has a bounded number that is not settled", () => {
  const { intake, frames, offer, answer } = open();
  const source = new Source(1);
  for (let n = 0; n < UPSTREAM_UNSETTLED_MAX; n++) offer(source, id(n));
  assertEquals([frames.length, intake.unanswered], [UPSTREAM_IN_FLIGHT_MAX, UPSTREAM_UNSETTLED_MAX]);
  assertEquals(source.told, ["pause"]);
  while (frames.length > 0) {
    answer();
    intake.flush();
  }
  assertEquals(source.results.length, UPSTREAM_UNSETTLED_MAX);
  assertEquals(source.told.filter((told) => told !== "valid"), ["pause", "resume"]);
});

Deno.test("what the disk could not store is sent again, and given up with its relay at last", () => {
  const { intake, frames, clock, offer, answer } = open();
  const source = new Source(1);
  offer(source, id(1));
  for (let n = 1; n < UPSTREAM_AGAIN_TRIES_MAX; n++) {
    answer("error: the event could not be stored, try again later", false, true);
    intake.flush();
    assertEquals(frames.length, 0);
    clock.ms += UPSTREAM_AGAIN_MS;
    intake.flush();
    assertEquals(frames.length, 1);
  }
  answer("error: the event could not be stored, try again later", false, true);
  assertEquals(source.results, []);
  assert(source.told.at(-1)!.startsWith("this relay cannot store events"));
  offer(source, id(1));
  assertEquals(frames.length, 1, "it is not known, and sent when it comes again");
});

Deno.test("outcomes of a relay that has left go to nobody, and an event too long for a frame is refused", () => {
  const { intake, offer, answer } = open();
  const source = new Source(1);
  offer(source, id(1));
  intake.left(source);
  answer();
  offer(source, id(2), "x".repeat(FRAME_BYTES_MAX + 1));
  assertEquals(source.results, ["stored", "refused"]);
});
