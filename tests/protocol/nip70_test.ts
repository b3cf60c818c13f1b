/**
 * NIP-70 from outside: a protected event comes from its author alone, and no repost carries one.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import type { TestClient } from "../support/client.ts";
import { signEvent, type TestEvent } from "../support/sign.ts";
import { connectAs, RELAY_URL } from "./auth.ts";
import { freshKey, idsOf, sharedRelay, store } from "./shared_relay.ts";

const relay = await sharedRelay({ RELAY_URL });
const PROTECTED = [["-"]];

async function refused(client: TestClient, event: TestEvent, reason: RegExp): Promise<void> {
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], reason);
  assertEquals(await idsOf(client, { ids: [event.id] }), []);
}

Deno.test("a protected event is refused from who has proved no key, and from who has proved another's", async () => {
  const author = freshKey();
  const event = signEvent(author, { tags: PROTECTED });
  await using nobody = await connectAs(relay.url);
  await refused(nobody, event, /^auth-required: \S/);
  await using other = await connectAs(relay.url, freshKey());
  await refused(other, event, /^restricted: \S/);
  await using itself = await connectAs(relay.url, author);
  await store(itself, event);
  assertEquals(await idsOf(nobody, { ids: [event.id] }), [event.id], "whoever reads may");
});

Deno.test("every proved key counts, the first and the last", async () => {
  const keys = [freshKey(), freshKey(), freshKey()];
  await using client = await connectAs(relay.url, ...keys);
  await store(client, ...keys.map((key) => signEvent(key, { tags: [["t", "x"], ...PROTECTED] })));
  await store(client, signEvent(freshKey()));
});

Deno.test("a repost must not embed a protected event, however it is written", async () => {
  const key = freshKey();
  await using client = await connectAs(relay.url, key);
  const note = signEvent(key, { tags: PROTECTED });
  for (const kind of [6, 16]) {
    const contents = [
      JSON.stringify(note),
      JSON.stringify(note, null, 2),
      JSON.stringify(note).replace('"-"', '"\\u002d"'),
    ];
    for (const content of contents) {
      await refused(client, signEvent(key, { kind, content, tags: [["e", note.id]] }), /^blocked: \S/);
    }
    const plain = { ...note, tags: [["t", "-"]], content: '["-"]' };
    await store(client, signEvent(key, { kind, content: JSON.stringify(plain) }), signEvent(key, { kind }));
  }
});
