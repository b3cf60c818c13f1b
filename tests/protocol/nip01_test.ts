/**
 * NIP-01 from outside: EVENT, REQ, CLOSE and their answers. Filters, kinds, ids and live delivery have files of
 * their own beside this one (`nip01_*_test.ts`).
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { PREFIXES } from "../../lib/nostr/prefixes.ts";
import { connect } from "../support/client.ts";
import { signEvent, signId, testKey } from "../support/sign.ts";
import {
  freshKey,
  idsOf,
  nextEvent,
  nowSeconds,
  served,
  settled,
  sharedRelay,
  signAnything,
  store,
  takeEvents,
  untilEose,
} from "./shared_relay.ts";

const relay = await sharedRelay();
/** `prefix: text`, with a prefix of NIP-01. */
const REASON = new RegExp(`^(${PREFIXES.join("|")}): \\S`);

Deno.test("EVENT is answered by an OK of four elements, and the event is served as it was sent", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key, { content: "hello", tags: [["t", "nostr", "extra"], ["alt"], []] });
  assertEquals(await client.publish(event), ["OK", event.id, true, ""]);
  assertEquals(served(await client.query({ ids: [event.id] })), [event]);
});

Deno.test("an event that is stored already gets OK true with the prefix duplicate", async () => {
  await using client = await connect(relay.url);
  await using other = await connect(relay.url);
  const event = signEvent(freshKey());
  await store(client, event);
  for (const again of [client, other]) {
    const ok = await again.publish(event);
    assertEquals(ok.slice(0, 3), ["OK", event.id, true]);
    assertMatch(ok[3], /^duplicate: \S/);
  }
  assertEquals(await idsOf(client, { ids: [event.id] }), [event.id]);
});

Deno.test("the same event sent ten times at once is stored once", async () => {
  await using client = await connect(relay.url);
  const event = signEvent(freshKey());
  const answers = await Promise.all(Array.from({ length: 10 }, () => client.publish(event)));
  assertEquals(answers.filter((ok) => ok[3] === "").length, 1);
  assertEquals(answers.filter((ok) => ok[2] && ok[3].startsWith("duplicate: ")).length, 9);
  assertEquals(await idsOf(client, { authors: [event.pubkey] }), [event.id]);
});

Deno.test("OK answers come for each event of a burst, in the order in which they were sent", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const events = Array.from({ length: 500 }, (_, i) => signEvent(key, { content: String(i) }));
  for (const event of events) client.send(["EVENT", event]);
  for (const event of events) assertEquals(await client.nextOfType("OK"), ["OK", event.id, true, ""]);
});

Deno.test("an event of a wrong shape is refused with its id and the prefix invalid", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const wrong: Record<string, unknown>[] = [
    { created_at: "1700000000" },
    { created_at: 1_700_000_000.5 },
    { created_at: -1 },
    { created_at: 2 ** 53 },
    { created_at: null },
    { kind: 65_536 },
    { kind: -1 },
    { kind: 1.5 },
    { kind: "1" },
    { tags: {} },
    { tags: null },
    { tags: "[]" },
    { tags: ["e"] },
    { tags: [["e", 1]] },
    { tags: [["e", null]] },
    { tags: [["e", ["x"]]] },
    { content: null },
    { content: 1 },
    { content: ["x"] },
    { pubkey: key.pubkey.toUpperCase() },
    { pubkey: key.pubkey.slice(1) },
    { pubkey: key.pubkey + "0" },
    { pubkey: 1 },
  ];
  for (const fields of wrong) {
    const event = signAnything(key, fields);
    client.send(["EVENT", event]);
    const ok = await client.nextOfType("OK");
    assertEquals([ok.length, ok[1], ok[2]], [4, event.id, false], JSON.stringify(fields));
    assertMatch(ok[3] as string, /^invalid: \S/);
  }
  for (const missing of ["pubkey", "created_at", "kind", "tags", "content", "sig"]) {
    const { [missing]: _, ...event } = signAnything(key, {});
    client.send(["EVENT", event]);
    const ok = await client.nextOfType("OK");
    assertEquals(ok.slice(0, 3), ["OK", event.id, false], missing);
    assertMatch(ok[3] as string, new RegExp(`^invalid: .*${missing}`));
  }
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), []);
});

