/**
 * NIP-77 from outside: a client learns by negentropy which events it has and which it needs, for any filter.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Initiator } from "../../lib/negentropy/initiator.ts";
import { SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { crash } from "../pipeline/traffic.ts";
import { installNostrSdk, syncWithNostrSdk } from "../support/nostr_sdk.ts";
import { seededPrng } from "../support/prng.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { call } from "./management.ts";
import { freshKey, idsOf, sharedRelay, store } from "./shared_relay.ts";

const EVENTS_MAX = 4_500;
const relay = await sharedRelay({ NEGENTROPY_EVENTS_MAX: String(EVENTS_MAX), READER_WORKERS: "2" });
/** What `61` alone says: nothing. A party that has nothing asks for everything by it and an empty list. */
const VERSION = "61";
/** A whole message: up to infinity a list of no ids. */
const NOTHING = `${VERSION}00000200`;

let lastSession = 0;

function storageOf(events: readonly TestEvent[]) {
  const builder = new SortedVectorBuilder();
  for (const { created_at, id } of events) builder.addHex(created_at, id);
  return builder.build();
}

/** Takes the next message of a session, on which other traffic has no influence. */
function nextOf(client: TestClient, session: string) {
  return client.next((message) => `${message[0]}`.startsWith("NEG-") && message[1] === session, 60_000);
}

/** Compares `ours` with what the relay has of a filter, to the end. */
async function compare(client: TestClient, filter: TestFilter, ours: readonly TestEvent[]) {
  const session = `session ${++lastSession}`;
  const initiator = new Initiator(storageOf(ours));
  const have: string[] = [];
  const need: string[] = [];
  client.send(["NEG-OPEN", session, filter, initiator.initiate().toHex()]);
  for (let rounds = 1;; rounds++) {
    const answer = await nextOf(client, session);
    assertEquals([answer[0], answer.length], ["NEG-MSG", 3], JSON.stringify(answer).slice(0, 300));
    const findings = initiator.receive(Uint8Array.fromHex(answer[2] as string));
    have.push(...findings.have);
    need.push(...findings.need);
    if (findings.message === null) {
      client.send(["NEG-CLOSE", session]);
      return { have: have.sort(), need: need.sort(), rounds };
    }
    client.send(["NEG-MSG", session, findings.message.toHex()]);
  }
}

/** Opens a session and takes its first answer. */
async function open(client: TestClient, session: string, filter: unknown, message: unknown = NOTHING) {
  client.send(["NEG-OPEN", session, filter, message]);
  return await nextOf(client, session);
}

Deno.test("a session tells exactly what either side lacks, whatever the filter", async () => {
  await using client = await connect(relay.url, { timeoutMs: 60_000 });
  const prng = seededPrng("negentropy over sockets");
  const keys = [freshKey(), freshKey()];
  const events = Array.from({ length: 3_000 }, (_, i) =>
    signEvent(prng.pick(keys), {
      kind: prng.pick([1, 7]),
      created_at: prng.int(1_000, 2_000),
      tags: [["t", prng.pick(["a", "b", "c"])]],
      content: `${i}`,
    }));
  // Some only we have, some only the relay, most both.
  const fates = events.map(() => prng.pick(["both", "both", "both", "both", "ours", "theirs"]));
  const stored = events.filter((_, i) => fates[i] !== "ours");
  for (let at = 0; at < stored.length; at += 1_500) await store(client, ...stored.slice(at, at + 1_500));
  const authors = keys.map(({ pubkey }) => pubkey);
  const cases: [TestFilter, (event: TestEvent) => boolean][] = [
    [{ authors }, () => true],
    [{ authors: [keys[0]!.pubkey] }, ({ pubkey }) => pubkey === keys[0]!.pubkey],
    [{ authors, kinds: [7] }, ({ kind }) => kind === 7],
    [{ authors, "#t": ["a", "b"] }, ({ tags }) => tags[0]![1] !== "c"],
    [
      { authors, since: 1_200, until: 1_300 },
      (event) => event.created_at >= 1_200 && event.created_at <= 1_300,
    ],
    [{ authors, since: 5_000 }, () => false],
    [{ authors, kinds: [] }, () => false],
  ];
  const sessions = cases.map(async ([filter, matches]) => {
    const of = (fate: string) =>
      events.filter((event, i) => matches(event) && fates[i] === fate).map(({ id }) => id).sort();
    const ours = events.filter((event, i) => matches(event) && fates[i] !== "theirs");
    const { have, need } = await compare(client, filter, ours);
    assertEquals({ have, need }, { have: of("ours"), need: of("theirs") }, `SEED=${prng.seed}`);
  });
  await Promise.all(sessions);
});

