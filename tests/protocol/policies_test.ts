/**
 * Who may write and read what, by configuration, from outside: lists of kinds and authors, and
 * rates.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { signEvent, type TestEvent } from "../support/sign.ts";
import { freshKey, idsOf, sharedRelay, store } from "./shared_relay.ts";

const [member, banned] = [freshKey(), freshKey()];
const lists = await sharedRelay({
  ALLOWED_KINDS: "0-9,1059",
  DENIED_KINDS: "7",
  ALLOWED_PUBKEYS: `${member.pubkey}, ${banned.pubkey}`,
  DENIED_PUBKEYS: banned.pubkey,
});
const rates = await sharedRelay({ EVENTS_PER_MINUTE: "20", QUERIES_PER_MINUTE: "30", GATEWAY_WORKERS: "1" });

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
