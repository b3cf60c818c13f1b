/**
 * Tests of events that cost much to look at or to store: junk is decided by what is cheapest, and a sender of many tags
 * has a share of the work, as senders of many bytes have.
 */
// alone: a client has to send faster than the relay stores.
import { assert, assertEquals } from "@std/assert";
import { EVENT_TAGS_UNANSWERED_MAX } from "../../lib/limits.ts";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";

const TAGS = 4_900;
const PATIENCE_MS = 60_000;

function manyTags(name: string): TestEvent {
  const tags = Array.from({ length: TAGS }, (_, n) => ["t", `${name} ${n}`]);
  return signEvent(testKey(1), { tags, content: name });
}

for (const engine of ["serve", "ws"]) {
  Deno.test(`a sender of events with many tags has few of them before a bystander's (${engine})`, async () => {
    await using relay = await startRelay({ env: { WEBSOCKET_ENGINE: engine, GATEWAYS: "1" } });
    await using sender = await connect(relay.url, { timeoutMs: PATIENCE_MS });
    await using bystander = await connect(relay.url, { timeoutMs: PATIENCE_MS });
    const events = Array.from({ length: 50 }, (_, n) => manyTags(`${n}`));
    let accepted = 0;
    const first = Promise.withResolvers<void>();
    const all = Promise.all(events.map(async (event) => {
      const [, , isAccepted, reason] = await sender.publish(event);
      assert(isAccepted, reason);
      accepted++;
      first.resolve();
    }));
    await first.promise;
    const before = accepted;
    const note = signEvent(testKey(2), { content: "a note" });
    assertEquals(await bystander.publish(note), ["OK", note.id, true, ""]);
    const meanwhile = accepted - before;
    // What waited when the note came, and what came while it was stored with others.
    const most = 3 * EVENT_TAGS_UNANSWERED_MAX / TAGS;
    assert(meanwhile <= most, `${meanwhile} events with ${TAGS} tags were stored before a note`);
    await all;
  });
}

Deno.test("events with chosen tags and a wrong id or signature are refused, and those with few tags go on", async () => {
  await using relay = await startRelay();
  await using sender = await connect(relay.url, { timeoutMs: PATIENCE_MS });
  const right = manyTags("right");
  const other = manyTags("other");
  const wrongId = { ...right, id: other.id };
  const wrongSignature = { ...right, sig: other.sig };
  assertEquals((await sender.publish(wrongId))[3], "invalid: the id is not the hash of the event");
  assertEquals((await sender.publish(wrongSignature))[3], "invalid: the signature does not verify");
  assertEquals((await sender.publish(right)).slice(2), [true, ""]);
  const spaced = JSON.stringify(["EVENT", manyTags("spaced")], null, 1);
  sender.sendRaw(spaced);
  assertEquals((await sender.nextOfType("OK")).slice(2), [true, ""]);
});