Deno.test("a set that is the same is settled in one round, and one that is empty learns everything", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const filter = { authors: [key.pubkey] };
  const events = Array.from(
    { length: 500 },
    (_, i) => signEvent(key, { created_at: 1_000 + (i >> 2), content: `${i}` }),
  );
  await store(client, ...events);
  assertEquals(await compare(client, filter, events), { have: [], need: [], rounds: 1 });
  const all = events.map(({ id }) => id).sort();
  assertEquals((await compare(client, filter, [])).need, all);
  const newest = await idsOf(client, { ...filter, limit: 30 });
  assertEquals((await compare(client, { ...filter, limit: 30 }, [])).need, newest.toSorted());
});

Deno.test("long answers come in frames that a client takes", async () => {
  await using client = await connect(relay.url, { timeoutMs: 60_000 });
  const key = freshKey();
  const events = Array.from({ length: 4_400 }, (_, i) => signEvent(key, { created_at: i, content: `${i}` }));
  for (let at = 0; at < events.length; at += 1_500) await store(client, ...events.slice(at, at + 1_500));
  const { need, rounds } = await compare(client, { authors: [key.pubkey] }, []);
  assertEquals(need.length, events.length);
  assert(rounds > 1, "4,400 ids are more than a frame holds");
});

Deno.test("a filter that selects too much is refused with the bound", async () => {
  await using client = await connect(relay.url, { timeoutMs: 60_000 });
  const key = freshKey();
  for (let batch = 0; batch < 3; batch++) {
    await store(
      client,
      ...Array.from({ length: 1_510 }, (_, i) => signEvent(key, { created_at: i, content: `${batch}` })),
    );
  }
  const authors = [key.pubkey];
  const [verb, , reason, bound] = await open(client, "too much", { authors });
  assertEquals([verb, bound], ["NEG-ERR", EVENTS_MAX]);
  assertMatch(reason as string, /^blocked: \S/);
  assertEquals((await open(client, "less", { authors, since: 100 }))[0], "NEG-MSG");
  assertEquals((await open(client, "limited", { authors, limit: EVENTS_MAX }))[0], "NEG-MSG");
  assertEquals((await open(client, "more", { authors, limit: EVENTS_MAX + 1 }))[0], "NEG-ERR");
});

Deno.test("what is no message of the protocol gets NEG-ERR with a prefix, and ends its session", async () => {
  await using client = await connect(relay.url);
  const filter = { authors: [freshKey().pubkey] };
  const cases: unknown[][] = [
    [filter],
    [filter, 1],
    [filter, ""],
    [filter, "6"],
    [filter, "xy"],
    [filter, "5f"],
    [filter, "6100"],
    [filter, "610000ff"],
    [filter, `${VERSION}00000201${"00".repeat(31)}`],
    ["filter", NOTHING],
    [{ ids: ["x"] }, NOTHING],
    [{ unknown: [] }, NOTHING],
    [{ search: "words" }, NOTHING],
  ];
  for (const [i, given] of cases.entries()) {
    client.send(["NEG-OPEN", `wrong ${i}`, ...given]);
    const answer = await nextOf(client, `wrong ${i}`);
    assertEquals([answer[0], answer.length], ["NEG-ERR", 3], JSON.stringify(given));
    assertMatch(answer[2] as string, /^(invalid|unsupported): \S/);
  }
  assertEquals(await open(client, "session", filter), ["NEG-MSG", "session", VERSION + "00000200"]);
  client.send(["NEG-MSG", "session", "6161"]);
  assertMatch((await nextOf(client, "session"))[2] as string, /^invalid: /);
  client.send(["NEG-MSG", "session", NOTHING]);
  assertMatch((await nextOf(client, "session"))[2] as string, /^closed: /);
  for (const id of ["", 5, null, "x".repeat(65)]) {
    client.send(["NEG-OPEN", id, filter, NOTHING]);
    assertMatch((await client.nextOfType("NOTICE"))[1] as string, /^invalid: .*id/);
  }
  client.send(["NEG-CLOSE", "never opened"]);
  assertEquals(await open(client, "session", filter, "62"), ["NEG-MSG", "session", VERSION], "downgrade");
  assertEquals(client.inbox, []);
});

