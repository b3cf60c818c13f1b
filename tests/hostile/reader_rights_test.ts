/**
 * Whoever may not read an event does not see its shadow: limits, counts, pages, hints, comparisons and searches are what
 * they would be if it had never been stored. Private kinds, bans, authors who vanished and expired events alike.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Initiator } from "../../lib/negentropy/initiator.ts";
import { SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import { connectAs, RELAY_URL } from "../protocol/auth.ts";
import { authorization, headerOf, post } from "../protocol/management.ts";
import { searchBackends } from "../protocol/search_backends.ts";
import { freshKey, idsOf, sharedRelay, store } from "../protocol/shared_relay.ts";
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import type { PlainEvent, PlainFilter } from "../support/naive_matcher.ts";
import { type Prng, seededPrng } from "../support/prng.ts";
import { signEvent, type TestEvent, type TestKey, testKey } from "../support/sign.ts";
import { countOf, matching, pageOf, registersOf, searchOf } from "./rights_model.ts";

const LIMITS = { limitMax: 40, limitDefault: 15 };
const admin = testKey(312);
const ENV = { RELAY_URL, RELAY_ADMINS: admin.pubkey, READER_WORKERS: "2", FLUSH_INTERVAL_MS: "50" };
const relay = await sharedRelay({
  ...ENV,
  MAX_LIMIT: String(LIMITS.limitMax),
  DEFAULT_LIMIT: String(LIMITS.limitDefault),
});
const wide = await sharedRelay(ENV);
const PRIVATE = [4, 14, 1059];
const anonymous = freshKey();
let wraps = 0;
let asked = 0;

async function manage(httpUrl: string, method: string, param: string): Promise<void> {
  const body = JSON.stringify({ method, params: [param] });
  const url = RELAY_URL.replace(/^ws/, "http");
  const reply = await post(httpUrl, body, headerOf(authorization(admin, url, body)));
  assertEquals(reply.body, { result: true });
}

/** A gift wrap by a key that nobody knows: one for all, since a key takes long to make. */
function wrap(recipient: TestKey, created_at: number): TestEvent {
  const tags = [["p", recipient.pubkey]];
  return signEvent(anonymous, { kind: 1059, tags, created_at, content: `${++wraps}` });
}

async function count(client: TestClient, ...filters: TestFilter[]): Promise<unknown> {
  const id = `count ${++asked}`;
  client.send(["COUNT", id, ...filters]);
  return (await client.next((message) => message[1] === id))[2];
}

/** The ids that a comparison finds for a client that has nothing; null: it was refused. */
async function compared(client: TestClient, filter: TestFilter): Promise<string[]> {
  const id = `compare ${++asked}`;
  const initiator = new Initiator(new SortedVectorBuilder().build());
  const need: string[] = [];
  let message: Uint8Array | null = initiator.initiate();
  client.send(["NEG-OPEN", id, filter, message.toHex()]);
  while (true) {
    const answer = await client.next(({ 0: verb, 1: of }) => `${verb}`.startsWith("NEG-") && of === id);
    assertEquals(answer[0], "NEG-MSG", JSON.stringify(answer));
    const findings = initiator.receive(Uint8Array.fromHex(answer[2] as string));
    need.push(...findings.need);
    message = findings.message;
    if (message === null) break;
    client.send(["NEG-MSG", id, message.toHex()]);
  }
  client.send(["NEG-CLOSE", id]);
  return need.sort();
}

Deno.test("a limit counts what the reader may read: private events do not use it up", async () => {
  const [author, recipient] = [freshKey(), freshKey()];
  await using client = await connect(relay.url);
  const p = [["p", recipient.pubkey]];
  const notes = Array.from({ length: 20 }, (_, i) => signEvent(author, { created_at: 1_000 - i, tags: p }));
  const wraps = Array.from({ length: 30 }, (_, i) => wrap(recipient, 2_000 + i));
  const letters = [1, 2, 3].map((i) => signEvent(author, { kind: 4, tags: p, created_at: 3_000 + i }));
  await store(client, ...notes, ...wraps, ...letters);
  const newest = notes.slice(0, 10).map(({ id }) => id);
  for (const filter of [{ "#p": [recipient.pubkey] }, { authors: [author.pubkey] }]) {
    const { events, eose } = await client.query({ ...filter, limit: 10 });
    assertEquals([events.map(({ id }) => id), eose?.[2]], [newest, ["more"]], JSON.stringify(filter));
    assertEquals(await count(client, filter), { count: 20 });
    assertEquals(await compared(client, { ...filter, limit: 10 }), newest.toSorted());
  }
  const oldest = { "#p": [recipient.pubkey], until: 985, limit: 5 };
  assertEquals((await client.query(oldest)).eose?.[2], ["finish"]);
});

