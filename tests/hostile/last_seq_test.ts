/**
 * The stored and the live part of a subscription, where the newest events leave the store meanwhile: nothing is missed and
 * nothing comes twice, across a restart too.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { nowSeconds, store } from "../protocol/shared_relay.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";

const KEY = testKey(1);
const authors = [KEY.pubkey];
let serial = 0;

function note(fields: { kind?: number; tags?: string[][] } = {}): TestEvent {
  return signEvent(KEY, { content: String(serial++), ...fields });
}

/** All that a subscription brings until an event that was sent last. */
async function idsUntil(client: TestClient, subscription: string, last: TestEvent): Promise<string[]> {
  const ids: string[] = [];
  while (ids.at(-1) !== last.id) {
    const [, , event] = await client.next((message) => message[0] === "EVENT" && message[1] === subscription);
    ids.push((event as TestEvent).id);
  }
  return ids.toSorted();
}

/** Ways of the newest event to leave the store; what is left then is what was there before. */
const LEAVES: Record<string, (writer: TestClient) => Promise<void>> = {
  async expired(writer) {
    await store(writer, note({ tags: [["expiration", String(nowSeconds() + 1)]] }));
    await eventually(async () => (await writer.query({ authors, kinds: [1] })).events.length === 1);
  },
  async deleted(writer) {
    const newest = note();
    await store(writer, newest, note({ kind: 5, tags: [["e", newest.id]] }));
  },
  async replaced(writer) {
    await store(writer, signEvent(KEY, { kind: 0, created_at: serial++ }));
    await store(writer, signEvent(KEY, { kind: 0, created_at: serial++ }));
  },
};

Deno.test("a REQ after the newest event is gone has all that is there and all that comes, once", async () => {
  await using relay = await startRelay();
  const kept = note();
  for (const [what, leave] of Object.entries(LEAVES)) {
    await using writer = await connect(relay.url);
    if (what === "expired") await store(writer, kept);
    await leave(writer);
    // The store's next life counts on from the entries of what has left.
    if (what === "deleted") await relay.restart();
    await using client = await connect(relay.url);
    await using again = await connect(relay.url);
    client.send(["REQ", what, { authors, kinds: [1] }]);
    const live = [note(), note()];
    await store(again, ...live);
    const expected = [kept, ...live].map(({ id }) => id).toSorted();
    assertEquals(await idsUntil(client, what, live[1]!), expected, what);
    await store(again, note({ kind: 5, tags: live.map(({ id }) => ["e", id]) }));
  }
});
