/**
 * NIP-42 from outside: the challenge, what counts as a proof, and who may read and write by it.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { type EventTemplate, signEvent, type TestEvent } from "../support/sign.ts";
import { challengeOf, connectAs, proofOf, RELAY_URL } from "./auth.ts";
import { freshKey, idsOf, nowSeconds, sharedRelay, store } from "./shared_relay.ts";

const closed = await sharedRelay({
  RELAY_URL,
  AUTH_TO_READ: "true",
  AUTH_TO_WRITE: "true",
  GATEWAY_WORKERS: "2",
});
const open = await sharedRelay();

async function refusedProof(client: TestClient, proof: TestEvent, reason: RegExp): Promise<void> {
  const ok = await client.authenticate(proof);
  assertEquals(ok.slice(0, 3), ["OK", proof.id, false]);
  assertMatch(ok[3], reason);
}

async function writes(client: TestClient, expected: RegExp | true): Promise<void> {
  const event = signEvent(freshKey());
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, expected === true]);
  if (expected !== true) assertMatch(ok[3], expected);
}

Deno.test("each connection gets a challenge of its own before anything else", async () => {
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect(closed.url)));
  const challenges = await Promise.all(clients.map(challengeOf));
  assertEquals(new Set(challenges).size, 8);
  for (const challenge of challenges) assert(challenge.length >= 32, challenge);
  for (const client of clients) assertEquals(client.inbox, []);
  await Promise.all(clients.map((client) => client.close()));
});

Deno.test("without a proof nothing is written, read or counted", async () => {
  await using client = await connect(closed.url);
  await challengeOf(client);
  await writes(client, /^auth-required: \S/);
  const { events, closed: message } = await client.query({ limit: 1 });
  assertEquals([events, message?.[0]], [[], "CLOSED"]);
  assertMatch(message?.[2] as string, /^auth-required: \S/);
  client.send(["COUNT", "n", {}]);
  assertMatch((await client.nextOfType("CLOSED"))[2] as string, /^auth-required: \S/);
});

Deno.test("with a proof the same connection writes, reads and counts, whoever the author is", async () => {
  await using client = await connectAs(closed.url, freshKey());
  const event = signEvent(freshKey());
  await store(client, event);
  assertEquals(await idsOf(client, { ids: [event.id] }), [event.id]);
  client.send(["COUNT", "n", { ids: [event.id] }]);
  assertEquals(await client.nextOfType("COUNT"), ["COUNT", "n", { count: 1 }]);
});

Deno.test("an event sent behind the proof, before its OK, already counts", async () => {
  await using client = await connect(closed.url);
  const proof = proofOf(freshKey(), await challengeOf(client));
  const event = signEvent(freshKey());
  const answers = await Promise.all([client.authenticate(proof), client.publish(event)]);
  assertEquals(answers, [["OK", proof.id, true, ""], ["OK", event.id, true, ""]]);
});

Deno.test("a proof is for one connection, one relay, one challenge and a few minutes", async () => {
  const key = freshKey();
  await using client = await connect(closed.url);
  await using other = await connect(closed.url);
  const challenge = await challengeOf(client);
  const tags = (relay: string, text = challenge) => [["relay", relay], ["challenge", text]];
  const wrong: [EventTemplate, RegExp][] = [
    [{ kind: 1 }, /^invalid: .*kind/],
    [{ created_at: nowSeconds() - 3_600 }, /^invalid: .*created_at/],
    [{ created_at: nowSeconds() + 3_600 }, /^invalid: .*created_at/],
    [{ tags: [] }, /^invalid: .*challenge/],
    [{ tags: tags(RELAY_URL, await challengeOf(other)) }, /^invalid: .*challenge/],
    [{ tags: tags(RELAY_URL, "") }, /^invalid: .*challenge/],
    [{ tags: tags("wss://relay.example.org/") }, /^invalid: .*relay/],
    [{ tags: tags("wss://relay.example.com.evil.example/") }, /^invalid: .*relay/],
    [{ tags: tags(closed.url) }, /^invalid: .*relay/],
    [{ tags: [["challenge", challenge]] }, /^invalid: .*relay/],
  ];
  for (const [changes, reason] of wrong) await refusedProof(client, proofOf(key, challenge, changes), reason);
  const right = proofOf(key, challenge);
  await refusedProof(
    client,
    { ...right, sig: right.sig.replace(/^./, (c) => c === "0" ? "1" : "0") },
    /^invalid: .*sig/,
  );
  await refusedProof(client, { ...right, pubkey: freshKey().pubkey }, /^invalid: .*id/);
  await writes(client, /^auth-required: /);
  assertEquals(await client.authenticate(right), ["OK", right.id, true, ""]);
  await writes(client, true);
  await refusedProof(other, right, /^invalid: .*challenge/);
  await writes(other, /^auth-required: /);
});

Deno.test("the relay's URL may be spelt in other ways", async () => {
  for (const url of ["wss://relay.example.com", "WSS://Relay.Example.com:443/"]) {
    await using client = await connect(closed.url);
    const challenge = await challengeOf(client);
    const proof = proofOf(freshKey(), challenge, { tags: [["relay", url], ["challenge", challenge]] });
    assertEquals((await client.authenticate(proof)).slice(2), [true, ""], url);
  }
});

Deno.test("an AUTH that holds no event is answered and leaves the connection as it was", async () => {
  await using client = await connect(closed.url);
  await challengeOf(client);
  for (const junk of [undefined, null, 1, "challenge", [], {}, { id: 1 }]) {
    client.send(junk === undefined ? ["AUTH"] : ["AUTH", junk]);
    assertMatch((await client.nextOfType("NOTICE"))[1] as string, /^invalid: \S/);
  }
  const proof = { ...proofOf(freshKey(), "x"), sig: "short" };
  await refusedProof(client, proof, /^invalid: sig/);
  await writes(client, /^auth-required: /);
});

Deno.test("a proof is no event to publish, and is served to nobody", async () => {
  await using client = await connectAs(closed.url, freshKey());
  const proof = proofOf(freshKey(), "anything");
  const ok = await client.publish(proof);
  assertEquals(ok.slice(0, 3), ["OK", proof.id, false]);
  assertEquals(await idsOf(client, { kinds: [22_242] }), []);
});

Deno.test("a relay that asks nobody to authenticate sends no challenge until an answer needs one", async () => {
  await using client = await connect(open.url);
  const key = freshKey();
  const event = signEvent(key, { tags: [["-"]] });
  const publishing = client.publish(event);
  const challenge = await challengeOf(client);
  assertMatch((await publishing)[3], /^auth-required: /);
  assertEquals(client.inbox, [], "one challenge, and nothing else");
  // Without RELAY_URL the relay goes by the address that it listens on.
  const proof = proofOf(key, challenge, { tags: [["relay", open.url], ["challenge", challenge]] });
  assertEquals(await client.authenticate(proof), ["OK", proof.id, true, ""]);
  await store(client, event);
  await using other = await connect(open.url);
  await client.close();
  assertNotEquals((await other.publish(signEvent(key, { tags: [["-"]] })))[2], true);
});

Deno.test("NIP-11 says what has to be proved before anything else", async () => {
  for (const [relay, required] of [[closed, true], [open, false]] as const) {
    const response = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
    const { limitation } = await response.json();
    assertEquals([limitation.auth_required, limitation.restricted_writes], [required, required]);
  }
});