Deno.test("after a ban of who wrote the newest notes pages are full, and end where the notes do", async () => {
  const [writer, spammer] = [freshKey(), freshKey()];
  await using client = await connect(wide.url, { timeoutMs: 30_000 });
  const notes = Array.from({ length: 150 }, (_, i) => signEvent(writer, { created_at: 10_000 - i }));
  const spam = Array.from({ length: 200 }, (_, i) => signEvent(spammer, { created_at: 20_000 + i }));
  await store(client, ...notes, ...spam);
  await manage(wide.httpUrl, "banpubkey", spammer.pubkey);
  for (const filter of [{ kinds: [1] }, { authors: [spammer.pubkey, writer.pubkey], kinds: [1] }]) {
    const first = await client.query({ ...filter, limit: 100 });
    assertEquals(first.events.map(({ id }) => id), notes.slice(0, 100).map(({ id }) => id));
    assertEquals(first.eose?.[2], ["more"]);
    const rest = await client.query({ ...filter, limit: 100, until: first.events.at(-1)!.created_at - 1 });
    assertEquals(rest.events.map(({ id }) => id), notes.slice(100).map(({ id }) => id));
    assertEquals(rest.eose?.[2], ["finish"]);
  }
});

Deno.test("nobody finds the second of a gift wrap: by no limit, no hint, no count, however many lie there", async () => {
  const [mallory, victim] = [freshKey(), freshKey()];
  await using client = await connect(wide.url, { timeoutMs: 60_000 });
  const p = ["p", victim.pubkey];
  // Rows that the attacker placed, just as many as a look for more events might be bounded by.
  const placed = Array.from(
    { length: 260 },
    (_, i) => signEvent(mallory, { kind: 7, created_at: 5_000 - i, tags: [p, ["t", "no"]] }),
  );
  const bait = [6_000, 4_000].map((created_at) =>
    signEvent(mallory, { created_at, tags: [p, ["t", "yes"]] })
  );
  await store(client, ...placed, ...bait);
  const filters: TestFilter[] = [1, 2, 3, 10].flatMap((limit) => [
    { "#p": [victim.pubkey], limit },
    { "#p": [victim.pubkey], "#t": ["yes"], limit },
    { "#p": [victim.pubkey], kinds: [1], limit },
    { "#p": [victim.pubkey], since: 4_999, until: 5_500, limit },
    ...[198, 199, 200, 201].map((rows) => ({
      "#p": [victim.pubkey],
      "#t": ["yes"],
      since: 5_001 - rows,
      until: 7_000,
      limit,
    })),
  ]);
  const answers = async () => {
    const found: unknown[] = [];
    for (const filter of filters) {
      const { events, eose } = await client.query(filter);
      found.push([filter, events.map(({ id }) => id), eose?.[2], await count(client, filter)]);
    }
    return found;
  };
  const before = await answers();
  for (const [, , hint] of before as [unknown, unknown, string[]][]) assert(hint.length === 1);
  for (let batch = 0; batch < 3; batch++) {
    await store(client, ...Array.from({ length: 1_200 }, (_, i) => wrap(victim, 4_800 + (i % 400))));
  }
  assertEquals(await answers(), before);
});

/** Who reads, and what of all events they may know of. */
interface ModelReader {
  readonly name: string;
  readonly client: TestClient;
  readonly visible: readonly PlainEvent[];
  readonly keys: readonly TestKey[];
}

/** Everything that the property is tried on. */
interface World {
  readonly authors: readonly TestKey[];
  readonly recipients: readonly TestKey[];
  readonly ids: readonly string[];
  readonly readers: readonly ModelReader[];
}

const WORDS = ["apple", "pear", "plum"];
/** Every event of the world is tagged so, for filters that no other test of the file has to do with. */
const WORLD = "world";

Deno.test("property: every answer is that of a relay in which what the reader may not read was never stored", async () => {
  const prng = seededPrng("readers' rights against the model");
  const world = await makeWorld(prng);
  for (let round = 0; round < 60; round++) {
    const reader = prng.pick(world.readers);
    const filters = Array.from({ length: prng.int(1, 2) }, () => randomFilter(prng, world));
    await compareRequest(reader, filters, `SEED=${prng.seed} round ${round}`);
  }
  for (let round = 0; round < 12; round++) {
    const where = `SEED=${prng.seed} page ${round}`;
    await comparePaging(prng.pick(world.readers), randomFilter(prng, world), where);
    await compareRegisters(prng.pick(world.readers), prng.pick(world.ids), where);
    await compareSearch(prng, prng.pick(world.readers), where);
  }
  for (const { client } of world.readers) await client.close();
});

