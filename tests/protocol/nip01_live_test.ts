/**
 * NIP-01 from outside: live delivery over several gateways, and the hand-over from the stored part to the live part.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { seededPrng } from "../support/prng.ts";
import { signEvent, type TestEvent } from "../support/sign.ts";
import { freshKey, nextEvent, sharedRelay, store, takeEvents, untilEose } from "./shared_relay.ts";

const relay = await sharedRelay({ GATEWAY_WORKERS: "2", VERIFIER_WORKERS: "2", READER_WORKERS: "2" });

async function connectMany(count: number): Promise<TestClient[]> {
  return await Promise.all(Array.from({ length: count }, () => connect(relay.url, { timeoutMs: 60_000 })));
}

async function closeAll(clients: readonly TestClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

/** Waits until a live event has arrived on each subscription, and returns all events by then. */
async function eventsUntil(client: TestClient, subscription: string, last: TestEvent): Promise<TestEvent[]> {
  await client.next((message) =>
    message[0] === "EVENT" && message[1] === subscription && (message[2] as TestEvent).id === last.id
  );
  return takeEvents(client, subscription);
}

Deno.test("an event reaches every subscriber that it matches, on whichever gateway, and no other", async () => {
  const [key, other] = [freshKey(), freshKey()];
  const clients = await connectMany(60);
  const filters: TestFilter[] = [
    { authors: [key.pubkey] },
    { authors: [key.pubkey], "#t": ["x"] },
    { kinds: [1], "#t": ["x", "y"], authors: [key.pubkey, other.pubkey] },
    { authors: [other.pubkey] },
    { authors: [key.pubkey], kinds: [7] },
    { authors: [key.pubkey], until: 10 },
  ];
  await Promise.all(clients.map(async (client, i) => {
    client.send(["REQ", "sub", filters[i % filters.length]!]);
    await untilEose(client, "sub");
  }));
  const events = Array.from(
    { length: 20 },
    (_, i) => signEvent(key, { content: `${i}`, tags: [["t", "x"]] }),
  );
  const [reaction, old, foreign] = [
    signEvent(key, { kind: 7 }),
    signEvent(key, { created_at: 10 }),
    signEvent(other, { tags: [["t", "y"]] }),
  ] as [TestEvent, TestEvent, TestEvent];
  await store(clients[0]!, ...events, reaction, old, foreign);
  // Whatever a subscriber gets, it gets in this order.
  const expected = [[...events, reaction, old], events, [...events, foreign], [foreign], [reaction], [old]];
  for (const [i, client] of clients.entries()) {
    for (const event of expected[i % filters.length]!) assertEquals(await nextEvent(client, "sub"), event);
  }
  for (const client of clients) assertEquals(client.inbox, []);
  await closeAll(clients);
});

Deno.test("live events of one publisher arrive in the order of publishing", async () => {
  const key = freshKey();
  const [publisher, ...listeners] = await connectMany(5);
  for (const client of listeners) {
    client.send(["REQ", "sub", { authors: [key.pubkey] }]);
    await untilEose(client, "sub");
  }
  const events = Array.from(
    { length: 1_000 },
    (_, i) => signEvent(key, { content: `${i}`, created_at: 1_000 + i % 7 }),
  );
  await store(publisher!, ...events);
  for (const client of listeners) {
    const last = events.at(-1)!;
    assertEquals([...await eventsUntil(client, "sub", last), last], events);
  }
  await closeAll([publisher!, ...listeners]);
});

