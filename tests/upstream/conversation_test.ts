/**
 * Conversations over real sockets: with the real relay, which the tests of this file share, and with one that lies.
 * Run on the test's thread.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  UPSTREAM_EOSE_IDLE_MS_MAX,
  UPSTREAM_EOSE_MS_MAX,
  UPSTREAM_MESSAGE_BYTES_MAX,
  UPSTREAM_OK_MS_MAX,
} from "../../lib/limits.ts";
import { Initiator } from "../../lib/negentropy/initiator.ts";
import { SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import { CallableTargets } from "../../lib/network/callable_targets.ts";
import { openRelayKey } from "../../lib/relay/relay_key.ts";
import { politeLimits } from "../../lib/upstream/polite_limits.ts";
import {
  type OpenConversation,
  openConversation,
  type OpenConversationOptions,
} from "../../runtime/open_conversation.ts";
import { readRelayDocument } from "../../runtime/relay_document.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { startRelay } from "../support/relay.ts";
import * as lies from "../support/relay_lies.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import {
  type Lie,
  type SimulatedOptions,
  type SimulatedRelay,
  startSimulatedRelay,
} from "../support/simulated_relay.ts";

const callable = new CallableTargets(["localhost", "127.0.0.1"]);
const key = await openRelayKey("02".repeat(32));

/** A conversation that remembers how it ended; `await using` closes it. */
async function open(url: string, options: Partial<OpenConversationOptions> = {}) {
  const ends: string[] = [];
  const { conversation, close } = await openConversation(url, {
    callable,
    onEnded: ({ kind, reason }) => ends.push(`${kind}: ${reason}`),
    ...options,
  });
  return {
    conversation,
    /** How the connection ended, once it has. */
    end: () => eventually(() => ends[0], 10_000, "the connection ends"),
    publish: (event: TestEvent) => conversation.publish(JSON.stringify(event), event.id),
    /** What a subscription brings until its EOSE, or its end. */
    async stored(...filters: Record<string, unknown>[]) {
      const ids: string[] = [];
      const { promise, resolve } = Promise.withResolvers<string>();
      const opened = conversation.subscribe(filters, {
        event: (_text, id) => ids.push(id),
        eose: () => resolve("EOSE"),
        closed: resolve,
      });
      const result = { ids, end: await promise };
      opened.close();
      return result;
    },
    /** What a comparison finds that these events lack, or why it fails. */
    needed(events: readonly TestEvent[], filter: Record<string, unknown>): Promise<readonly string[]> {
      const items = new SortedVectorBuilder();
      for (const { created_at, id } of events) items.addHex(created_at, id);
      const initiator = new Initiator(items.build());
      const need: string[] = [];
      const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
      const opened = conversation.compare(filter, initiator.initiate(), {
        message(bytes) {
          const findings = initiator.receive(bytes);
          need.push(...findings.need);
          if (findings.message !== null) return opened.send(findings.message);
          opened.close();
          resolve(need.sort());
        },
        failed: (reason) => reject(new Error(reason)),
      });
      return promise;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** A simulated relay and a conversation with it. */
async function talk(lie: Lie, options: Partial<OpenConversationOptions> = {}, more: SimulatedOptions = {}) {
  const events = [1, 2, 3].map((n) => lies.note(n));
  const relay: SimulatedRelay = await startSimulatedRelay({ events, lie, ...more });
  const talking = await open(relay.url, options);
  return {
    relay,
    ...talking,
    async [Symbol.asyncDispose]() {
      await talking[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a conversation with the real relay publishes, reads, hears, compares and authenticates", async () => {
  const port = freePort();
  const url = `ws://localhost:${port}`;
  await using relay = await startRelay({ port, env: { AUTH_TO_WRITE: "true", RELAY_URL: url } });
  const limits = politeLimits(await readRelayDocument(url, { callable }));
  assertEquals(limits, {
    subscriptionsMax: 100,
    limitMax: 5_000,
    messageBytesMax: 256 * 1024,
    reconciles: true,
  });
  await using talking = await open(url, { limits, key, keepsEchoes: true });
  const { conversation } = talking;
  const first = signEvent(testKey(1), { content: "stored" });
  assertEquals(await talking.publish(first), { accepted: true, message: "" });
  assertEquals(await talking.stored({ kinds: [1] }), { ids: [first.id], end: "EOSE" });
  assert(conversation.cameFrom(first.id));

  const live = Promise.withResolvers<string>();
  conversation.subscribe([{ kinds: [1], limit: 0 }], {
    event: (text) => live.resolve(JSON.parse(text).content),
    eose() {},
    closed: live.reject,
  });
  const second = signEvent(testKey(1), { content: "live" });
  await talking.publish(second);
  assertEquals(await live.promise, "live");
  assertEquals(await talking.needed([first], { kinds: [1] }), [second.id]);
  const { events, unasked, garbage, noise } = conversation.counts;
  assertEquals({ events, unasked, garbage, noise }, { events: 2, unasked: 0, garbage: 0, noise: 0 });

  await relay.kill();
  await talking.end();
  await assertRejects(() => talking.publish(first), Error, "the connection has ended");
});

Deno.test("an honest simulated relay keeps its limits, and a conversation keeps within them", async () => {
  const events = Array.from({ length: 30 }, (_, n) => lies.note(n));
  await using relay = await startSimulatedRelay({
    events,
    limitMax: 10,
    subscriptionsMax: 2,
    reconciles: true,
  });
  const limits = politeLimits(await readRelayDocument(relay.url, { callable }));
  assertEquals([limits.limitMax, limits.subscriptionsMax, limits.reconciles], [10, 2, true]);
  await using talking = await open(relay.url, { limits });
  const results = await Promise.all([1, 2, 3, 4].map((n) => talking.stored({ limit: n * 4 })));
  assertEquals(results.map(({ ids, end }) => `${ids.length} ${end}`), [
    "4 EOSE",
    "8 EOSE",
    "10 EOSE",
    "10 EOSE",
  ]);
  assertEquals((await talking.needed(events.slice(0, 20), {})).length, 10);
});

Deno.test("a relay that wants authentication gets it, and what it refused before", async () => {
  await using talking = await talk(lies.wantsAuth(), { key });
  assertEquals((await talking.stored({ kinds: [1] })).ids.length, 3);
  assertEquals((await talking.publish(lies.note(4))).accepted, true);
});

Deno.test("authentication that the relay refuses, or wants again and again, comes to an end", async () => {
  await using refused = await talk(lies.wantsAuth({ accepts: false }), { key });
  assertEquals((await refused.stored({})).end, "auth-required: prove a key");
  assertEquals(refused.conversation.authRefusal, "restricted: not you");
  await using looping = await talk(lies.challengesForEver, { key });
  assertEquals(await looping.end(), "auth: the relay asks for authentication again and again");
});

Deno.test("a relay that limits the rate gets everything later", async () => {
  await using talking = await talk(lies.limitsRate(2));
  const [stored, published] = await Promise.all([
    talking.stored({ kinds: [1] }),
    talking.publish(lies.note(9)),
  ]);
  assertEquals(stored.end, "EOSE");
  assertEquals(published.accepted, true);
});

Deno.test("a relay without NIP-77 says so in a NOTICE", async () => {
  await using talking = await talk({});
  await assertRejects(
    () => talking.needed([], {}),
    Error,
    'does not compare sets: ERROR: bad msg: unknown cmd "NEG-OPEN"',
  );
});

Deno.test("events that were not asked for stop at the conversation, and false ones are the verifier's", async () => {
  await using other = await talk(lies.sendsOtherEvents);
  assertEquals((await other.stored({ kinds: [1] })).ids.length, 3);
  assertEquals(other.conversation.counts.unasked, 1);
  await using late = await talk(lies.isAYearAhead);
  assertEquals(await late.stored({ kinds: [1], until: 1_710_000_000 }), { ids: [], end: "EOSE" });
  assertEquals(late.conversation.counts.unasked, 3);
  await using wrong = await talk(lies.sendsWrongIds);
  assertEquals(await wrong.stored({ ids: [lies.note(1).id] }), { ids: [], end: "EOSE" });
  await using forged = await talk(lies.forgesSignatures);
  assertEquals((await forged.stored({})).ids.length, 3);
});

Deno.test("stored events without end close the subscription, and then the connection", async () => {
  await using talking = await talk(lies.neverStops);
  const { ids, end } = await talking.stored({ limit: 10 });
  assertEquals(end, "error: the relay sends more events than the limits allow");
  assertEquals(ids.length, 1_020);
  assert((await talking.end()).endsWith("messages answer nothing"));
});

Deno.test("an EOSE and an OK that never come are not waited for longer than their bounds", async () => {
  let laterMs = 0;
  const clock = () => Date.now() + laterMs;
  await using silent = await talk(lies.sendsNoEose, { clock });
  const stored = silent.stored({});
  await eventually(() => silent.conversation.counts.events === 1);
  laterMs = UPSTREAM_EOSE_IDLE_MS_MAX;
  assertEquals((await stored).end, `error: the relay sent no EOSE within ${UPSTREAM_EOSE_IDLE_MS_MAX} ms`);
  await using dripping = await talk(lies.drips(5), { clock });
  const { events } = dripping.conversation.counts;
  const dripped = dripping.stored({});
  for (let n = 1; n * 20_000 <= UPSTREAM_EOSE_MS_MAX; n++) {
    await eventually(() => dripping.conversation.counts.events >= events + 2 * n);
    laterMs += 20_000;
  }
  assertEquals(
    (await dripped).end,
    `error: the stored events took the relay longer than ${UPSTREAM_EOSE_MS_MAX} ms`,
  );
  await using slow = await talk(lies.answersSlowly(Infinity), { clock });
  const published = assertRejects(() => slow.publish(lies.note(4)), Error, "the relay did not answer within");
  laterMs += UPSTREAM_OK_MS_MAX;
  await published;
});

Deno.test("every flood of what is not of the protocol ends the connection with its reason", async () => {
  const garbage = "garbage: the relay has sent 21 messages that are not of the protocol";
  const expected: [Lie, string][] = [
    [lies.sendsUnasked, "garbage: 1001 of the relay's 1001 messages answer nothing"],
    [lies.sendsNotices, "garbage: 1001 of the relay's 1001 messages answer nothing"],
    [lies.sendsGarbage, garbage],
    [lies.sendsBinary, "garbage: the relay has sent a binary message"],
    [
      lies.sendsWrongText,
      "garbage: what came is not of the protocol: Invalid WebSocket frame: invalid UTF-8 sequence",
    ],
    [lies.sendsLongFrame, `too-large: a message is longer than ${UPSTREAM_MESSAGE_BYTES_MAX} bytes`],
    [lies.sendsPieces, "too-large: a message came in too many pieces"],
    [lies.closesAtOnce, 'closed: the relay closed the connection: 1013 "go away"'],
  ];
  for (const [lie, reason] of expected) {
    await using talking = await talk(lie);
    assertEquals(await talking.end(), reason);
  }
});

Deno.test("a relay that breaks off in the middle tells whoever waits", async () => {
  await using talking = await talk(lies.answersSlowly(Infinity));
  const rejected = assertRejects(() => talking.publish(lies.note(4)), Error, "the connection broke off");
  await eventually(() => talking.relay.received.length > 0);
  talking.relay.dropAll();
  await rejected;
  assertEquals(await talking.end(), "closed: the connection broke off");
});

Deno.test("a paused conversation holds a fast relay back, and gets everything after", async () => {
  const events = Array.from(
    { length: 400 },
    (_, n) => signEvent(testKey(9), { content: "x".repeat(100_000), created_at: n + 1 }),
  );
  await using relay = await startSimulatedRelay({ events });
  let laterMs = 0;
  const clock = () => Date.now() + laterMs;
  const opened: OpenConversation = await openConversation(relay.url, { callable, clock });
  let count = 0;
  const over = Promise.withResolvers<string>();
  opened.pause();
  opened.conversation.subscribe([{}], {
    event: () => count++,
    eose: () => over.resolve("EOSE"),
    closed: over.resolve,
  });
  const [client] = relay.clients;
  await eventually(() => client!.webSocket.bufferedAmount > 1024 * 1024, 10_000, "the relay cannot send");
  const before = count;
  // No time passes for what is awaited.
  laterMs = 10 * UPSTREAM_EOSE_MS_MAX;
  opened.conversation.tick();
  opened.resume();
  opened.conversation.tick();
  assertEquals(await over.promise, "EOSE");
  assert(before < 100 && count === 400, `${before} before, ${count} in all`);
  await opened.close();
});