Deno.test("ids of sessions are apart from those of subscriptions, and opening one again closes it first", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const authors = [key.pubkey];
  client.send(["REQ", "same", { authors }]);
  assertEquals(await client.next(), ["EOSE", "same", ["finish"]]);
  assertEquals((await open(client, "same", { authors }))[0], "NEG-MSG");
  const event = signEvent(key);
  await store(client, event);
  assertEquals(await client.next(), ["EVENT", "same", event]);
  // The set stays what it was while a session lasts; the one opened anew sees the event.
  client.send(["NEG-MSG", "same", NOTHING]);
  assertEquals((await nextOf(client, "same"))[2], NOTHING);
  assertMatch((await open(client, "same", { authors }))[2] as string, new RegExp(event.id));
  client.send(["CLOSE", "same"]);
  client.send(["NEG-MSG", "same", NOTHING]);
  assertEquals((await nextOf(client, "same"))[0], "NEG-MSG");
  client.send(["NEG-CLOSE", "same"]);
  client.send(["NEG-MSG", "same", NOTHING]);
  assertEquals((await nextOf(client, "same"))[0], "NEG-ERR");
});

Deno.test("a connection has a bounded number of sessions, and NEG-CLOSE makes room", async () => {
  await using client = await connect(relay.url);
  const filter = { authors: [freshKey().pubkey] };
  for (let i = 0; i < 16; i++) assertEquals((await open(client, `${i}`, filter))[0], "NEG-MSG");
  assertMatch((await open(client, "16", filter))[2] as string, /^blocked: \S/);
  client.send(["NEG-CLOSE", "3"]);
  assertEquals((await open(client, "16", filter))[0], "NEG-MSG");
});

Deno.test("deleted and expired events are no part of a set", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const expiration = Math.floor(Date.now() / 1_000) + 2;
  const [stays, deleted] = [signEvent(key, { created_at: 1 }), signEvent(key, { created_at: 2 })];
  const expires = signEvent(key, { created_at: 3, tags: [["expiration", `${expiration}`]] });
  await store(client, stays, deleted, expires, signEvent(key, { kind: 5, tags: [["e", deleted.id]] }));
  await eventually(() => Date.now() / 1_000 >= expiration, 10_000, "the event expires");
  const { need } = await compare(client, { authors: [key.pubkey], kinds: [1] }, []);
  assertEquals(need, [stays.id]);
});

Deno.test("a session goes on with the reader that follows one that died", async () => {
  await using relay = await startRelay({
    env: { LOG_LEVEL: "error", READER_WORKERS: "1", RESTART_DELAY_MS: "10", DURABILITY: "normal" },
  });
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  const key = freshKey();
  const events = Array.from({ length: 300 }, (_, i) => signEvent(key, { created_at: i }));
  await store(client, ...events);
  const [, , first] = await open(client, "waits", {});
  assertEquals((await open(client, "asks", {}))[2], first);
  // A reader dies at its next piece of work: the message, which its successor then has to answer.
  await crash(relay, "reader");
  client.send(["NEG-MSG", "asks", NOTHING]);
  assertEquals(await nextOf(client, "asks"), ["NEG-MSG", "asks", first]);
  client.send(["NEG-MSG", "waits", NOTHING]);
  assertEquals(await nextOf(client, "waits"), ["NEG-MSG", "waits", first]);
  assertMatch(relay.output(), /reader 0 died/);
});

Deno.test("a relay that starts again reconciles on a new connection", async () => {
  await using relay = await startRelay({ env: { LOG_LEVEL: "error" } });
  const key = freshKey();
  const events = Array.from({ length: 100 }, (_, i) => signEvent(key, { created_at: i }));
  {
    await using client = await connect(relay.url);
    await store(client, ...events);
    assertEquals((await open(client, "open", {}))[0], "NEG-MSG");
    await relay.restart();
  }
  await using client = await connect(relay.url);
  assertEquals((await compare(client, {}, events.slice(0, 60))).need.length, 40);
});

