/**
 * NIP-62 from outside: a request to vanish takes every event of its author, for good, from every answer.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { freshKey, idsOf, nextEvent, nowSeconds, sharedRelay, store, untilEose } from "./shared_relay.ts";

const RELAY_URL = "wss://relay.example.com/";
const relay = await sharedRelay({ RELAY_URL, FLUSH_INTERVAL_MS: "50", MIN_POW_DIFFICULTY: "0" });

function vanish(key: TestKey, created_at: number, url = RELAY_URL): TestEvent {
  return signEvent(key, { kind: 62, created_at, tags: [["relay", url]], content: "forget me" });
}

async function refused(client: TestClient, ...events: TestEvent[]): Promise<void> {
  for (const event of events) {
    const ok = await client.publish(event);
    assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
    assertMatch(ok[3], /^blocked: .*vanish/);
  }
}

async function countOf(client: TestClient, filter: Record<string, unknown>): Promise<unknown> {
  client.send(["COUNT", "count", filter]);
  return ((await client.nextOfType("COUNT"))[2] as { count: number }).count;
}

for (const url of ["wss://RELAY.example.com:443", "ALL_RELAYS"]) {
  Deno.test(`a request to ${url} takes all of its author up to its time, and gift wraps for them`, async () => {
    await using client = await connect(relay.url);
    const [key, other] = [freshKey(), freshKey()];
    const authors = [key.pubkey];
    const deleted = signEvent(key, { created_at: 10 });
    const old = [
      signEvent(key, { kind: 0, created_at: 100 }),
      signEvent(key, { created_at: 200, content: "vanishing words", tags: [["t", "x"]] }),
      signEvent(key, { kind: 30_023, created_at: 300, tags: [["d", "x"]] }),
      signEvent(key, { kind: 5, created_at: 400, tags: [["e", deleted.id]] }),
      signEvent(other, { kind: 1_059, created_at: 500, tags: [["p", key.pubkey]] }),
    ];
    const newer = signEvent(key, { created_at: 1_001, content: "vanishing words" });
    const mention = signEvent(other, { created_at: 500, tags: [["p", key.pubkey]] });
    await store(client, ...old, newer, mention);
    await eventually(async () => (await idsOf(client, { authors, search: "vanishing" })).length === 2);
    const request = vanish(key, 1_000, url);
    client.send(["REQ", "live", { kinds: [62], authors, limit: 0 }]);
    await untilEose(client, "live");
    await store(client, request);
    assertEquals(await nextEvent(client, "live"), request);
    assertEquals(await idsOf(client, { authors }), [newer.id, request.id]);
    assertEquals(await idsOf(client, { ids: old.map(({ id }) => id) }), []);
    assertEquals(await idsOf(client, { "#p": [key.pubkey] }), [mention.id]);
    assertEquals(await countOf(client, { authors }), 2);
    assertEquals(await idsOf(client, { authors, search: "vanishing" }), [newer.id]);
    await refused(client, ...old, deleted);
    const again = signEvent(key, { created_at: 1_002 });
    await store(
      client,
      again,
      signEvent(other, { kind: 1_059, created_at: 1_001, tags: [["p", key.pubkey]] }),
    );
    assertEquals((await client.publish(request))[3], "duplicate: already have this event");
    // NIP-09 has no effect on it.
    await store(client, signEvent(key, { kind: 5, tags: [["e", request.id]] }));
    assertEquals(await idsOf(client, { ids: [request.id] }), [request.id]);
    await refused(client, old[1]!);
  });
}

Deno.test("a request that names other relays takes nothing, and one that names none is refused", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const note = signEvent(key, { created_at: 1 });
  await store(client, note, vanish(key, 1_000, "wss://other.example.com"));
  assertEquals(await idsOf(client, { authors: [key.pubkey], kinds: [1] }), [note.id]);
  const nameless = signEvent(key, { kind: 62, created_at: 1_000, tags: [["p", key.pubkey]] });
  assertMatch((await client.publish(nameless))[3], /^invalid: .*relay/);
});

Deno.test("thousands vanish without keeping others waiting, and stay away across a crash", async () => {
  await using relay = await startRelay({ env: { RELAY_URL, LOG_LEVEL: "error", DURABILITY: "normal" } });
  const [key, other] = [freshKey(), freshKey()];
  const authors = [key.pubkey];
  const events = Array.from(
    { length: 6_000 },
    (_, i) => signEvent(key, { created_at: 1_000 + i, tags: [["t", "x"]] }),
  );
  const request = vanish(key, nowSeconds());
  {
    await using client = await connect(relay.url, { timeoutMs: 60_000 });
    for (let at = 0; at < events.length; at += 1_500) await store(client, ...events.slice(at, at + 1_500));
    const answer = client.publish(request);
    const others = Array.from({ length: 300 }, (_, i) => signEvent(other, { created_at: i }));
    await Promise.all([answer, store(client, ...others)]);
    // Whether much or little is removed by now: nothing of it is served.
    assertEquals(await idsOf(client, { authors, limit: 5_000 }), [request.id]);
    assertEquals(await countOf(client, { "#t": ["x"] }), 0);
  }
  await relay.kill();
  await relay.restart();
  await using client = await connect(relay.url, { timeoutMs: 60_000 });
  assertEquals(await idsOf(client, { authors }), [request.id]);
  await refused(client, events[0]!, events.at(-1)!);
  assertEquals(await countOf(client, { authors: [other.pubkey] }), 300);
});

Deno.test("a relay without RELAY_URL is known by the address where it listens", async () => {
  await using own = await startRelay({ env: { LOG_LEVEL: "error", DURABILITY: "normal" } });
  await using client = await connect(own.url);
  for (const host of ["127.0.0.1", "localhost"]) {
    const key = freshKey();
    const note = signEvent(key, { created_at: 10 });
    await store(client, note, vanish(key, 1_000, own.url.replace("127.0.0.1", host)));
    assertEquals(await idsOf(client, { authors: [key.pubkey], kinds: [1] }), []);
    await refused(client, note);
  }
});
