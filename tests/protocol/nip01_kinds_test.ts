/**
 * NIP-01 from outside: what a kind says about storage. Regular events stay, replaceable and addressable ones
 * replace each other, ephemeral ones are only passed on.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { freshKey, idsOf, nextEvent, nowSeconds, sharedRelay, store, untilEose } from "./shared_relay.ts";

const relay = await sharedRelay({ PRIVATE_KINDS: "none" });

/** Signs events that differ in their content only, and returns them by rising id. */
function signTies(key: TestKey, kind: number, tags: string[][] = [], count = 3): TestEvent[] {
  return Array.from(
    { length: count },
    (_, i) => signEvent(key, { kind, tags, created_at: 10_000, content: `tie ${i}` }),
  ).sort((a, b) => a.id < b.id ? -1 : 1);
}

/** Publishes an event that must lose against the one that is stored. */
async function refusedAsOlder(client: TestClient, event: TestEvent): Promise<void> {
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], /^duplicate: \S/);
}

Deno.test("regular kinds stay beside each other", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  for (const kind of [1, 2, 4, 44, 1_000, 9_999, 40_000, 65_535]) {
    const events = signTies(key, kind, [["d", "same"]]);
    await store(client, ...events);
    assertEquals(await idsOf(client, { authors: [key.pubkey], kinds: [kind] }), events.map(({ id }) => id));
  }
});

Deno.test("of a replaceable kind the newest event of an author remains", async () => {
  await using client = await connect(relay.url);
  const [key, other] = [freshKey(), freshKey()];
  for (const kind of [0, 3, 10_000, 10_002, 19_999]) {
    const [first, second, third] = [1_000, 2_000, 3_000].map((created_at) =>
      signEvent(key, { kind, created_at, tags: [["d", String(created_at)]] })
    ) as [TestEvent, TestEvent, TestEvent];
    const foreign = signEvent(other, { kind, created_at: 1 });
    await store(client, second, foreign);
    await refusedAsOlder(client, first);
    assertEquals(await idsOf(client, { kinds: [kind], authors: [key.pubkey] }), [second.id], `kind ${kind}`);
    await store(client, third);
    assertEquals(await idsOf(client, { ids: [first.id, second.id, third.id] }), [third.id]);
    await refusedAsOlder(client, second);
    assertEquals(await idsOf(client, { kinds: [kind], authors: [key.pubkey, other.pubkey] }), [
      third.id,
      foreign.id,
    ]);
  }
});

Deno.test("of an addressable kind the newest event of an author and d value remains", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  for (const kind of [30_000, 30_023, 39_999]) {
    const at = (created_at: number, d: string) =>
      signEvent(key, { kind, created_at, tags: [["t", "x"], ["d", d]] });
    const [old, fresh, other, prefix, upper] = [
      at(1, "a"),
      at(2, "a"),
      at(1, "b"),
      at(1, "a:"),
      at(1, "A"),
    ] as const;
    await store(client, old, other, prefix, upper, fresh);
    await refusedAsOlder(client, old);
    assertEquals(
      (await idsOf(client, { kinds: [kind], authors: [key.pubkey] })).toSorted(),
      [fresh, other, prefix, upper].map(({ id }) => id).toSorted(),
    );
    assertEquals(await idsOf(client, { kinds: [kind], "#d": ["a"] }), [fresh.id]);
  }
});

Deno.test("the first d tag counts, and no d tag is the same as an empty one", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const at = (created_at: number, tags: string[][]) => signEvent(key, { kind: 30_001, created_at, tags });
  const empties = [
    at(1, []),
    at(2, [["d", ""]]),
    at(3, [["d"]]),
    at(4, [["d", "", "x"]]),
    at(5, [["D", "x"]]),
  ];
  for (const event of empties) {
    await store(client, event);
    assertEquals(await idsOf(client, { authors: [key.pubkey] }), [event.id]);
  }
  const firsts = [at(1, [["d", "one"], ["d", "two"]]), at(1, [["d", "two"], ["d", "one"]])];
  await store(client, ...firsts);
  assertEquals((await idsOf(client, { authors: [key.pubkey], until: 4 })).length, 2);
});

