/**
 * Who may write and read what, by configuration, from outside: lists of kinds and authors, and
 * rates.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { type EventTemplate, signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { connectAs, RELAY_URL } from "./auth.ts";
import { freshKey, idsOf, sharedRelay, store } from "./shared_relay.ts";

const [member, banned] = [freshKey(), freshKey()];
const lists = await sharedRelay({
  ALLOWED_KINDS: "0-9,1059",
  DENIED_KINDS: "7",
  ALLOWED_PUBKEYS: `${member.pubkey}, ${banned.pubkey}`,
  DENIED_PUBKEYS: banned.pubkey,
});
// X-Forwarded-For tells the clients apart.
const manyThreads = {
  GATEWAY_WORKERS: "3",
  VERIFIER_WORKERS: "3",
  READER_WORKERS: "2",
  REAL_IP_HEADER: "X-Forwarded-For",
};
const rates = await sharedRelay({ ...manyThreads, EVENTS_PER_MINUTE: "20", QUERIES_PER_MINUTE: "30" });
const finer = await sharedRelay({
  ...manyThreads,
  RELAY_URL,
  EVENTS_PER_MINUTE_CONNECTION: "10",
  EVENTS_PER_MINUTE_KEY: "15",
  EVENTS_PER_MINUTE_AUTHOR: "30",
  QUERIES_PER_MINUTE_CONNECTION: "10",
  QUERIES_PER_MINUTE_KEY: "15",
});
const budget = await sharedRelay({ ...manyThreads, QUERY_ROWS_PER_MINUTE: "500" });
const sizes = await sharedRelay({
  MAX_EVENT_TAGS: "3",
  MAX_CONTENT_LENGTH: "20",
  CREATED_AT_LOWER_LIMIT: "1000",
  CREATED_AT_UPPER_LIMIT: "100",
  DENIED_KINDS: "7",
  MIN_POW_DIFFICULTY: "1",
});

async function refused(client: TestClient, event: TestEvent, reason: RegExp): Promise<void> {
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], reason);
}

Deno.test("kinds are taken when allowed and not denied", async () => {
  await using client = await connect(lists.url);
  await store(client, signEvent(member, { kind: 9 }), signEvent(member, { kind: 1 }));
  for (const kind of [7, 10, 30_023]) await refused(client, signEvent(member, { kind }), /^blocked: .*kind/);
});

Deno.test("authors write when listed and not denied, and anybody sends the listed ones a gift wrap", async () => {
  await using client = await connect(lists.url);
  const stranger = freshKey();
  await refused(client, signEvent(stranger), /^restricted: \S/);
  await refused(client, signEvent(banned), /^blocked: \S/);
  await store(client, signEvent(stranger, { kind: 1059, tags: [["p", member.pubkey]] }));
  await refused(
    client,
    signEvent(stranger, { kind: 1059, tags: [["p", freshKey().pubkey]] }),
    /^restricted: \S/,
  );
  await refused(client, signEvent(stranger, { tags: [["p", member.pubkey]] }), /^restricted: \S/);
});

Deno.test("a request to vanish is followed whoever sends it (NIP-62)", async () => {
  await using client = await connect(lists.url);
  const stranger = freshKey();
  const wrap = signEvent(stranger, { kind: 1059, created_at: 5, tags: [["p", member.pubkey]] });
  await store(client, wrap);
  for (const key of [stranger, banned]) {
    await store(client, signEvent(key, { kind: 62, tags: [["relay", "ALL_RELAYS"]] }));
  }
  const ok = await client.publish(wrap);
  assertEquals(ok[2], false);
  assertMatch(ok[3], /^blocked: .*vanish/);
});

function connectFrom(url: string, ip: string): Promise<TestClient> {
  return connect(url, { headers: { "X-Forwarded-For": ip } });
}

/** How many of so many events are taken, sent by these clients in turn. What is refused must say that it is too much. */
async function takenOf(clients: TestClient[], events: TestEvent[], reason: RegExp): Promise<number> {
  const answers = await Promise.all(
    events.map((event, n) => clients[n % clients.length]!.publish(event, 30_000)),
  );
  for (const ok of answers) if (!ok[2]) assertMatch(ok[3], reason);
  return answers.filter((ok) => ok[2]).length;
}

/** A slow run gains a token or two. */
function assertAbout(count: number, most: number): void {
  assert(count >= most && count <= most + Math.ceil(most / 2), `${count} of about ${most}`);
}

function eventsOf(key: TestKey, count: number): TestEvent[] {
  return Array.from(
    { length: count },
    (_, i) => signEvent(key, { content: `${i}`, tags: [["r", `${count}`]] }),
  );
}

Deno.test("an address has one rate for all its connections, on whichever thread, and others have their own", async () => {
  const clients = await Promise.all(Array.from({ length: 9 }, () => connectFrom(rates.url, "192.0.2.10")));
  const taken = await takenOf(clients, eventsOf(freshKey(), 90), /^rate-limited: .* by your address/);
  assertAbout(taken, 20);
  const results = await Promise.all(
    Array.from({ length: 90 }, (_, n) => clients[n % 9]!.query({ limit: 0, authors: [freshKey().pubkey] })),
  );
  assertAbout(results.filter((result) => result.eose).length, 30);
  await using other = await connectFrom(rates.url, "192.0.2.11");
  await store(other, ...eventsOf(freshKey(), 5));
  await Promise.all(clients.map((client) => client.close()));
});

