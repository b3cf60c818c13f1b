/**
 * What the relay has removed leaves no copy on its way out: a client that stopped reading in the middle of an answer gets,
 * when it reads on, what sockets had taken already and no more.
 */
import { assert, assertEquals } from "@std/assert";
import { metricOf, publishGood } from "../pipeline/traffic.ts";
import { call } from "../protocol/management.ts";
import { OPCODE, openRawSocket, type RawSocket } from "../protocol/raw_socket.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, type TestKey, testKey } from "../support/sign.ts";

const ADMIN = testKey(1);
const WAIT_MS_MAX = 30_000;
/** Of each author: 16 MB, which one fetch brings. */
const EVENTS = 110;
const CHARS = 150_000;
/** Seconds after which what expires does so: longer than it takes to store and to ask for it. */
const LIFE_SECONDS = 10;
/** Events that the sockets of both sides may have taken: the system's buffers hold ten megabytes, the relay's two. */
const TAKEN_MAX = 85;

const decoder = new TextDecoder();

/** A way to remove an author's events from all answers. */
interface Way {
  readonly name: string;
  readonly key: TestKey;
  remove(relay: TestRelay, client: TestClient, events: readonly TestEvent[]): Promise<void>;
}

const WAYS: readonly Way[] = [
  {
    name: "expired",
    key: testKey(8_004),
    remove: async (_, client) => {
      await eventually(async () => {
        const { events } = await client.query({ authors: [testKey(8_004).pubkey], limit: 1 });
        return events.length === 0;
      }, WAIT_MS_MAX);
    },
  },
  {
    name: "deleted",
    key: testKey(8_001),
    remove: (_, client, events) =>
      publishGood(client, [
        signEvent(testKey(8_001), { kind: 5, tags: events.map(({ id }) => ["e", id]) }),
      ]),
  },
  {
    name: "vanished",
    key: testKey(8_002),
    remove: (_, client) =>
      publishGood(client, [signEvent(testKey(8_002), { kind: 62, tags: [["relay", "ALL_RELAYS"]] })]),
  },
  {
    name: "banned",
    key: testKey(8_003),
    remove: async (relay) => {
      await call(relay.httpUrl, ADMIN, "banpubkey", testKey(8_003).pubkey);
    },
  },
];

function filterOf({ key }: Way) {
  return { authors: [key.pubkey], kinds: [1] };
}

function eventsOf({ key, name }: Way): TestEvent[] {
  const now = Math.floor(Date.now() / 1_000);
  const tags = name === "expired" ? [["expiration", String(now + LIFE_SECONDS)]] : [];
  return Array.from(
    { length: EVENTS },
    (_, n) => signEvent(key, { created_at: now - 1_000 + n, tags, content: `${n} ${"x".repeat(CHARS)}` }),
  );
}

/** Reads on, until the answer's end. Returns the number of events in it. */
async function readOn(socket: RawSocket): Promise<number> {
  let events = 0;
  let isOver = false;
  while (!isOver) {
    const goesOn = await socket.readFrames((opcode, payload) => {
      const type = opcode === OPCODE.text ? decoder.decode(payload.subarray(0, 8)) : "";
      if (type === '["EVENT"') events++;
      isOver ||= type === '["EOSE",';
    });
    assert(goesOn, "the relay ended the connection");
  }
  return events;
}

for (const engine of ["serve", "ws"]) {
  Deno.test(`who stopped reading is sent nothing afterwards that was removed meanwhile (${engine})`, async () => {
    await using relay = await startRelay({
      env: {
        WEBSOCKET_ENGINE: engine,
        GATEWAY_WORKERS: "1",
        RELAY_PUBKEY: ADMIN.pubkey,
        LOG_LEVEL: "error",
      },
    });
    await using client = await connect(relay.url, { timeoutMs: WAIT_MS_MAX });
    const asked: { way: Way; events: TestEvent[]; socket: RawSocket }[] = [];
    for (const way of WAYS) {
      const events = eventsOf(way);
      await publishGood(client, events, 8);
      const socket = await openRawSocket(relay.url);
      asked.push({ way, events, socket });
      await socket.send(OPCODE.text, JSON.stringify(["REQ", "r", filterOf(way)]));
      // By then the answer has gone as far as the socket takes it.
      await eventually(
        async () => await metricOf(relay, "nostr_subscriptions_active") === asked.length,
        WAIT_MS_MAX,
      );
    }
    for (const { way, events, socket } of asked.toReversed()) {
      await way.remove(relay, client, events);
      const sent = await readOn(socket);
      assert(sent > 0 && sent <= TAKEN_MAX, `${way.name}: ${sent} of ${EVENTS} events were sent`);
      assertEquals((await client.query(filterOf(way))).events, []);
      socket[Symbol.dispose]();
    }
  });
}