Deno.test("of two replaceable events of one second the lowest id wins, in whatever order they come", async () => {
  await using client = await connect(relay.url);
  for (const [kind, tags] of [[0, []], [10_000, []], [30_000, [["d", "tie"]]]] as const) {
    for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]]) {
      const key = freshKey();
      const ties = signTies(key, kind, tags as unknown as string[][]);
      let lowest = Infinity;
      for (const i of order) {
        if (i < lowest) await store(client, ties[i]!);
        else await refusedAsOlder(client, ties[i]!);
        lowest = Math.min(lowest, i);
      }
      assertEquals(await idsOf(client, { authors: [key.pubkey] }), [ties[0]!.id]);
    }
  }
});

Deno.test("many versions from many connections at once leave the one that wins", async () => {
  const clients = await Promise.all(Array.from({ length: 5 }, () => connect(relay.url)));
  const key = freshKey();
  const versions = Array.from(
    { length: 250 },
    (_, i) => signEvent(key, { kind: 30_000, created_at: 100 + i % 50, tags: [["d", "x"]], content: `${i}` }),
  );
  await Promise.all(versions.map((event, i) => clients[i % 5]!.publish(event)));
  const winner = versions.filter((event) => event.created_at === 149).sort((a, b) =>
    a.id < b.id ? -1 : 1
  )[0]!;
  assertEquals(await idsOf(clients[0]!, { authors: [key.pubkey] }), [winner.id]);
  await Promise.all(clients.map((client) => client.close()));
});

Deno.test("a version that replaces another is delivered live, one that loses is not", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  client.send(["REQ", "live", { authors: [key.pubkey] }]);
  await untilEose(client, "live");
  const [first, older, second] = [2, 1, 3].map((created_at) => signEvent(key, { kind: 0, created_at })) as [
    TestEvent,
    TestEvent,
    TestEvent,
  ];
  await store(client, first);
  await refusedAsOlder(client, older);
  await store(client, second);
  assertEquals(await nextEvent(client, "live"), first);
  assertEquals(await nextEvent(client, "live"), second);
  assertEquals(client.inbox, []);
});

Deno.test("ephemeral events are delivered live and never stored", async () => {
  await using client = await connect(relay.url);
  await using listener = await connect(relay.url);
  const key = freshKey();
  listener.send(["REQ", "all", { authors: [key.pubkey] }]);
  await untilEose(listener, "all");
  for (const kind of [20_000, 24_133, 29_999]) {
    listener.send(["REQ", "kind", { kinds: [kind], "#t": ["x"], since: nowSeconds() - 60 }]);
    await untilEose(listener, "kind");
    const event = signEvent(key, { kind, tags: [["t", "x"]] });
    await store(client, event);
    assertEquals(await nextEvent(listener, "all"), event);
    assertEquals(await nextEvent(listener, "kind"), event);
    assertEquals(await idsOf(client, { authors: [key.pubkey] }, { ids: [event.id] }, { kinds: [kind] }), []);
    client.send(["COUNT", "count", { ids: [event.id] }]);
    assertEquals(await client.nextOfType("COUNT"), ["COUNT", "count", { count: 0 }]);
  }
});

Deno.test("ephemeral events have no address: two of one kind do not replace each other", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  client.send(["REQ", "live", { authors: [key.pubkey] }]);
  await untilEose(client, "live");
  const events = [3, 2, 1].map((content) =>
    signEvent(key, {
      kind: 20_001,
      created_at: nowSeconds() - content,
      tags: [["d", "x"]],
      content: `${content}`,
    })
  ).reverse();
  await store(client, ...events);
  for (const event of events) assertEquals(await nextEvent(client, "live"), event);
});

Deno.test("a version that was replaced cannot come back, and its address is free for newer ones", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const [first, second, third] = [1, 2, 3].map((created_at) =>
    signEvent(key, { kind: 30_000, created_at, tags: [["d", "x"]] })
  ) as [TestEvent, TestEvent, TestEvent];
  await store(client, first, second);
  await refusedAsOlder(client, first);
  assertEquals((await client.publish(second))[2], true);
  await store(client, third);
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), [third.id]);
});