Deno.test("a connection, a proved key and an author have rates of their own", async () => {
  await using one = await connectFrom(finer.url, "192.0.2.20");
  assertAbout(await takenOf([one], eventsOf(freshKey(), 40), /^rate-limited: .* by your connection/), 10);
  const [key, author] = [freshKey(), freshKey()];
  const proved = await Promise.all(Array.from({ length: 6 }, () => connectAs(finer.url, key)));
  assertAbout(await takenOf(proved, eventsOf(freshKey(), 48), /^rate-limited: .* by your key/), 15);
  const strangers = await Promise.all(Array.from({ length: 8 }, () => connect(finer.url)));
  // Forged events take nothing from their author's rate.
  for (const event of eventsOf(author, 8)) {
    const forged = { ...event, sig: "0".repeat(128) };
    assertMatch((await strangers[7]!.publish(forged))[3], /^invalid: .*signature/);
  }
  const senders = strangers.slice(0, 7);
  assertAbout(await takenOf(senders, eventsOf(author, 69), /^rate-limited: .*(this author|connection)/), 30);
  const asked = (clients: TestClient[]) =>
    Promise.all(Array.from({ length: 60 }, (_, n) => clients[n % clients.length]!.query({ limit: 0 })));
  assertAbout((await asked([one])).filter((result) => result.eose).length, 10);
  assertAbout((await asked(proved)).filter((result) => result.eose).length, 15);
  await Promise.all([...proved, ...strangers].map((client) => client.close()));
});

Deno.test("an address has a budget of rows that its queries look at: dear ones are paid before the next", async () => {
  const writer = await connectFrom(budget.url, "192.0.2.30");
  const key = freshKey();
  await store(writer, ...eventsOf(key, 400));
  const rest = await writer.query({ limit: 0 });
  assert(rest.eose, "to write costs nothing");
  const reader = await connectFrom(budget.url, "192.0.2.31");
  assertEquals((await reader.query({ authors: [key.pubkey], limit: 400 })).events.length, 400);
  assertEquals((await reader.query({ authors: [key.pubkey], limit: 400 })).events.length, 400);
  const second = await connectFrom(budget.url, "192.0.2.31");
  const refused = await second.query({ limit: 1 });
  assertMatch(
    String(refused.closed?.[2]),
    /^rate-limited: too many or too dear queries by your address, try again/,
  );
  // A COUNT is a reader's work, and is charged as well.
  const counter = await connectFrom(budget.url, "192.0.2.32");
  for (let n = 0; n < 2; n++) {
    counter.send(["COUNT", `${n}`, { authors: [key.pubkey] }]);
    assertEquals((await counter.nextOfType("COUNT"))[2], { count: 400 });
  }
  assertMatch(String((await counter.query({ limit: 1 })).closed?.[2]), /^rate-limited: /);
  for (const client of [writer, reader, second, counter]) await client.close();
});

Deno.test("sizes, tags, time and kinds are looked at before the signature, and the cheapest first", async () => {
  await using client = await connect(sizes.url);
  const key = freshKey();
  const now = Math.floor(Date.now() / 1000);
  const tags = Array.from({ length: 4 }, () => ["t", "x"]);
  const refusals: [EventTemplate, RegExp][] = [
    [{ tags, content: "longer than twenty letters", kind: 7 }, /^invalid: .*tags/],
    [{ content: "longer than twenty letters", created_at: 5, kind: 7 }, /^invalid: the content/],
    [{ created_at: now - 5_000, kind: 7 }, /^invalid: created_at .*past/],
    [{ created_at: now + 5_000, kind: 7 }, /^invalid: created_at .*future/],
  ];
  for (const [template, reason] of refusals) {
    const event = { ...signEvent(key, template), sig: "0".repeat(128) };
    await refused(client, event, reason);
  }
  let tries = 0;
  const mined = (template: EventTemplate) => {
    for (;;) {
      const event = signEvent(key, { ...template, tags: [["nonce", `${tries++}`, "1"]] });
      if (event.id < "8") return event;
    }
  };
  await refused(client, { ...mined({ kind: 7 }), sig: "0".repeat(128) }, /^blocked: .*kind 7/);
  await refused(client, { ...mined({}), sig: "0".repeat(128) }, /^invalid: the signature/);
  await store(client, mined({}));
});

Deno.test("events and queries beyond the rate are refused, each with its answer, and the rest is served", async () => {
  await using client = await connect(rates.url);
  const key = freshKey();
  const events = Array.from({ length: 60 }, (_, i) => signEvent(key, { content: `${i}` }));
  const answers = await Promise.all(events.map((event) => client.publish(event)));
  const taken = answers.filter((ok) => ok[2]).length;
  // A slow run gains a token or two.
  assert(taken >= 20 && taken < 40, `${taken} were taken`);
  for (const ok of answers) if (!ok[2]) assertMatch(ok[3], /^rate-limited: .*try again/);
  assertEquals((await idsOf(client, { authors: [key.pubkey] })).length, taken);
  const queries = await Promise.all(Array.from({ length: 80 }, () => client.query({ limit: 0 })));
  const closed = queries.filter((result) => result.closed);
  assert(closed.length >= 40 && closed.length < 80, `${closed.length} were refused`);
  for (const result of closed) assertMatch(result.closed![2] as string, /^rate-limited: .*try again/);
});

Deno.test("NIP-11 says that writes are restricted where authors or kinds are", async () => {
  for (const [relay, restricted] of [[lists, true], [rates, false]] as const) {
    const response = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
    assertEquals((await response.json()).limitation.restricted_writes, restricted);
  }
});
