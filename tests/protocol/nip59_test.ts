/**
 * NIP-59 from outside: a gift wrap is taken from anybody, read by its recipients alone, and deleted by them.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { connectAs, RELAY_URL } from "./auth.ts";
import { freshKey, idsOf, sharedRelay, store } from "./shared_relay.ts";

const relay = await sharedRelay({ RELAY_URL });

/** A gift wrap for each of the keys, by a key that nobody knows. */
function wrap(...recipients: TestKey[]): TestEvent {
  return signEvent(freshKey(), {
    kind: 1059,
    tags: recipients.map(({ pubkey }) => ["p", pubkey]),
    content: "sealed",
  });
}

async function refused(client: TestClient, filter: TestFilter, reason: RegExp): Promise<void> {
  const { events, closed } = await client.query(filter);
  assertEquals([events, closed?.[0]], [[], "CLOSED"], JSON.stringify(filter));
  assertMatch(closed?.[2] as string, reason);
}

Deno.test("a gift wrap is taken from anybody and read by its recipient alone", async () => {
  const [alice, bob] = [freshKey(), freshKey()];
  await using sender = await connect(relay.url);
  const [forAlice, forBoth] = [wrap(alice), wrap(bob, alice)];
  await store(sender, forAlice, forBoth);
  const filter = { kinds: [1059], "#p": [alice.pubkey] };
  await refused(sender, filter, /^auth-required: \S/);
  await using bobs = await connectAs(relay.url, bob);
  await refused(bobs, filter, /^restricted: \S/);
  await refused(bobs, { kinds: [1059] }, /^restricted: \S/);
  assertEquals(await idsOf(bobs, { kinds: [1059], "#p": [bob.pubkey] }), [forBoth.id]);
  await using alices = await connectAs(relay.url, freshKey(), alice);
  const both = [forAlice.id, forBoth.id].sort();
  assertEquals((await idsOf(alices, filter)).sort(), both);
  assertEquals((await idsOf(alices, { ids: both })).sort(), both);
});

Deno.test("a recipient deletes a gift wrap, which then stays away; nobody else does", async () => {
  const [alice, bob] = [freshKey(), freshKey()];
  await using client = await connectAs(relay.url, alice, bob);
  const gift = wrap(alice);
  const filter = { kinds: [1059], "#p": [alice.pubkey] };
  const deletion = (key: TestKey, event: TestEvent) => signEvent(key, { kind: 5, tags: [["e", event.id]] });
  await store(client, gift, deletion(bob, gift));
  assertEquals(await idsOf(client, filter), [gift.id]);
  await store(client, deletion(alice, gift));
  assertEquals(await idsOf(client, filter), []);
  const again = await client.publish(gift);
  assertEquals(again.slice(0, 3), ["OK", gift.id, false]);
  assertMatch(again[3], /^blocked: \S/);
  // A deletion may come before what it deletes.
  const late = wrap(bob, alice);
  await store(client, deletion(alice, late));
  assert(!(await client.publish(late))[2]);
  // To be named in any other event gives no such right.
  const note = signEvent(bob, { tags: [["p", alice.pubkey]] });
  await store(client, note, deletion(alice, note));
  assertEquals(await idsOf(client, { ids: [note.id] }), [note.id]);
});