Deno.test({
  name: "rust-nostr's client syncs with the relay, both ways",
  ignore: !await installNostrSdk(),
  async fn() {
    await using client = await connect(relay.url);
    const key = freshKey();
    const filter = { authors: [key.pubkey] };
    const events = Array.from(
      { length: 700 },
      (_, i) => signEvent(key, { created_at: 1_700_000_000 + (i >> 1), content: `${i}` }),
    );
    const all = events.map(({ id }) => id).sort();
    await store(client, ...events.slice(0, 600));
    const { held, summary } = await syncWithNostrSdk(relay.url, filter, events.slice(500));
    assertEquals(held, all, summary);
    const found = await idsOf(client, { ...filter, limit: 1_000 });
    assertEquals(found.toSorted(), all, summary);
    const again = await syncWithNostrSdk(relay.url, filter, events);
    assertEquals(again.held, all, again.summary);
  },
});

Deno.test("the set of all events, once the relay keeps it, is what a scan would find", async (t) => {
  const admin = testKey(77);
  await using relay = await startRelay({
    env: { LOG_LEVEL: "info", RELAY_ADMINS: admin.pubkey, READER_WORKERS: "2", DURABILITY: "normal" },
  });
  await using client = await connect(relay.url, { timeoutMs: 60_000 });
  const [key, other] = [freshKey(), freshKey()];
  const events = Array.from(
    { length: 600 },
    (_, i) => signEvent(key, { created_at: 1_000 + (i >> 1), content: `${i}` }),
  );
  await store(client, ...events);
  await relay.restart();
  await eventually(
    () => /keeps the set of all 600 public events/.test(relay.output()),
    30_000,
    "the relay has read all events",
  );
  await using again = await connect(relay.url, { timeoutMs: 60_000 });
  const expected = new Set(events.map(({ id }) => id));
  // A filter that says the same as {} and is answered by a scan is the oracle.
  const everything = { since: 0, limit: 900_000 };
  const agrees = async (filter: TestFilter = {}) => {
    const { need } = await compare(again, filter, []);
    assertEquals(need, (await compare(again, { ...everything, ...filter }, [])).need);
    return need;
  };
  await t.step("after a start", async () => {
    assertEquals(await agrees(), [...expected].sort());
    assertEquals((await agrees({ since: 1_100, until: 1_149 })).length, 100);
    assertEquals(await agrees({ since: 5_000, until: 5_001 }), []);
    assertEquals(await compare(again, {}, events), { have: [], need: [], rounds: 1 });
    assertEquals((await compare(again, { limit: 10 }, [])).need.length, 10, "a limit of the client's own");
  });
  await t.step("after additions, replacements and deletions", async () => {
    const profiles = [1, 2].map((i) => signEvent(key, { kind: 0, created_at: 2_000 + i, content: "{}" }));
    const fresh = signEvent(other, { created_at: 3_000 });
    const deletion = signEvent(key, { kind: 5, created_at: 3_001, tags: [["e", events[0]!.id]] });
    await store(again, ...profiles, fresh, deletion);
    expected.delete(events[0]!.id);
    for (const { id } of [profiles[1]!, fresh, deletion]) expected.add(id);
    assertEquals(await agrees(), [...expected].sort());
  });
  await t.step("without what is private, or has expired", async () => {
    const soon = Math.floor(Date.now() / 1_000) + 6;
    const wrap = signEvent(other, { kind: 1_059, created_at: 3_002, tags: [["p", key.pubkey]] });
    const expiring = signEvent(other, { created_at: 3_003, tags: [["expiration", `${soon}`]] });
    await store(again, wrap, expiring);
    await eventually(() => Date.now() / 1_000 >= soon, 20_000, "the event expires");
    assertEquals(await agrees(), [...expected].sort());
  });
  await t.step("without what the operator bans", async () => {
    await call(relay.httpUrl, admin, "banpubkey", other.pubkey);
    await call(relay.httpUrl, admin, "banevent", events[1]!.id);
    assert((await compare(again, {}, [])).need.includes(events[2]!.id));
    await eventually(async () => (await agrees()).length === expected.size - 2, 10_000, "the bans hold");
    await call(relay.httpUrl, admin, "unbanpubkey", other.pubkey);
    await eventually(async () => (await agrees()).length === expected.size - 1, 10_000, "and are taken back");
  });
  await t.step("without who vanishes, from the answer on", async () => {
    await store(again, signEvent(key, { kind: 62, created_at: 4_000, tags: [["relay", "ALL_RELAYS"]] }));
    const left = await agrees();
    assertEquals(left.filter((id) => events.some((event) => event.id === id)), []);
  });
  await relay.stop();
});
