/**
 * Texts that a gateway caches, from outside: what is asked for again and again is served the same each time, and
 * to nobody any more once it is deleted, replaced, expired, vanished, banned, or another's secret.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { connectAs, RELAY_URL } from "./auth.ts";
import { call } from "./management.ts";
import { freshKey, idsOf, nowSeconds, served, sharedRelay, store } from "./shared_relay.ts";

const admin = freshKey();
const relay = await sharedRelay({ RELAY_URL, GATEWAY_WORKERS: "1" });
/** Managed under its own address. */
const managed = await sharedRelay({ RELAY_ADMINS: admin.pubkey, GATEWAY_WORKERS: "1" });
/** More often than it takes to be cached. */
const TIMES = 4;
/** Far enough in the future that a test has asked for it often before. */
const SOON_SECONDS = 5;
let lastKind = 1_100;

/** A kind that no other test of this file stores: its pages hold the test's own events. */
function freshKind(): number {
  return lastKind++;
}

async function askOften(
  client: TestClient,
  filters: readonly TestFilter[],
  expected: TestEvent[],
): Promise<void> {
  for (let time = 0; time < TIMES; time++) {
    for (const filter of filters) assertEquals(served(await client.query(filter)), expected);
  }
}

async function isGone(client: TestClient, ...filters: TestFilter[]): Promise<void> {
  for (let time = 0; time < TIMES; time++) {
    for (const filter of filters) assertEquals(await idsOf(client, filter), [], JSON.stringify(filter));
  }
}

/** The two ways to cached texts. */
function waysTo({ id, kind }: TestEvent): TestFilter[] {
  return [{ ids: [id] }, { kinds: [kind] }];
}

function note(key: TestKey, fields: Partial<TestEvent> = {}): TestEvent {
  return signEvent(key, { kind: freshKind(), content: '日本 é \\ "x"', ...fields });
}

Deno.test("the same text comes each time, by id and by page, short or long", async () => {
  await using client = await connect(relay.url);
  const kind = freshKind();
  const events = Array.from({ length: 30 }, (_, n) => {
    const content = `${n} ${"日é🙂x".repeat(2 ** (n % 12))}`;
    return signEvent(freshKey(), { kind, created_at: 10_000 - n, content });
  });
  await store(client, ...events);
  await askOften(client, [{ kinds: [kind] }], events);
  for (const event of events.slice(0, 12)) await askOften(client, [{ ids: [event.id] }], [event]);
  await askOften(client, [{ kinds: [kind], limit: 3 }], events.slice(0, 3));
  const between = { kinds: [kind], since: 9_980, until: 9_990 };
  await askOften(client, [between], events.filter(({ created_at: at }) => at >= 9_980 && at <= 9_990));
});

Deno.test("what is deleted is gone at once", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = note(key);
  await store(client, event);
  await askOften(client, waysTo(event), [event]);
  await store(client, signEvent(key, { kind: 5, tags: [["e", event.id]] }));
  await isGone(client, ...waysTo(event));
});

Deno.test("what is replaced is gone at once, and its successor is there", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const kind = 10_777;
  const [first, second] = [10, 20].map((created_at) => signEvent(key, { kind, created_at })) as [
    TestEvent,
    TestEvent,
  ];
  await store(client, first);
  await askOften(client, waysTo(first), [first]);
  await store(client, second);
  await isGone(client, { ids: [first.id] });
  await askOften(client, waysTo(second), [second]);
});

Deno.test("what expires is served until then and not after", async () => {
  await using client = await connect(relay.url);
  const expiration = nowSeconds() + SOON_SECONDS;
  const event = note(freshKey(), { tags: [["expiration", String(expiration)]] });
  await store(client, event);
  while (nowSeconds() < expiration - 1) {
    for (const filter of waysTo(event)) {
      const found = await idsOf(client, filter);
      if (nowSeconds() < expiration) assertEquals(found, [event.id]);
    }
  }
  await eventually(() => nowSeconds() >= expiration, 20_000, "the event expires");
  await isGone(client, ...waysTo(event));
});

Deno.test("who vanishes is gone at once", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = note(key);
  await store(client, event);
  await askOften(client, waysTo(event), [event]);
  const created_at = nowSeconds();
  await store(client, signEvent(key, { kind: 62, created_at, tags: [["relay", "ALL_RELAYS"]] }));
  await isGone(client, ...waysTo(event));
});

Deno.test("a secret is at hand for its recipient alone", async () => {
  const alice = freshKey();
  await using alices = await connectAs(relay.url, alice);
  await using others = await connectAs(relay.url, freshKey());
  await using strangers = await connect(relay.url);
  const gift = signEvent(freshKey(), { kind: 1_059, tags: [["p", alice.pubkey]], content: "sealed" });
  await store(alices, gift);
  const byId = { ids: [gift.id] };
  await askOften(alices, [byId], [gift]);
  await isGone(others, byId);
  await isGone(strangers, byId);
  const { created_at: at } = gift;
  const page = { since: at, until: at };
  for (let time = 0; time < TIMES; time++) {
    assertEquals((await idsOf(alices, page)).includes(gift.id), true);
    for (const client of [others, strangers]) {
      assertEquals((await idsOf(client, page)).includes(gift.id), false);
    }
  }
});

Deno.test("what an operator bans is gone at once, and back when that is taken back", async () => {
  await using client = await connect(managed.url);
  const manage = (method: string, ...params: unknown[]) => call(managed.httpUrl, admin, method, ...params);
  const key = freshKey();
  const event = note(key);
  await store(client, event);
  await askOften(client, waysTo(event), [event]);
  await manage("banevent", event.id, "test");
  await isGone(client, ...waysTo(event));
  await manage("allowevent", event.id, "test");
  await askOften(client, waysTo(event), [event]);
  await manage("banpubkey", key.pubkey, "test");
  await isGone(client, ...waysTo(event));
});