/** Stores events of every kind of invisibility. */
async function makeWorld(prng: Prng): Promise<World> {
  const [alice, bob, carol, banned, vanishing] = Array.from({ length: 5 }, freshKey) as [
    TestKey,
    TestKey,
    TestKey,
    TestKey,
    TestKey,
  ];
  const authors = [alice, bob, carol, banned, vanishing];
  // So many that a gateway's budget does not do for a look past them.
  const wraps = Array.from({ length: 2_300 }, (_, i) => wrap(bob, 1_040 + (i % 70)));
  const expiresAt = Math.floor(Date.now() / 1_000) + 4;
  const ids: string[] = [];
  const events: TestEvent[] = [];
  for (let i = 0; i < 900; i++) {
    const event = signEvent(prng.pick(authors), {
      kind: prng.pick([1, 1, 1, 7, 7, ...PRIVATE]),
      created_at: prng.int(1_000, 1_150),
      content: `${prng.shuffle(WORDS).slice(0, prng.int(1, 2)).join(" ")} ${i}`,
      tags: [
        ["t", WORLD],
        ...prng.chance(0.6) ? [["p", prng.pick([alice, bob, carol]).pubkey]] : [],
        ...prng.chance(0.5) ? [["t", prng.pick(["a", "b"])]] : [],
        ...prng.chance(0.5) && ids.length > 0 ? [["e", prng.pick(ids)]] : [],
        ...prng.chance(0.1) ? [["expiration", `${expiresAt}`]] : [],
      ],
    });
    if (ids.length < 8) ids.push(event.id);
    events.push(event);
  }
  await using writer = await connect(relay.url, { timeoutMs: 60_000 });
  await store(writer, ...events);
  for (let at = 0; at < wraps.length; at += 1_150) await store(writer, ...wraps.slice(at, at + 1_150));
  const bannedIds = new Set(events.filter(() => prng.chance(0.02)).map(({ id }) => id));
  await manage(relay.httpUrl, "banpubkey", banned.pubkey);
  for (const id of bannedIds) await manage(relay.httpUrl, "banevent", id);
  const tags = [["relay", "ALL_RELAYS"], ["t", WORLD]];
  const request = signEvent(vanishing, { kind: 62, created_at: 2_000, tags });
  const last = signEvent(alice, { created_at: 999, tags: [["t", WORLD]], content: `${prng.hex(8)}` });
  await store(writer, request, last);
  await eventually(() => Date.now() / 1_000 >= expiresAt, 20_000, "the events expire");
  await eventually(
    async () => (await idsOf(writer, { search: last.content })).length === 1,
    30_000,
    "it is indexed",
  );
  const isThere = (event: TestEvent) =>
    event.pubkey !== banned.pubkey && event.pubkey !== vanishing.pubkey && !bannedIds.has(event.id) &&
    !event.tags.some(([name]) => name === "expiration");
  const left = [...events, ...wraps, last].filter(isThere).concat(request);
  const readerOf = async (name: string, ...keys: TestKey[]): Promise<ModelReader> => ({
    name,
    keys,
    client: await connectAs(relay.url, ...keys),
    visible: left.filter((event) => mayRead(event, keys)),
  });
  return {
    authors,
    recipients: [alice, bob, carol],
    ids,
    readers: [
      await readerOf("nobody"),
      await readerOf("alice", alice),
      await readerOf("bob", bob),
      await readerOf("two keys", bob, carol),
      await readerOf("a stranger", freshKey()),
    ],
  };
}

function mayRead({ kind, pubkey, tags }: TestEvent, keys: readonly TestKey[]): boolean {
  if (!PRIVATE.includes(kind)) return true;
  return keys.some((key) =>
    key.pubkey === pubkey || tags.some(([name, p]) => name === "p" && p === key.pubkey)
  );
}

/** A filter that every reader is served. */
function randomFilter(prng: Prng, { authors, recipients, ids }: World): PlainFilter {
  const some = <T>(items: readonly T[], most: number) => prng.shuffle(items).slice(0, prng.int(1, most));
  const filter: PlainFilter = {};
  const by = prng.int(0, 5);
  if (by === 0) filter.ids = some(ids, ids.length);
  else if (by === 1) filter.authors = some(authors, 5).map(({ pubkey }) => pubkey);
  else if (by === 2) filter["#p"] = some(recipients, 3).map(({ pubkey }) => pubkey);
  else if (by === 3) filter["#e"] = some(ids, 3);
  else if (by === 4) filter["#t"] = [WORLD];
  else filter["#p"] = [recipients[1]!.pubkey];
  if (prng.chance(0.3)) filter["#t"] = [prng.pick(["a", "b"])];
  if (prng.chance(0.3)) filter.kinds = some([1, 7], 2);
  if (prng.chance(0.2) && by !== 1) filter.authors = some(authors, 4).map(({ pubkey }) => pubkey);
  if (prng.chance(0.3)) filter.until = prng.int(1_000, 1_150);
  if (prng.chance(0.3)) filter.since = prng.int(1_000, 1_150);
  if (prng.chance(0.7)) filter.limit = prng.pick([0, 1, 1, 2, 3, 5, 10, 30, 40, 1_000]);
  return filter;
}

