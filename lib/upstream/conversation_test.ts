/**
 * Tests of a conversation without a socket: subscriptions, limits, and what nobody asked for.
 * Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { signEvent, testKey } from "../../tests/support/sign.ts";
import {
  UPSTREAM_EOSE_IDLE_MS_MAX,
  UPSTREAM_EOSE_MS_MAX,
  UPSTREAM_EXTRA_EVENTS_MAX,
  UPSTREAM_LATE_MESSAGES_MAX,
  UPSTREAM_REQUESTS_WAITING_MAX,
} from "../limits.ts";
import { openRelayKey } from "../relay/relay_key.ts";
import { ConversationFixture } from "./conversation_fixture.ts";

const key = await openRelayKey("01".repeat(32));
const note = signEvent(testKey(1), { content: "a note", created_at: 1_700_000_000 });
const short = note.id.slice(0, 4);

Deno.test("a subscription brings its stored events, EOSE, live events, and its end", async () => {
  const talk = new ConversationFixture();
  const opened = talk.subscribe("a", { kinds: [1] });
  assertEquals(talk.take(), [["REQ", "s1", { kinds: [1], limit: 500 }]]);
  talk.receive("EVENT", "s1", note);
  talk.receive("EOSE", "s1");
  talk.receive("EOSE", "s1");
  talk.receive("EVENT", "s1", note);
  opened.close();
  opened.close();
  assertEquals(talk.take(), [["CLOSE", "s1"]]);
  talk.receive("EVENT", "s1", note);
  assertEquals(await talk.hear(), [`a event ${short}`, "a eose", `a event ${short}`]);
  assertEquals(talk.conversation.counts.unasked, 0);
});

Deno.test("subscriptions beyond the relay's number wait, in order, and a closed one makes room", async () => {
  const talk = new ConversationFixture({ limits: { subscriptionsMax: 2 } });
  const [first, , third] = ["a", "b", "c", "d"].map((name) => talk.subscribe(name, {}));
  assertEquals(talk.take().map(([, id]) => id), ["s1", "s2"]);
  third!.close();
  assertEquals(talk.take(), []);
  first!.close();
  assertEquals(talk.take(), [["CLOSE", "s1"], ["REQ", "s4", { limit: 500 }]]);
  talk.receive("CLOSED", "s2", "blocked: not here");
  assertEquals(await talk.hear(), ["b closed blocked: not here"]);
  for (let n = 0; n < UPSTREAM_REQUESTS_WAITING_MAX + 2; n++) talk.subscribe("e", {});
  assertEquals(await talk.hear(), [
    `e closed error: ${UPSTREAM_REQUESTS_WAITING_MAX} requests wait for this relay already`,
  ]);
});

Deno.test("a subscription that waits for one of the relay's number in vain is told so", async () => {
  const talk = new ConversationFixture({ limits: { subscriptionsMax: 1 } });
  talk.subscribe("a", {});
  talk.receive("EOSE", "s1");
  talk.subscribe("b", {});
  talk.pass(599_000);
  assertEquals(await talk.hear(), ["a eose"]);
  talk.pass(1_000);
  assertEquals(await talk.hear(), [
    "b closed error: none of the relay's 1 subscriptions became free within 600000 ms",
  ]);
  assertEquals(talk.take().length, 1);
});

Deno.test("a limit is capped, and a message that is too long is refused before it is sent", async () => {
  const talk = new ConversationFixture({ limits: { limitMax: 10, messageBytesMax: 100 } });
  talk.subscribe("a", { limit: 3 }, { limit: 11 });
  assertEquals(talk.take(), [["REQ", "s1", { limit: 3 }, { limit: 10 }]]);
  talk.subscribe("b", { "#t": ["é".repeat(50)] });
  talk.publish("€".repeat(40), note.id);
  assertEquals(talk.take(), []);
  const message = JSON.stringify(["REQ", "s2", { "#t": ["é".repeat(50)], limit: 10 }]);
  assertEquals(new TextEncoder().encode(message).length, 135);
  assertEquals(await talk.hear(), [
    "b closed invalid: the message has 135 bytes, the relay accepts 100",
    `${short} false invalid: the message has 130 bytes, the relay accepts 100`,
  ]);
});

Deno.test("an EOSE that never comes ends the subscription with its name, and so does a drip", async () => {
  const talk = new ConversationFixture();
  talk.subscribe("a", {});
  talk.pass(UPSTREAM_EOSE_IDLE_MS_MAX - 1_000);
  talk.receive("EVENT", "s1", note);
  talk.pass(UPSTREAM_EOSE_IDLE_MS_MAX - 1_000);
  assertEquals(await talk.hear(), [`a event ${short}`]);
  talk.pass(1_000);
  assertEquals(await talk.hear(), [
    `a closed error: the relay sent no EOSE within ${UPSTREAM_EOSE_IDLE_MS_MAX} ms`,
  ]);
  assertEquals(talk.take().at(-1), ["CLOSE", "s1"]);

  talk.subscribe("b", {});
  for (let ms = 0; ms < UPSTREAM_EOSE_MS_MAX; ms += 20_000) {
    talk.receive("EVENT", "s2", note);
    talk.pass(20_000);
  }
  assertEquals(
    (await talk.hear()).at(-1),
    `b closed error: the stored events took the relay longer than ${UPSTREAM_EOSE_MS_MAX} ms`,
  );
});

Deno.test("no time passes for what is awaited while the connection is not read", async () => {
  const talk = new ConversationFixture();
  talk.subscribe("a", {});
  talk.conversation.pause();
  talk.pass(10 * UPSTREAM_EOSE_IDLE_MS_MAX);
  talk.conversation.resume();
  talk.pass(1_000);
  talk.receive("EOSE", "s1");
  talk.pass(10 * UPSTREAM_EOSE_IDLE_MS_MAX);
  assertEquals(await talk.hear(), ["a eose"]);
});

Deno.test("more stored events than the limits allow end the subscription", async () => {
  const talk = new ConversationFixture();
  talk.subscribe("a", { limit: 1 });
  for (let n = 0; n <= 2 + UPSTREAM_EXTRA_EVENTS_MAX; n++) talk.receive("EVENT", "s1", note);
  assertEquals(
    (await talk.hear()).at(-1),
    "a closed error: the relay sends more events than the limits allow",
  );
});

Deno.test("events that nobody asked for are counted and not passed on", async () => {
  const talk = new ConversationFixture({ keepsEchoes: true });
  talk.subscribe("a", { kinds: [7], authors: [note.pubkey] }, { ids: ["0".repeat(64)] });
  talk.receive("EVENT", "s1", note);
  talk.receive("EVENT", "s9", note);
  talk.receive("EVENT", "s1", { ...note, kind: 7, id: note.id.toUpperCase() });
  talk.receive("EVENT", "s1", { ...note, kind: 7, sig: "" });
  talk.conversation.receive(
    `["EVENT","s1",{"x":{"id":"${"1".repeat(64)}"},${JSON.stringify(note).slice(1)}]`,
  );
  talk.conversation.receive("<html>");
  assertEquals(await talk.hear(), []);
  assertEquals({ ...talk.conversation.counts }, { messages: 6, events: 0, unasked: 2, garbage: 4, noise: 0 });
  assert(!talk.conversation.cameFrom(note.id));
});

Deno.test("an event that is known is passed on without a look at it", async () => {
  const talk = new ConversationFixture({ isKnown: (id) => id === note.id, keepsEchoes: true });
  talk.subscribe("a", { kinds: [1] });
  talk.conversation.receive(`["EVENT","s1",{"id":"${note.id}", and no JSON behind it}]`);
  assertEquals(await talk.hear(), [`a event ${short}`]);
  assert(talk.conversation.cameFrom(note.id));
});

Deno.test("a flood of what nobody asked for ends the conversation", () => {
  const unasked = new ConversationFixture();
  for (let n = 0; n < 1_001; n++) unasked.receive("EVENT", "x", note);
  assertEquals(unasked.failures, [{
    kind: "garbage",
    reason: "1001 of the relay's 1001 messages answer nothing",
  }]);
  const garbage = new ConversationFixture();
  for (let n = 0; n < 21; n++) garbage.conversation.receive("?");
  assertStringIncludes(garbage.failures[0]!.reason, "21 messages that are not of the protocol");
  const late = new ConversationFixture();
  late.subscribe("a", {}).close();
  for (let n = 0; n < UPSTREAM_LATE_MESSAGES_MAX; n++) late.receive("EVENT", "s1", note);
  assertEquals(late.conversation.counts.unasked, 0);
  for (let n = 0; n <= UPSTREAM_LATE_MESSAGES_MAX; n++) late.receive("EVENT", "s1", note);
  assertEquals(late.failures.length, 1);
});

Deno.test("a flood ends a conversation that was well for long, and single mistakes do not", () => {
  const talk = new ConversationFixture();
  talk.subscribe("a", { kinds: [1], limit: 0 });
  talk.receive("EOSE", "s1");
  for (let n = 0; n < 20_000; n++) talk.receive("EVENT", "s1", note);
  for (let minute = 0; minute < 10; minute++) {
    talk.pass(60_000);
    for (let n = 0; n < 15; n++) talk.conversation.receive("?");
  }
  assertEquals(talk.failures, []);
  talk.pass(60_000);
  for (let n = 0; n < 1_010; n++) talk.receive("NOTICE", "hello\u0000you");
  assertEquals(talk.failures.length, 1);
  assertEquals(talk.conversation.notice, "hello you");
});

Deno.test("the end of the connection tells all that waits, once", async () => {
  const talk = new ConversationFixture({ limits: { subscriptionsMax: 1 } });
  talk.subscribe("a", {});
  talk.subscribe("b", {});
  talk.compare();
  talk.publish(JSON.stringify(note), note.id);
  talk.conversation.ended("the connection broke off");
  talk.conversation.ended("again");
  talk.subscribe("c", {});
  talk.publish(JSON.stringify(note), note.id);
  assertEquals((await talk.hear()).sort(), [
    `${short} Cannot publish event "${note.id}": the connection broke off`,
    `${short} Cannot publish event "${note.id}": the connection has ended`,
    "a closed error: the connection broke off",
    "b closed error: the connection broke off",
    "c closed error: the connection has ended",
    "failed error: the connection broke off",
  ]);
});

Deno.test("a comparison is opened, answered, gone on with and closed", async () => {
  const talk = new ConversationFixture();
  const opened = talk.compare({ kinds: [1] });
  assertEquals(talk.take(), [["NEG-OPEN", "s1", { kinds: [1] }, "6101"]]);
  talk.receive("NEG-MSG", "s1", "6102");
  opened.send(new Uint8Array([0x61, 3]));
  assertEquals(talk.take(), [["NEG-MSG", "s1", "6103"]]);
  talk.receive("NEG-MSG", "s1", "xyz");
  talk.receive("EOSE", "s1");
  opened.close();
  assertEquals(talk.take(), [["NEG-CLOSE", "s1"]]);
  opened.send(new Uint8Array([0x61]));
  assertEquals(talk.take(), []);
  assertEquals(await talk.hear(), ["message 6102"]);
  assertEquals(talk.conversation.counts.garbage, 1);
});

Deno.test("a comparison fails by NEG-ERR, by a NOTICE, by silence, and where the relay offers none", async () => {
  const talk = new ConversationFixture();
  talk.compare();
  talk.receive("NEG-ERR", "s1", "blocked: too many events");
  talk.compare();
  talk.pass(60_000);
  assertEquals(await talk.hear(), [
    "failed blocked: too many events",
    "failed error: the relay did not answer a comparison within 60000 ms",
  ]);
  talk.compare();
  talk.receive("NOTICE", "hello");
  assertEquals(await talk.hear(), []);
  talk.receive("NOTICE", "ERROR: bad msg: negentropy disabled");
  assertEquals(talk.conversation.limits.reconciles, false);
  talk.compare();
  assertEquals(await talk.hear(), [
    "failed unsupported: the relay does not compare sets: ERROR: bad msg: negentropy disabled",
    "failed unsupported: the relay does not compare sets (NIP-77)",
  ]);
});

Deno.test("fuzz: whatever a relay sends, only events that were asked for come through, and nothing throws", () => {
  const prng = seededPrng("damaged messages of a relay");
  const events = Array.from(
    { length: 20 },
    (_, n) =>
      signEvent(testKey(1), {
        kind: n % 2,
        content: `"id":"${n}" ]}`,
        tags: [["t", "\\"]],
        created_at: n + 1,
      }),
  );
  const messages = [
    ...events.map((event) => ["EVENT", "s1", event]),
    ...[["EOSE", "s1"], ["OK", events[0]!.id, true, ""], ["AUTH", "x"], ["NOTICE", "y"], [
      "NEG-MSG",
      "s2",
      "61",
    ]],
    ...[["CLOSED", "s1", "rate-limited: z"], ["NEG-ERR", "s2", "auth-required: z"]],
  ].map((message) => JSON.stringify(message));
  const byId = new Map(events.map((event) => [event.id, event]));
  let passed = 0;
  for (let round = 0; round < 1_000; round++) {
    const talk = new ConversationFixture({ key, keepsEchoes: true });
    talk.conversation.subscribe([{ kinds: [1] }], {
      event(text, id) {
        passed++;
        const event = JSON.parse(text);
        assert(event.id === id && event.kind === 1, text);
        // A change that the check lets through is one that the verifier finds.
        if (byId.has(id)) assertEquals(event.pubkey.length, 64);
      },
      eose() {},
      closed() {},
    });
    talk.compare();
    talk.publish("{}", events[0]!.id);
    for (let n = 0; n < 5; n++) {
      let text = prng.pick(messages);
      for (let damage = prng.int(0, 2); damage > 0; damage--) {
        const at = prng.int(0, text.length);
        const piece = prng.pick([
          "",
          '"',
          "\\",
          "[",
          "]",
          "{",
          "}",
          ",",
          ":",
          '"id":"',
          "0",
          "\u0000",
          prng.pick(messages),
        ]);
        text = text.slice(0, at) + piece + text.slice(at + prng.int(0, 3));
      }
      talk.conversation.receive(text);
      if (prng.chance(0.1)) talk.pass(5_000);
    }
    talk.conversation.ended("over");
  }
  assert(passed > 300, `${passed} events came through`);
});
