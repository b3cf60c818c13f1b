/**
 * Tests of a conversation without a socket: events of ours, pauses after `rate-limited:`, and proofs of the key.
 * Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { UPSTREAM_PUBLISHES_WAITING_MAX, UPSTREAM_UNANSWERED_MAX } from "../limits.ts";
import { openRelayKey } from "../relay/relay_key.ts";
import { ConversationFixture } from "./conversation_fixture.ts";

const key = await openRelayKey("01".repeat(32));

function id(n: number): string {
  return n.toString(16).padStart(4, "0") + "0".repeat(60);
}

Deno.test("a window of events is unanswered, and the others wait for it, up to a bound", async () => {
  const talk = new ConversationFixture();
  const all = UPSTREAM_UNANSWERED_MAX + UPSTREAM_PUBLISHES_WAITING_MAX;
  for (let n = 0; n <= all; n++) talk.publish("{}", id(n));
  assertEquals(talk.take().length, UPSTREAM_UNANSWERED_MAX);
  assertEquals(talk.conversation.unanswered, all);
  assertEquals(await talk.hear(), [
    `${id(all).slice(0, 4)} Cannot publish event "${id(all)}": 1000 events wait for this relay already`,
  ]);
  talk.receive("OK", id(0), true, "");
  assertEquals(talk.take().length, 1);
  talk.publish("{}", id(1));
  talk.receive("OK", id(1), false, "blocked: no");
  assertEquals(await talk.hear(), ["0000 true ", "0001 false blocked: no", "0001 false blocked: no"]);
  talk.receive("OK", id(1), true, "");
  assertEquals(talk.conversation.counts.noise, 1);
});

Deno.test("long events fill the window by their bytes, and one is always sent", () => {
  const talk = new ConversationFixture({ limits: { messageBytesMax: 2 ** 21 } });
  talk.publish(`{"content":"${"x".repeat(1_500_000)}"}`, id(0));
  for (let n = 1; n < 9; n++) talk.publish(`{"content":"${"x".repeat(400_000)}"}`, id(n));
  assertEquals(talk.take().length, 1);
  talk.receive("OK", id(0), true, "");
  assertEquals(talk.take().length, 2);
  for (let n = 1; n < 4; n++) {
    talk.receive("OK", id(n), true, "");
    assertEquals(talk.take().length, 1);
  }
});

Deno.test("an event without an answer is given up after its time", async () => {
  const talk = new ConversationFixture();
  talk.publish("{}", id(1));
  talk.pass(59_000);
  assertEquals(await talk.hear(), []);
  talk.pass(1_000);
  assertEquals(await talk.hear(), [
    `0001 Cannot publish event "${id(1)}": the relay did not answer within 60000 ms`,
  ]);
});

Deno.test("rate-limited: makes a pause in which nothing is sent, and a longer one each time", async () => {
  const talk = new ConversationFixture();
  const pauses: number[] = [];
  talk.publish("{}", id(1));
  for (let round = 0; round < 9; round++) {
    assertEquals(talk.take().length, 1);
    talk.receive("OK", id(1), false, "rate-limited: slow down");
    const start = talk.nowMs;
    while (talk.sent.length === 0 && talk.nowMs - start < 100_000) talk.pass(250);
    pauses.push(talk.nowMs - start);
  }
  // Three quarters of 1, 2, 4 … 60 s; after the last repetition nothing is sent any more.
  assertEquals(pauses, [750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000, 100_000]);
  assertEquals(await talk.hear(), ["0001 false rate-limited: slow down"]);
});

Deno.test("rate-limited: repeats a subscription and a comparison, and nothing new goes out before", async () => {
  const talk = new ConversationFixture();
  talk.subscribe("a", {});
  talk.compare();
  talk.take();
  talk.receive("CLOSED", "s1", "rate-limited: slow down");
  talk.receive("NEG-ERR", "s2", "rate-limited: slow down");
  talk.subscribe("b", {});
  talk.publish("{}", id(1));
  assertEquals(talk.take(), []);
  talk.pass(1_000);
  assertEquals(talk.take().map(([verb, name]) => `${verb} ${name}`), [
    "REQ s1",
    "NEG-OPEN s2",
    "REQ s3",
    "EVENT [object Object]",
  ]);
  assertEquals(await talk.hear(), []);
});

Deno.test("a subscription that had its EOSE is not repeated in silence: what came meanwhile would be missed", async () => {
  const talk = new ConversationFixture();
  talk.subscribe("a", {});
  talk.receive("EOSE", "s1");
  talk.receive("CLOSED", "s1", "rate-limited: too much");
  assertEquals(await talk.hear(), ["a eose", "a closed rate-limited: too much"]);
  talk.take();
  talk.subscribe("b", {});
  assertEquals(talk.take(), []);
});

Deno.test("a challenge is answered with the relay's key, and what was refused before is repeated", async () => {
  const talk = new ConversationFixture({ key });
  talk.subscribe("a", {});
  talk.publish("{}", id(1));
  talk.take();
  talk.receive("CLOSED", "s1", "auth-required: prove a key");
  talk.receive("OK", id(1), false, "auth-required: prove a key");
  talk.receive("AUTH", "a challenge");
  const [[verb, proof]] = talk.take() as [
    [string, { id: string; pubkey: string; kind: number; tags: unknown }],
  ];
  assertEquals(verb, "AUTH");
  assertEquals(proof.pubkey, key.pubkey);
  assertEquals(proof.kind, 22_242);
  assertEquals(proof.tags, [["relay", "wss://relay.example.com"], ["challenge", "a challenge"]]);
  talk.subscribe("b", {});
  assertEquals(talk.take(), []);
  talk.receive("OK", proof.id, true, "");
  assertEquals(talk.take().map(([verb]) => verb), ["REQ", "REQ", "EVENT"]);
  talk.receive("OK", id(1), true, "");
  talk.receive("EOSE", "s1");
  assertEquals(await talk.hear(), ["a eose", "0001 true "]);
});

Deno.test("auth-required: is final without a key, a challenge or an accepted proof, and after repeats", async () => {
  const keyless = new ConversationFixture();
  keyless.receive("AUTH", "a challenge");
  keyless.subscribe("a", {});
  keyless.receive("CLOSED", "s1", "auth-required: no");
  assertEquals(await keyless.hear(), ["a closed auth-required: no"]);
  assertEquals(keyless.take().length, 1);

  const silent = new ConversationFixture({ key });
  silent.subscribe("a", {});
  silent.publish("{}", id(1));
  silent.receive("CLOSED", "s1", "auth-required: no");
  silent.receive("OK", id(1), false, "auth-required: no");
  silent.pass(9_000);
  assertEquals(await silent.hear(), []);
  silent.pass(1_000);
  assertEquals(await silent.hear(), ["a closed auth-required: no", "0001 false auth-required: no"]);

  const refused = new ConversationFixture({ key });
  refused.subscribe("a", {});
  refused.receive("CLOSED", "s1", "auth-required: no");
  refused.receive("AUTH", "a challenge");
  refused.receive("OK", (refused.take().at(-1)![1] as { id: string }).id, false, "restricted: not you");
  refused.pass(1_000);
  assertEquals(await refused.hear(), ["a closed auth-required: no"]);
  assertEquals(refused.conversation.authRefusal, "restricted: not you");

  const never = new ConversationFixture({ key });
  never.subscribe("a", {});
  for (let n = 0; n < 3; n++) {
    never.receive("CLOSED", "s1", "auth-required: no");
    if (n === 2) break;
    never.receive("AUTH", `challenge ${n}`);
    never.receive("OK", (never.take().at(-1)![1] as { id: string }).id, true, "");
  }
  assertEquals(await never.hear(), ["a closed auth-required: no"]);
});

Deno.test("challenges without end finish the conversation, and a proof without an answer counts as accepted", () => {
  const loop = new ConversationFixture({ key });
  for (let n = 0; n < 6; n++) loop.receive("AUTH", `challenge ${n}`);
  assertEquals(loop.failures, [{
    kind: "auth",
    reason: "the relay asks for authentication again and again",
  }]);
  const silent = new ConversationFixture({ key });
  silent.receive("AUTH", "x");
  silent.subscribe("a", {});
  assertEquals(silent.take().length, 1);
  silent.pass(10_000);
  assertEquals(silent.take().length, 1);
  silent.receive("AUTH", "y".repeat(2_000));
  assert(silent.failures.length === 0 && silent.take().length === 0);
});
