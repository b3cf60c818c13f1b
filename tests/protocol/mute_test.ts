/**
 * `mute:` from outside (NIP-01): the sender of an ephemeral event learns that nobody listens, and only then.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { signEvent, type TestEvent } from "../support/sign.ts";
import { freshKey, nextEvent, sharedRelay, store, untilEose } from "./shared_relay.ts";

const relay = await sharedRelay({ GATEWAY_WORKERS: "2" });
/** Connections of which each gateway has some. */
const LISTENERS = 8;

async function unheard(client: TestClient, event: TestEvent): Promise<void> {
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], /^mute: \S/);
}

Deno.test("an ephemeral event is muted while nobody listens, on no gateway", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const tags = [["p", "ab".repeat(32)]];
  let serial = 0;
  const next = () => signEvent(key, { kind: 24_133, tags, content: `${serial++}` });
  await unheard(client, next());
  const filters: TestFilter[] = [{ kinds: [24_133], "#p": [tags[0]![1]] }, { authors: [key.pubkey] }, {}];
  for (let i = 0; i < LISTENERS; i++) {
    await using listener = await connect(relay.url);
    listener.send(["REQ", "live", { ...filters[i % filters.length], limit: 0 }]);
    await untilEose(listener, "live");
    const heard = next();
    await store(client, heard);
    assertEquals(await nextEvent(listener, "live"), heard);
    // Half of them say so, the others are just gone.
    if (i % 2) listener.send(["CLOSE", "live"]);
    else await listener.close();
    await eventually(async () => !(await client.publish(next()))[2], 10_000, "nobody listens any more");
  }
});

Deno.test("subscriptions that cannot match an ephemeral event do not listen to it", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  client.send(["REQ", "notes", { kinds: [1], authors: [key.pubkey] }]);
  await untilEose(client, "notes");
  client.send(["REQ", "another kind", { kinds: [20_002] }]);
  await untilEose(client, "another kind");
  await unheard(client, signEvent(key, { kind: 20_001 }));
  client.send(["REQ", "own", { authors: [key.pubkey], limit: 0 }]);
  await untilEose(client, "own");
  const event = signEvent(key, { kind: 20_001, content: "heard by its sender" });
  await store(client, event);
  assertEquals(await nextEvent(client, "own"), event);
});