Deno.test("an id or a signature that is wrong is refused, whatever is wrong with it", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key, { content: "genuine" });
  const other = signEvent(key, { content: "other" });
  const wrong: Record<string, unknown>[] = [
    { id: other.id },
    { id: other.id, sig: other.sig },
    { content: "changed" },
    { pubkey: freshKey().pubkey },
    { id: event.id.toUpperCase() },
    { id: event.id.slice(0, 63) },
    { id: `${event.id}0` },
    { id: "g".repeat(64) },
    { id: "" },
    { sig: other.sig },
    { sig: event.sig.toUpperCase() },
    { sig: event.sig.slice(2) },
    { sig: "0".repeat(128) },
    { sig: "f".repeat(128) },
    { sig: signId(testKey(1), event.id) },
    { sig: event.sig.slice(0, 64) + other.sig.slice(64) },
    { sig: null },
    { pubkey: "0".repeat(64) },
    { pubkey: "f".repeat(64) },
  ];
  for (const fields of wrong) {
    const forged = { ...event, ...fields };
    client.send(["EVENT", forged]);
    const ok = await client.nextOfType("OK");
    assertEquals([ok.length, ok[2]], [4, false], JSON.stringify(fields));
    assertEquals(ok[1], (forged.id as string).slice(0, 64));
    assertMatch(ok[3] as string, /^invalid: \S/);
  }
  assertEquals(await idsOf(client, { ids: [event.id] }), []);
  await store(client, event);
});

Deno.test("a rightly signed event passes beside a forged one of the same burst", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const events = Array.from({ length: 64 }, (_, i) => signEvent(key, { content: `burst ${i}` }));
  const sent = events.map((event, i) => i % 7 === 3 ? { ...event, sig: events[0]!.sig } : event);
  const answers = await Promise.all(sent.map((event) => client.publish(event)));
  assertEquals(answers.map((ok) => ok[2]), sent.map((_, i) => i % 7 !== 3));
});

Deno.test("an event whose id is no text is answered by a NOTICE, since there is nothing to answer to", async () => {
  await using client = await connect(relay.url);
  for (const id of [1, null, ["x"], { a: 1 }, undefined]) {
    client.send(["EVENT", { ...signEvent(freshKey()), id }]);
    const notice = await client.next();
    assertEquals([notice[0], notice.length], ["NOTICE", 2]);
    assertMatch(notice[1] as string, /^invalid: .*id/);
  }
});

Deno.test("REQ brings stored events, then EOSE, then live ones until CLOSE", async () => {
  await using client = await connect(relay.url);
  await using publisher = await connect(relay.url);
  const key = freshKey();
  const [stored, live, late] = ["stored", "live", "late"].map((content) => signEvent(key, { content }));
  await store(publisher, stored!);
  client.send(["REQ", "sub", { authors: [key.pubkey] }]);
  assertEquals(await client.next(), ["EVENT", "sub", stored]);
  assertEquals(await client.next(), ["EOSE", "sub", ["finish"]]);
  await store(publisher, live!);
  assertEquals(await client.next(), ["EVENT", "sub", live]);
  client.send(["CLOSE", "sub"]);
  await settled(client);
  await store(publisher, late!);
  await store(client, signEvent(key, { content: "fence" }));
  assertEquals(client.inbox, []);
});

Deno.test("a REQ with an open id replaces the subscription", async () => {
  await using client = await connect(relay.url);
  const [first, second] = [freshKey(), freshKey()];
  client.send(["REQ", "same", { authors: [first.pubkey] }]);
  assertEquals(await untilEose(client, "same"), []);
  client.send(["REQ", "same", { authors: [second.pubkey] }]);
  assertEquals(await untilEose(client, "same"), []);
  await store(client, signEvent(first), signEvent(second));
  assertEquals((await nextEvent(client, "same")).pubkey, second.pubkey);
  client.send(["CLOSE", "same"]);
  await settled(client);
  assertEquals(client.inbox, []);
});

Deno.test("a REQ that is refused gets CLOSED with its id and a standard prefix, and opens nothing", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const refused: unknown[][] = [
    [],
    [{ ids: ["abc"] }],
    [{ authors: [key.pubkey], unheard: ["of"] }],
    [{ authors: [key.pubkey] }, { kinds: ["1"] }],
    [{ authors: [key.pubkey] }, 7],
    [{ authors: [key.pubkey], limit: -1 }],
  ];
  for (const filters of refused) {
    client.send(["REQ", "refused", ...filters]);
    const closed = await client.next();
    assertEquals(closed.slice(0, 2), ["CLOSED", "refused"], JSON.stringify(filters));
    assertEquals(closed.length, 3);
    assertMatch(closed[2] as string, REASON);
  }
  await store(client, signEvent(key));
  assertEquals(client.inbox, []);
});

Deno.test("a REQ with an open id that is refused ends the open subscription, as CLOSED says", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  client.send(["REQ", "sub", { authors: [key.pubkey] }]);
  await untilEose(client, "sub");
  client.send(["REQ", "sub", { kinds: "all" }]);
  assertEquals((await client.next()).slice(0, 2), ["CLOSED", "sub"]);
  await store(client, signEvent(key));
  await settled(client);
  assertEquals(takeEvents(client, "sub"), []);
});

