/**
 * NIP-17 from outside: messages, in gift wraps (NIP-59) and of kind 4, are shown to their authors and recipients only:
 * stored or live, found by any filter, and counted.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { connectAs, RELAY_URL } from "./auth.ts";
import {
  freshKey,
  idsOf,
  nextEvent,
  settled,
  sharedRelay,
  store,
  takeEvents,
  untilEose,
} from "./shared_relay.ts";

const relay = await sharedRelay({ RELAY_URL, READER_WORKERS: "2" });

/** A gift wrap for each of the keys, by a key that nobody knows. */
function wrap(...recipients: TestKey[]): TestEvent {
  return signEvent(freshKey(), {
    kind: 1059,
    tags: recipients.map(({ pubkey }) => ["p", pubkey]),
    content: "sealed",
  });
}

async function count(client: TestClient, ...filters: TestFilter[]): Promise<unknown> {
  client.send(["COUNT", "n", ...filters]);
  return (await client.next((message) => message[1] === "n"))[2];
}

/** The verb of the answer to a client that has nothing, and its message or reason. */
async function compare(client: TestClient, filter: TestFilter): Promise<string[]> {
  client.send(["NEG-OPEN", "c", filter, "6100000200"]);
  const answer = await client.next((message) => `${message[0]}`.startsWith("NEG-"));
  client.send(["NEG-CLOSE", "c"]);
  return [answer[0], answer[2]] as string[];
}

/** A letter and a note to Bob, and the clients who ask for them: one who proved no key, Bob, and somebody else. */
async function correspondence() {
  const [alice, bob] = [freshKey(), freshKey()];
  const letter = signEvent(alice, { kind: 4, tags: [["p", bob.pubkey]], content: "secret", created_at: 3 });
  const note = signEvent(alice, { tags: [["p", bob.pubkey]], created_at: 2 });
  const anybody = await connectAs(relay.url);
  await store(anybody, letter, note);
  const [bobs, others] = [await connectAs(relay.url, bob), await connectAs(relay.url, freshKey())];
  return { alice, bob, letter, note, clients: { anybody, bobs, others } };
}

Deno.test("filters that do not name the kind, or name others' keys too, leave out what is private", async () => {
  const { alice, bob, letter, note, clients } = await correspondence();
  await using anybody = clients.anybody;
  await using bobs = clients.bobs;
  await using others = clients.others;
  const filters = [
    { authors: [alice.pubkey] },
    { "#p": [bob.pubkey] },
    { ids: [letter.id, note.id] },
    { authors: [alice.pubkey], kinds: [1, 4] },
  ];
  for (const filter of filters) {
    assertEquals(await idsOf(bobs, filter), [letter.id, note.id], JSON.stringify(filter));
    assertEquals(await idsOf(others, filter), [note.id], JSON.stringify(filter));
    assertEquals(await count(bobs, filter), { count: 2 });
    assertEquals(await count(others, filter), { count: 1 });
    if (!("kinds" in filter)) assertEquals(await idsOf(anybody, filter), [note.id], JSON.stringify(filter));
  }
  assertMatch(await count(others, { kinds: [4], authors: [alice.pubkey] }) as string, /^restricted: /);
  assertMatch(await count(anybody, { kinds: [4] }) as string, /^auth-required: /);
  assertEquals(await count(anybody, { authors: [alice.pubkey] }, { ids: [letter.id] }), { count: 1 });
});

Deno.test("a comparison (NIP-77) holds what the client may read, and is refused where a REQ would be", async () => {
  const { alice, bob, letter, note, clients } = await correspondence();
  await using anybody = clients.anybody;
  await using bobs = clients.bobs;
  await using others = clients.others;
  for (const filter of [{ authors: [alice.pubkey] }, { "#p": [bob.pubkey] }, { ids: [letter.id, note.id] }]) {
    for (const [client, sees] of [[anybody, false], [others, false], [bobs, true]] as const) {
      const answer = await compare(client, filter);
      assertEquals(answer[0], "NEG-MSG", answer[1]);
      assertEquals(answer[1]!.includes(letter.id), sees, JSON.stringify(filter));
      assert(answer[1]!.includes(note.id));
    }
  }
  const letters = { kinds: [4], authors: [alice.pubkey] };
  assertMatch((await compare(anybody, letters))[1]!, /^auth-required: /);
  assertMatch((await compare(others, letters))[1]!, /^restricted: /);
  assert((await compare(bobs, { kinds: [4], "#p": [bob.pubkey] }))[1]!.includes(letter.id));
});

Deno.test("an EOSE (NIP-67) says finish where only a private event is left out", async () => {
  const [alice, bob] = [freshKey(), freshKey()];
  const letter = signEvent(alice, { kind: 4, tags: [["p", bob.pubkey]], created_at: 1 });
  const note = signEvent(alice, { created_at: 2 });
  await using bobs = await connectAs(relay.url, bob);
  await using others = await connectAs(relay.url, freshKey());
  await store(bobs, letter, note);
  const filter = { authors: [alice.pubkey], limit: 1 };
  assertEquals((await bobs.query(filter)).eose?.[2], ["more"]);
  assertEquals((await others.query(filter)).eose?.[2], ["finish"]);
});

Deno.test("live events reach the same clients, and a key proved later counts from then on", async () => {
  const [alice, bob] = [freshKey(), freshKey()];
  const clients = {
    nobody: await connectAs(relay.url),
    alice: await connectAs(relay.url, alice),
    bob: await connectAs(relay.url, bob),
  };
  for (const client of Object.values(clients)) {
    client.send(["REQ", "live", { "#p": [bob.pubkey], limit: 0 }]);
    await untilEose(client, "live");
  }
  await using sender = await connect(relay.url);
  const events = [
    wrap(bob),
    signEvent(alice, { kind: 4, tags: [["p", bob.pubkey]] }),
    signEvent(freshKey(), { kind: 21_059, tags: [["p", bob.pubkey]] }),
    signEvent(alice, { tags: [["p", bob.pubkey]], content: "for all" }),
  ] as const;
  for (const event of events) await store(sender, event);
  const received = async (client: TestClient, last: TestEvent) => {
    const events = [await nextEvent(client, "live")];
    while (events.at(-1)!.id !== last.id) events.push(await nextEvent(client, "live"));
    return events.map(({ id }) => id);
  };
  const ids = events.map(({ id }) => id);
  assertEquals(await received(clients.bob, events[3]), ids);
  assertEquals(await received(clients.alice, events[3]), [ids[1], ids[3]]);
  assertEquals(await received(clients.nobody, events[3]), [ids[3]]);
  for (const client of Object.values(clients)) {
    await settled(client);
    assertEquals(takeEvents(client, "live"), []);
    await client.close();
  }
});
