/**
 * Tests of the intake: what is decided about a frame, by whoever reads it. Without a library one way is left to test.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { prepareNative } from "../../scripts/native.ts";
import { sender } from "../../tests/support/plain_event.ts";
import { signEvent, testKey } from "../../tests/support/sign.ts";
import { createPackTarget } from "../nostr/packed_event.ts";
import type { EventPolicy } from "../policy/policy.ts";
import { EventIntake } from "./event_intake.ts";
import { openVerifier } from "./open_verifier.ts";

const { path: libraryPath } = await prepareNative();
const AUTHOR = testKey(1);
const NOTE = signEvent(AUTHOR, { content: "a note", tags: [["t", "x"]], created_at: 1 });
const FORGED = { ...NOTE, sig: signEvent(AUTHOR, { content: "another", created_at: 1 }).sig };

/** What is decided about each text, and how many the tier left to JavaScript. */
async function decide(tier: "native" | "wasm", texts: string[], check: EventPolicy = () => null) {
  const { verifier } = await openVerifier({ tier, libraryPath });
  try {
    const intake = new EventIntake(verifier, check);
    const memory = new Uint8Array(new SharedArrayBuffer(64 * 1024));
    intake.attach(0, memory);
    let end = 0;
    for (const text of texts) {
      const start = end;
      end += new TextEncoder().encodeInto(text, memory.subarray(start)).written;
      intake.add({ source: 0, start, end }, sender());
    }
    const verified = intake.decide();
    const target = createPackTarget(64 * 1024);
    const decided = intake.entries.map((entry) => {
      if (entry.refusal !== null) return entry.refusal;
      return target.bytes.slice(0, intake.pack(entry, target, 0)).toHex();
    });
    return { decided, verified, left: intake.left };
  } finally {
    verifier.close();
  }
}

function frame(event: unknown, space?: number): string {
  return JSON.stringify(["EVENT", event], null, space);
}

Deno.test({
  name: `usual frames are read by the library, others by JavaScript, with the same result`,
  ignore: libraryPath === null,
  async fn() {
    const usual = [frame(NOTE), frame(NOTE, 2), frame(FORGED)];
    const odd = [
      frame({ ...NOTE, extra: 1 }),
      frame({ ...NOTE, content: "changed" }),
      frame(NOTE).replace("a note", "a \\u006eote"),
      frame(NOTE).replace('"kind":1', '"kind":1.0'),
      frame({ ...NOTE, kind: "1" }),
      '["EVENT"]',
      "[",
    ];
    // Both ways in one batch: whatever the order, each frame gets its own verdict.
    const mixed = odd.flatMap((text, n) => [text, usual[n % usual.length]!]);
    const here = await decide("native", mixed);
    assertEquals(here.left, odd.length);
    const { decided, verified } = await decide("wasm", mixed);
    assertEquals({ decided: here.decided, verified: here.verified }, { decided, verified });
    assertEquals(decided[1], decided[0]);
    assertEquals(decided[2], { id: NOTE.id, message: "invalid: the id is not the hash of the event" });
    assertEquals(decided[5], { id: NOTE.id, message: "invalid: the signature does not verify" });
  },
});

Deno.test({
  name: "a policy that refuses some of a batch leaves the others their own signatures",
  ignore: libraryPath === null,
  async fn() {
    const notes = [0, 1, 2, 3, 4, 5].map((n) =>
      signEvent(testKey(n), { content: `${n}`, created_at: n, kind: n })
    );
    const texts = [...notes.map((note) => frame(note)), frame(FORGED)];
    const check: EventPolicy = (event) =>
      event.kind % 2 === 0 ? `blocked: ${event.content} of ${event.pubkey}` : null;
    const here = await decide("native", texts, check);
    assertEquals([here.left, here.verified], [0, 4]);
    assertEquals(here.decided, (await decide("wasm", texts, check)).decided);
    assertEquals(here.decided[2], { id: notes[2]!.id, message: `blocked: 2 of ${notes[2]!.pubkey}` });
  },
});

Deno.test("nothing that an event is found by is computed before its id and its signature are right", async () => {
  const { verifier } = await openVerifier({ tier: "wasm", libraryPath });
  try {
    const intake = new EventIntake(verifier, () => null);
    const texts = [NOTE, FORGED, { ...NOTE, id: FORGED.pubkey }].map((event) => frame(event));
    for (const text of texts) intake.addText(text, sender());
    assertEquals(intake.entries.map(({ facts }) => facts), [null, null, null]);
    intake.decide();
    assertEquals(intake.entries.map(({ facts }) => facts !== null), [true, false, false]);
    assertEquals(intake.entries.map(({ parsed }) => parsed), [null, null, null]);
  } finally {
    verifier.close();
  }
});
