/**
 * NIP-40 from outside: an event that has expired is neither taken nor served.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { freshKey, idsOf, nextEvent, nowSeconds, sharedRelay, store, untilEose } from "./shared_relay.ts";

const relay = await sharedRelay({ FLUSH_INTERVAL_MS: "50" });
/** How far in the future the expiration of an event is that a test sees expire, seconds. */
const SOON = 3;

function expiring(key: TestKey, expiration: number | string, template: Partial<TestEvent> = {}): TestEvent {
  return signEvent(key, { ...template, tags: [...template.tags ?? [], ["expiration", String(expiration)]] });
}

async function refused(client: TestClient, event: TestEvent): Promise<void> {
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], /^invalid: .*expired/);
}

async function countOf(client: TestClient, filter: Record<string, unknown>): Promise<unknown> {
  client.send(["COUNT", "count", filter]);
  return (await client.nextOfType("COUNT"))[2];
}

Deno.test("an event that has expired is refused", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  for (const expiration of [0, 1, 1_600_000_000, nowSeconds() - 1, nowSeconds()]) {
    await refused(client, expiring(key, expiration));
    await refused(client, expiring(key, expiration, { kind: 30_000, tags: [["d", "x"]] }));
  }
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), []);
});

Deno.test("an event is served until it expires, and from that second on nowhere any more", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  const stays = signEvent(key, { content: "perishable stays", tags: [["t", "x"]], created_at: 1_000 });
  const later = expiring(key, nowSeconds() + 3_600, { content: "perishable later", created_at: 999 });
  const expiration = nowSeconds() + SOON;
  const goes = expiring(key, expiration, { content: "perishable goes", tags: [["t", "x"]] });
  client.send(["REQ", "live", { authors }]);
  await untilEose(client, "live");
  await store(client, stays, later, goes);
  for (const event of [stays, later, goes]) assertEquals(await nextEvent(client, "live"), event);
  const both = [goes.id, stays.id, later.id];
  if (nowSeconds() < expiration) {
    const found = await idsOf(client, { authors });
    if (nowSeconds() < expiration) assertEquals(found, both);
  }
  await eventually(() => nowSeconds() >= expiration, 10_000, "the event expires");
  assertEquals(await idsOf(client, { authors }), both.slice(1));
  assertEquals(await idsOf(client, { ids: [goes.id] }), []);
  assertEquals(await idsOf(client, { authors, "#t": ["x"], kinds: [1] }), [stays.id]);
  assertEquals(await countOf(client, { authors }), { count: 2 });
  await eventually(async () => (await idsOf(client, { authors, search: "perishable" })).length >= 2);
  const searched = await idsOf(client, { authors, search: "perishable" });
  assertEquals(searched.toSorted(), [stays.id, later.id].toSorted());
  await refused(client, goes);
});

Deno.test("an event that expired is gone for good, also when its address is used again", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const expiration = nowSeconds() + SOON;
  const status = expiring(key, expiration, { kind: 30_315, tags: [["d", "general"]], created_at: 2_000 });
  const older = signEvent(key, { kind: 30_315, tags: [["d", "general"]], created_at: 1_000 });
  await store(client, status);
  await eventually(() => nowSeconds() >= expiration, 10_000, "the event expires");
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), []);
  // Removed within seconds, and then nothing stands in the way of an older version.
  await eventually(async () => (await client.publish(older))[2], 10_000, "the address is free");
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), [older.id]);
});

Deno.test("an expiration that is no number of seconds means nothing", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const tags = [
    ["expiration"],
    ["expiration", ""],
    ["expiration", "soon"],
    ["expiration", "-1"],
    ["expiration", "1.5"],
    [
      "expiration",
      "0x10",
    ],
    ["expiration", "1e3"],
    ["Expiration", "1"],
    ["t", "expiration", "1"],
  ];
  const events = tags.map((tag, i) => signEvent(key, { tags: [tag], created_at: 1_000 - i }));
  await store(client, ...events);
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), events.map(({ id }) => id));
});

Deno.test("an expiration of the far future is kept, up to what a number can hold", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const events = ["4102444800", "999999999999999", "9007199254740993", "99999999999999999999"].map((
    expiration,
    i,
  ) => expiring(key, expiration, { created_at: 1_000 - i }));
  await store(client, ...events);
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), events.map(({ id }) => id));
});

Deno.test("ephemeral events with an expiration to come are delivered", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  client.send(["REQ", "live", { authors: [key.pubkey] }]);
  await untilEose(client, "live");
  const event = expiring(key, nowSeconds() + 100, { kind: 20_000 });
  await store(client, event);
  assertEquals(await nextEvent(client, "live"), event);
  assert((await idsOf(client, { authors: [key.pubkey] })).length === 0);
});
