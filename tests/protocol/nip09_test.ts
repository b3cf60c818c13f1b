/**
 * NIP-09 from outside: a kind 5 removes the author's own events, keeps them away, and stays.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { freshKey, idsOf, nextEvent, sharedRelay, store, untilEose } from "./shared_relay.ts";

const relay = await sharedRelay({ PRIVATE_KINDS: "none" });

function deletion(key: TestKey, created_at: number, ...tags: string[][]): TestEvent {
  return signEvent(key, { kind: 5, created_at, tags, content: "published by mistake" });
}

function addressable(key: TestKey, created_at: number, d: string, kind = 30_023): TestEvent {
  return signEvent(key, { kind, created_at, tags: [["d", d]] });
}

async function refusedAsDeleted(client: TestClient, event: TestEvent): Promise<void> {
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], /^blocked: \S/);
}

Deno.test("a deletion by e removes the author's events, and only those that it names", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const events = [1, 2, 3, 4].map((created_at) =>
    signEvent(key, { created_at, kind: created_at, tags: [["t", "x"]] })
  );
  const [first, second, third, fourth] = events as [TestEvent, TestEvent, TestEvent, TestEvent];
  await store(client, ...events);
  const request = deletion(key, 10, ["e", first.id], ["k", "1"], ["e", third.id, "wss://a"]);
  await store(client, request);
  const left = [request.id, fourth.id, second.id];
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), left);
  assertEquals(await idsOf(client, { ids: [first.id, third.id] }), []);
  assertEquals(await idsOf(client, { "#t": ["x"], authors: [key.pubkey] }), left.slice(1));
  assertEquals(await idsOf(client, { kinds: [1], authors: [key.pubkey] }), []);
  client.send(["COUNT", "count", { authors: [key.pubkey] }]);
  assertEquals(await client.nextOfType("COUNT"), ["COUNT", "count", { count: 3 }]);
});

Deno.test("events of others stay, whatever a deletion names", async () => {
  await using client = await connect(relay.url);
  const [author, attacker] = [freshKey(), freshKey()];
  const note = signEvent(author);
  const article = addressable(author, 100, "article");
  const profile = signEvent(author, { kind: 0, created_at: 100 });
  await store(client, note, article, profile);
  await store(
    client,
    deletion(attacker, 200, ["e", note.id], ["e", article.id], ["e", profile.id]),
    deletion(attacker, 201, ["a", `30023:${author.pubkey}:article`], ["a", `0:${author.pubkey}:`]),
    deletion(attacker, 202, ["p", author.pubkey], ["e", note.id, "", author.pubkey]),
  );
  const all = [note, article, profile].map(({ id }) => id).toSorted();
  assertEquals((await idsOf(client, { authors: [author.pubkey] })).toSorted(), all);
  const late = signEvent(author, { content: "not yet here" });
  await store(client, deletion(attacker, 203, ["e", late.id]));
  await store(client, late);
});

Deno.test("an event that was deleted cannot be added again, from any connection", async () => {
  await using client = await connect(relay.url);
  await using other = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key);
  await store(client, event);
  await store(client, deletion(key, 1, ["e", event.id]));
  for (const again of [client, other]) await refusedAsDeleted(again, event);
  assertEquals(await idsOf(client, { ids: [event.id] }), []);
});

Deno.test("a deletion that comes before its event keeps the event away", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const note = signEvent(key);
  const article = addressable(key, 100, "early");
  await store(client, deletion(key, 200, ["e", note.id], ["a", `30023:${key.pubkey}:early`]));
  await refusedAsDeleted(client, note);
  await refusedAsDeleted(client, article);
  await store(client, signEvent(key, { content: "another" }));
});

Deno.test("a deletion by a removes the versions up to its own time, and no later ones", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const address = `30023:${key.pubkey}:post`;
  const [old, same, newer] = [100, 200, 201].map((created_at) => addressable(key, created_at, "post")) as [
    TestEvent,
    TestEvent,
    TestEvent,
  ];
  const [other, otherKind] = [addressable(key, 100, "post2"), addressable(key, 100, "post", 30_024)];
  await store(client, old, other, otherKind);
  const request = deletion(key, 200, ["a", address]);
  await store(client, request);
  const others = [other.id, otherKind.id].toSorted();
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), [request.id, ...others]);
  await refusedAsDeleted(client, old);
  await refusedAsDeleted(client, same);
  await store(client, newer);
  assertEquals(await idsOf(client, { authors: [key.pubkey], "#d": ["post"], kinds: [30_023] }), [newer.id]);
  await store(client, deletion(key, 150, ["a", address]));
  assertEquals(await idsOf(client, { ids: [newer.id] }), [newer.id]);
});

Deno.test("a deletion by a knows replaceable kinds, d values with colons, and empty ones", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const profile = signEvent(key, { kind: 0, created_at: 100, tags: [["d", "ignored"]] });
  const relays = signEvent(key, { kind: 10_002, created_at: 100 });
  const colons = addressable(key, 100, "https://a.example:8000/x");
  const empty = signEvent(key, { kind: 30_023, created_at: 100 });
  const events = [profile, relays, colons, empty];
  await store(client, ...events);
  const request = deletion(
    key,
    100,
    ["a", `0:${key.pubkey}:`],
    ["a", `10002:${key.pubkey}:`],
    ["a", `30023:${key.pubkey}:https://a.example:8000/x`],
    ["a", `30023:${key.pubkey}:`],
  );
  await store(client, request);
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), [request.id]);
  for (const event of events) await refusedAsDeleted(client, event);
});

Deno.test("a deletion request stays: it is served, and a deletion of it has no effect", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key, { created_at: 1 });
  await store(client, event);
  const request = deletion(key, 10, ["e", event.id]);
  await store(client, request);
  const second = deletion(key, 20, ["e", request.id], ["k", "5"]);
  await store(client, second);
  assertEquals(await idsOf(client, { authors: [key.pubkey], kinds: [5] }), [second.id, request.id]);
  assertEquals(await idsOf(client, { kinds: [5], "#e": [event.id] }), [request.id]);
  await refusedAsDeleted(client, event);
  const early = deletion(key, 30, ["e", event.id]);
  await store(client, deletion(key, 31, ["e", early.id]));
  await store(client, early);
});

Deno.test("a deletion request is delivered live, so that other relays and clients hear of it", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key);
  await store(client, event);
  client.send(["REQ", "live", { kinds: [5], "#e": [event.id] }]);
  await untilEose(client, "live");
  const request = deletion(key, 5, ["e", event.id]);
  await store(client, request);
  assertEquals(await nextEvent(client, "live"), request);
});

Deno.test("what a deletion names wrongly is ignored, and what it names rightly beside it is not", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key, { created_at: 1 });
  const article = addressable(key, 1, "x");
  await store(client, event, article);
  const request = deletion(
    key,
    10,
    ["e"],
    ["e", ""],
    ["e", "not hex"],
    ["e", article.id.toUpperCase()],
    ["a"],
    ["a", ""],
    ["a", "30023"],
    ["a", `30023:${key.pubkey}`],
    ["a", `:${key.pubkey}:x`],
    ["a", `030023:${key.pubkey}:x`],
    ["a", `1:${key.pubkey}:x`],
    ["E", article.id],
    ["x", event.id],
    ["e", event.id, "a relay"],
  );
  await store(client, request);
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), [request.id, article.id]);
});

Deno.test("a deletion with hundreds of targets removes them all, those of others apart", async () => {
  await using client = await connect(relay.url);
  const [key, other] = [freshKey(), freshKey()];
  const own = Array.from({ length: 300 }, (_, i) => signEvent(key, { content: `${i}` }));
  const foreign = Array.from({ length: 300 }, (_, i) => signEvent(other, { content: `${i}` }));
  await store(client, ...own, ...foreign);
  const request = deletion(key, 1, ...[...own, ...foreign].map(({ id }) => ["e", id]));
  await store(client, request);
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), [request.id]);
  assertEquals((await idsOf(client, { authors: [other.pubkey] })).length, 300);
});

Deno.test("deletions hold after a restart", async () => {
  await using own = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key, { created_at: 1 });
  await store(own, event);
  const request = deletion(key, 2, ["e", event.id]);
  await store(own, request);
  await relay.restart();
  await own.closed;
  await using client = await connect(relay.url);
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), [request.id]);
  await refusedAsDeleted(client, event);
});