Deno.test("subscription ids belong to their connection", async () => {
  await using one = await connect(relay.url);
  await using two = await connect(relay.url);
  const [first, second] = [freshKey(), freshKey()];
  one.send(["REQ", "id", { authors: [first.pubkey] }]);
  two.send(["REQ", "id", { authors: [second.pubkey] }]);
  await Promise.all([untilEose(one, "id"), untilEose(two, "id")]);
  await store(one, signEvent(first), signEvent(second));
  assertEquals((await nextEvent(one, "id")).pubkey, first.pubkey);
  assertEquals((await nextEvent(two, "id")).pubkey, second.pubkey);
  one.send(["CLOSE", "id"]);
  await settled(one);
  await store(one, signEvent(first, { content: "2" }), signEvent(second, { content: "2" }));
  assertEquals((await nextEvent(two, "id")).content, "2");
  assertEquals([one.inbox, two.inbox], [[], []]);
});

Deno.test("subscriptions of one connection that match an event get it once each", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  for (const id of ["a", "b", "c"]) {
    client.send(["REQ", id, { authors: [key.pubkey] }, { kinds: [1] }, {}]);
    await client.next((message) => message[0] === "EOSE" && message[1] === id);
  }
  client.inbox.length = 0;
  const event = signEvent(key);
  await store(client, event);
  for (const id of ["a", "b", "c"]) assertEquals((await nextEvent(client, id)).id, event.id);
  assertEquals(client.inbox, []);
});

Deno.test("a subscription id comes back as it was sent, up to 64 characters", async () => {
  await using client = await connect(relay.url);
  for (
    const id of ["x", 'quote " and \\', "line\nbreak\u0000", "日本語 🎉", "x".repeat(64), "🎉".repeat(64)]
  ) {
    client.send(["REQ", id, { limit: 0 }]);
    assertEquals(await client.next(), ["EOSE", id, []]);
    client.send(["CLOSE", id]);
  }
});

Deno.test("a subscription id that is empty, too long or no text is refused", async () => {
  await using client = await connect(relay.url);
  for (const verb of ["REQ", "COUNT"]) {
    for (const id of ["", "x".repeat(65), "🎉".repeat(65)]) {
      client.send([verb, id, {}]);
      const closed = await client.next();
      assertEquals(closed.slice(0, 2), ["CLOSED", id]);
      assertMatch(closed[2] as string, /^invalid: .*id/);
    }
    for (const id of ["x".repeat(100_000), 1, null, ["sub"], {}, true]) {
      client.send([verb, id, {}]);
      const notice = await client.next();
      assertEquals([notice[0], notice.length], ["NOTICE", 2]);
      assertMatch(notice[1] as string, /^invalid: .*id/);
    }
  }
});

Deno.test("CLOSE for an id that is not open changes nothing", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  client.send(["REQ", "open", { authors: [key.pubkey] }]);
  await untilEose(client, "open");
  client.send(["CLOSE", "never opened"]);
  client.send(["CLOSE", "open "]);
  const event = signEvent(key);
  await store(client, event);
  assertEquals((await nextEvent(client, "open")).id, event.id);
  await settled(client);
  assertEquals(client.inbox, []);
});

Deno.test("CLOSE while a long answer is on its way ends it, and the connection serves on", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  await store(
    client,
    ...Array.from({ length: 400 }, (_, i) => signEvent(key, { content: `${i} ${"x".repeat(4_000)}` })),
  );
  client.send(["REQ", "long", { authors: [key.pubkey], limit: 400 }]);
  client.send(["CLOSE", "long"]);
  await settled(client);
  client.inbox.length = 0;
  const event = signEvent(key, { content: "after" });
  await store(client, event);
  assertEquals(client.inbox, []);
  assertEquals(
    (await idsOf(client, { authors: [key.pubkey], since: nowSeconds() - 3600, limit: 500 })).length,
    401,
  );
});

Deno.test("a client that leaves with open subscriptions disturbs nobody", async () => {
  await using stays = await connect(relay.url);
  const key = freshKey();
  const leaving = await Promise.all(Array.from({ length: 10 }, () => connect(relay.url)));
  for (const client of [stays, ...leaving]) {
    client.send(["REQ", "sub", { authors: [key.pubkey] }]);
    await untilEose(client, "sub");
  }
  await Promise.all(leaving.map((client) => client.close()));
  const event = signEvent(key);
  await store(stays, event);
  assertEquals((await nextEvent(stays, "sub")).id, event.id);
});

Deno.test("what a refusal says begins with a prefix of NIP-01", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const fresh = signEvent(key, { kind: 10_002, created_at: nowSeconds() });
  const older = signEvent(key, { kind: 10_002, created_at: nowSeconds() - 10 });
  const far = signEvent(key, { created_at: nowSeconds() + 1_000_000 });
  const auth = signEvent(key, { kind: 22_242 });
  await store(client, fresh);
  for (const event of [older, far, auth]) {
    const ok = await client.publish(event);
    assertEquals(ok[2], false);
    assertMatch(ok[3], REASON);
    assertNotEquals(ok[3], "");
  }
  assert((await client.publish(fresh))[2]);
});
