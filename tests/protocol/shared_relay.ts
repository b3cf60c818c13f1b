/**
 * One relay for all tests of a file, and keys that no other test of the file uses: tests keep apart by their authors.
 * Runs on a test file's thread, which owns the relay; the relay ends after the file's last test.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Message, OkMessage, QueryResult, TestClient, TestFilter } from "../support/client.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { eventId, signId, type TestEvent, type TestKey, testKey } from "../support/sign.ts";

/** The least that a relay of a test logs: what it says then is a mistake of the relay. */
const QUIET = { LOG_LEVEL: "error" };
/** Every line that a relay writes when it starts begins so. */
const START_LINE = /^(sluice | {2}(data|verification|search|threads) )/;

let lastKey = 1_000;

/**
 * Starts a relay for the tests of the calling file. After the last one it must end in order, and must not have
 * logged an error: a thread that died and was started again shows there.
 */
export async function sharedRelay(env: Record<string, string> = {}): Promise<TestRelay> {
  const relay = await startRelay({ env: { ...QUIET, ...env } });
  Deno.test.afterAll(async () => {
    assertEquals(await relay.stop(), { code: 0, signal: null });
    const lines = relay.output().split("\n").filter((line) => line !== "" && !START_LINE.test(line));
    assertEquals(lines, [], "the relay logged errors");
  });
  return relay;
}

/** A key that no other test of this file has. */
export function freshKey(): TestKey {
  lastKey += 1;
  return testKey(lastKey);
}

/** Seconds since 1970. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** The ids of a query that must have ended with EOSE, in the order of arrival. */
export async function idsOf(client: TestClient, ...filters: TestFilter[]): Promise<string[]> {
  return served(await client.query(...filters)).map((event) => event.id);
}

/** The events of a query that must have ended with EOSE. */
export function served(result: QueryResult): TestEvent[] {
  assertEquals(result.closed, undefined);
  assertEquals(result.eose?.length, 3);
  return result.events;
}

/** Publishes events, and fails unless the relay stores each of them anew. */
export async function store(client: TestClient, ...events: TestEvent[]): Promise<void> {
  const answers = await Promise.all(events.map((event) => client.publish(event, 30_000)));
  assertEquals(answers, events.map((event): OkMessage => ["OK", event.id, true, ""]));
}

/** Sends a frame as it is written and resolves with the OK for `id`. */
export function publishFrame(client: TestClient, frame: string, id: string): Promise<Message> {
  client.sendRaw(frame);
  return client.next((message) => message[0] === "OK" && message[1] === id);
}

/**
 * Waits until the relay has answered something that was sent after everything else: what has not come by then on this
 * connection is not going to come, live events of what was published before apart.
 */
export async function settled(client: TestClient): Promise<void> {
  client.send(["REQ", "settled", { limit: 0 }]);
  await client.next((message) => message[0] === "EOSE" && message[1] === "settled");
  client.send(["CLOSE", "settled"]);
}

/** Collects a subscription's messages, which are taken from the inbox, until its EOSE. */
export async function untilEose(client: TestClient, subscription: string): Promise<TestEvent[]> {
  await client.next((message) => message[0] === "EOSE" && message[1] === subscription);
  return takeEvents(client, subscription);
}

/** Takes the events of a subscription that have arrived. */
export function takeEvents(client: TestClient, subscription: string): TestEvent[] {
  const events: TestEvent[] = [];
  for (let i = 0; i < client.inbox.length; i++) {
    const message = client.inbox[i]!;
    if (message[0] !== "EVENT" || message[1] !== subscription) continue;
    events.push(message[2] as TestEvent);
    client.inbox.splice(i--, 1);
  }
  return events;
}

/** Resolves with the next event of a subscription. */
export async function nextEvent(client: TestClient, subscription: string): Promise<TestEvent> {
  const message = await client.next((message) => message[0] === "EVENT" && message[1] === subscription);
  assertEquals(message.length, 3);
  return message[2] as TestEvent;
}

/** Signs an event whose fields may be of any type, so that only the relay's check of the shape can refuse it. */
export function signAnything(key: TestKey, fields: Record<string, unknown>): Record<string, unknown> {
  const event = {
    pubkey: key.pubkey,
    created_at: nowSeconds(),
    kind: 1,
    tags: [],
    content: "",
    ...fields,
  } as unknown as TestEvent;
  const id = eventId(event);
  return { ...event, id, sig: signId(key, id) };
}