Deno.test("a REQ amid publishing gets every event once, stored or live", async () => {
  const prng = seededPrng("hand-over from stored to live");
  const keys = [freshKey(), freshKey()];
  const authors = keys.map(({ pubkey }) => pubkey);
  const [publisher, second, ...listeners] = await connectMany(18);
  const event = (i: number) =>
    signEvent(prng.pick(keys), { content: `${i}`, created_at: 5_000 + i % 40, kind: 1 + i % 2 });
  // More than a gateway answers itself: the stored part of some goes on at a reader, amid the publishing.
  const before = Array.from({ length: 2_600 }, (_, i) => event(i));
  const during = Array.from({ length: 1_800 }, (_, i) => event(10_000 + i));
  await store(publisher!, ...before.slice(0, 1_500));
  await store(publisher!, ...before.slice(1_500));
  const filterSets: TestFilter[][] = [
    [{ authors, limit: 5_000 }],
    [{ authors, kinds: [1], limit: 5_000 }, { authors, kinds: [2], limit: 5_000 }],
    [{ authors: [authors[0]], limit: 5_000 }, { authors, limit: 5_000 }],
    [{ authors, since: 5_000, until: 5_039, limit: 5_000 }],
  ];
  const acknowledged = during.map(() => Promise.withResolvers<void>());
  const published = during.map(async (item, i) => {
    // One by one with the acknowledgements, so that publishing lasts as long as the subscribing.
    const client = i % 2 ? publisher! : second!;
    if (i >= 100) await acknowledged[i - 100]!.promise;
    const ok = await client.publish(item, 60_000);
    acknowledged[i]!.resolve();
    assertEquals(ok[2], true);
  });
  for (const [i, client] of listeners.entries()) {
    const at = prng.int(i * 100, i * 100 + 99);
    await acknowledged[at]!.promise;
    client.send(["REQ", "sub", ...filterSets[i % filterSets.length]!]);
  }
  await Promise.all(published);
  const fence = signEvent(keys[0]!, { content: "fence", created_at: 5_001 });
  await store(publisher!, fence);
  const expected = [...before, ...during].map(({ id }) => id).toSorted();
  for (const [i, client] of listeners.entries()) {
    await client.next((message) => message[0] === "EOSE");
    const ids = (await eventsUntil(client, "sub", fence)).map(({ id }) => id);
    assertEquals(new Set(ids).size, ids.length, `subscriber ${i} got an event twice (SEED=${prng.seed})`);
    assertEquals(ids.length, expected.length, `subscriber ${i} (SEED=${prng.seed})`);
    assertEquals(ids.toSorted(), expected);
  }
  await closeAll([publisher!, second!, ...listeners]);
});

Deno.test("subscriptions that come and go amid publishing miss nothing while they are open", async () => {
  const key = freshKey();
  const [publisher, client] = await connectMany(2) as [TestClient, TestClient];
  const authors = [key.pubkey];
  const seen: string[] = [];
  let last = 0;
  for (let round = 0; round < 40; round++) {
    const event = signEvent(key, { content: `${round}`, created_at: 1_000 + round });
    // The event is published first here, last there: it must come stored or live.
    if (round % 2) client.send(["REQ", `round ${round}`, { authors, since: 1_000 + round }]);
    publisher.send(["EVENT", event]);
    if (round % 2 === 0) client.send(["REQ", `round ${round}`, { authors, since: 1_000 + round }]);
    const received = await nextEvent(client, `round ${round}`);
    seen.push(received.content);
    assertEquals(received, event);
    client.send(["CLOSE", `round ${round}`]);
    last = round;
  }
  assertEquals(seen.length, last + 1);
  // A later round's event may overtake the CLOSE, which goes over another connection; its own event comes once.
  const wrong = client.inbox.filter(([verb, id, event]) =>
    verb === "CLOSED" || (verb === "EVENT" && id === `round ${(event as { content: string }).content}`)
  );
  assertEquals(wrong, []);
  await closeAll([publisher, client]);
});

Deno.test("two hundred subscriptions of one connection get a matching event once each", async () => {
  const key = freshKey();
  const [publisher, client] = await connectMany(2) as [TestClient, TestClient];
  const ids = Array.from({ length: 200 }, (_, i) => `sub ${i}`);
  for (const [i, id] of ids.entries()) {
    client.send(["REQ", id, i % 2 ? { authors: [key.pubkey] } : { "#t": [`${i}`, "all"], limit: 1 }]);
  }
  for (const id of ids) await client.next((message) => message[0] === "EOSE" && message[1] === id);
  const event = signEvent(key, { tags: [["t", "all"], ["t", "2"]] });
  await store(publisher, event);
  for (const id of ids) assertEquals(await nextEvent(client, id), event);
  assertEquals(client.inbox, []);
  await closeAll([publisher, client]);
});