async function compareRequest(
  { name, client, visible }: ModelReader,
  filters: readonly PlainFilter[],
  where: string,
): Promise<void> {
  const text = `${where}: ${name} ${JSON.stringify(filters)}`;
  const { events, eose } = await client.query(...filters as TestFilter[]);
  assertEquals(
    { ids: events.map(({ id }) => id), hint: eose?.[2] as string[] },
    pageOf(visible, filters, LIMITS),
    text,
  );
  const counted = await count(client, ...filters as TestFilter[]) as { count: number };
  assertEquals({ count: counted.count }, { count: countOf(visible, filters) }, text);
  const [filter] = filters as [PlainFilter];
  const selected = matching(visible, filter).slice(0, filter.limit ?? Infinity);
  assertEquals(await compared(client, filter as TestFilter), selected.map(({ id }) => id).sort(), text);
}

/** Pages by `until` see everything once, and end by "finish". */
async function comparePaging({ name, client, visible }: ModelReader, filter: PlainFilter, where: string) {
  const { limit: _, ...asked } = filter;
  const text = `${where}: ${name} ${JSON.stringify(asked)}`;
  const seen: string[] = [];
  let until = filter.until ?? 3_000;
  for (let page = 0;; page++) {
    assert(page < 100, `${text}: the pages come to an end`);
    const { events, eose } = await client.query({ ...asked, until });
    seen.push(...events.map(({ id }) => id));
    assertEquals((eose?.[2] as string[]).length, 1, text);
    if ((eose?.[2] as string[])[0] === "finish") break;
    until = events.at(-1)!.created_at - 1;
  }
  assertEquals(seen, matching(visible, { ...asked, until: filter.until ?? 3_000 }).map(({ id }) => id), text);
}

async function compareRegisters({ name, client, visible }: ModelReader, id: string, where: string) {
  const filter = { "#e": [id], kinds: [7] };
  const found = matching(visible, filter);
  const expected = { count: found.length, hll: registersOf(found, id) };
  assertEquals(await count(client, filter), expected, `${where}: ${name} ${JSON.stringify(filter)}`);
}

async function compareSearch(prng: Prng, { name, client, visible }: ModelReader, where: string) {
  const word = prng.pick(WORDS);
  const sort = prng.pick(["new", "hot"] as const);
  const filter = {
    "#t": [WORLD],
    limit: prng.pick([1, 3, 10, 40]),
    ...prng.chance(0.3) && { until: prng.int(1_000, 1_150) },
  };
  const text = `${where}: ${name} ${sort} ${word} ${JSON.stringify(filter)}`;
  const search = `${word} sort:${sort} include:spam`;
  const { events, eose } = await client.query({ ...filter, search });
  assertEquals(events.map(({ id }) => id), searchOf(visible, filter, { word, sort }), text);
  assertEquals(eose?.[2], [], text);
}

const testBoth = await searchBackends(ENV);

testBoth("a search's limit counts what the reader may read", async (client, url) => {
  const [writer, spammer] = [freshKey(), freshKey()];
  const httpUrl = url.replace(/^ws/, "http");
  const noteOf = (key: TestKey, created_at: number, kind = 1) =>
    signEvent(key, { kind, created_at, content: "quince" });
  const notes = Array.from({ length: 8 }, (_, i) => noteOf(writer, 1_000 - i));
  const hidden = [
    ...Array.from({ length: 60 }, (_, i) => noteOf(spammer, 2_000 + i)),
    ...Array.from({ length: 60 }, (_, i) => noteOf(writer, 3_000 + i, 14)),
  ];
  await store(client, ...hidden, ...notes);
  const search = "quince sort:new include:spam";
  await eventually(
    async () => (await idsOf(client, { search, limit: 500 })).length >= 68,
    30_000,
    "all are indexed",
  );
  await manage(httpUrl, "banpubkey", spammer.pubkey);
  assertEquals(await idsOf(client, { search, limit: 5 }), notes.slice(0, 5).map(({ id }) => id));
  assertEquals(await count(client, { search }), { count: 8 });
  await using own = await connectAs(url, writer);
  assertEquals(await idsOf(own, { search, limit: 5 }), hidden.slice(-5).reverse().map(({ id }) => id));
});
