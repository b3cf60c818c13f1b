/**
 * NIP-65 from outside: relay lists are replaceable, found by author and by relay, and taken from anybody, even where
 * writing is restricted, so that authors can be found.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent } from "../support/sign.ts";
import { freshKey, idsOf, sharedRelay, store } from "./shared_relay.ts";

const [member, banned] = [freshKey(), freshKey()];
const restricted = await sharedRelay({
  ALLOWED_PUBKEYS: `${member.pubkey}, ${banned.pubkey}`,
  DENIED_PUBKEYS: banned.pubkey,
  AUTH_TO_WRITE: "true",
  RELAY_URL: "ws://relay.example",
});

function relayList(key: typeof member, created_at: number, ...relays: string[]) {
  return signEvent(key, { kind: 10_002, created_at, tags: relays.map((relay) => ["r", relay]) });
}

Deno.test("anybody leaves a relay list where only proved members write, and nothing else", async () => {
  await using client = await connect(restricted.url);
  const stranger = freshKey();
  const list = relayList(stranger, 1_000, "wss://a.example", "wss://b.example");
  await store(client, list);
  assertEquals(await idsOf(client, { kinds: [10_002], authors: [stranger.pubkey] }), [list.id]);
  for (const kind of [0, 1, 3, 10_000, 10_003, 30_002]) {
    const [, , accepted, reason] = await client.publish(signEvent(stranger, { kind }));
    assertEquals(accepted, false, `kind ${kind}`);
    assertMatch(reason, /^(auth-required|restricted): /);
  }
});

Deno.test("a banned author leaves no relay list either", async () => {
  await using client = await connect(restricted.url);
  const [, , accepted, reason] = await client.publish(relayList(banned, 1_000, "wss://a.example"));
  assertEquals(accepted, false);
  assertMatch(reason, /^blocked: /);
});

Deno.test("an author has one relay list, the newest, and is found by the relays in it", async () => {
  await using client = await connect(restricted.url);
  const key = freshKey();
  const first = relayList(key, 1_000, "wss://old.example");
  const second = relayList(key, 2_000, "wss://new.example", "wss://both.example");
  await store(client, first, second);
  const authors = [key.pubkey];
  assertEquals(await idsOf(client, { kinds: [10_002], authors }), [second.id]);
  assertEquals(await idsOf(client, { kinds: [10_002], authors, "#r": ["wss://both.example"] }), [second.id]);
  assertEquals(await idsOf(client, { kinds: [10_002], authors, "#r": ["wss://old.example"] }), []);
});

Deno.test("an operator's list of kinds holds for relay lists too", async () => {
  await using relay = await startRelay({ env: { LOG_LEVEL: "error", ALLOWED_KINDS: "1" } });
  await using client = await connect(relay.url);
  const [, , accepted, reason] = await client.publish(relayList(freshKey(), 1_000, "wss://a.example"));
  assertEquals(accepted, false);
  assertMatch(reason, /^blocked: .*kind/);
  await relay.stop();
});
