/** Tests of forwarding by TCP: targets that acknowledge or do not, die and come back; consumers that resume. */
import { assert, assertEquals } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { publishGood } from "../pipeline/traffic.ts";
import { firstOnes } from "./http_receiver.ts";
import { connectLines, LineTarget } from "./line_peer.ts";

const BOUND_MS = 30_000;

let made = 0;
function makeEvents(many: number, kind = 1): TestEvent[] {
  return Array.from({ length: many }, () => signEvent(testKey(1), { kind, content: `event ${++made}` }));
}

/** Publishes one after another, so that the order is known; returns the ids. */
async function publish(relay: TestRelay, events: readonly TestEvent[]): Promise<string[]> {
  await using client = await connect(relay.url);
  await publishGood(client, events, 1);
  return events.map(({ id }) => id);
}

Deno.test("targets that acknowledge, or do not, get every event in order though they and the relay die", async () => {
  await using silent = new LineTarget(freePort());
  await using acknowledging = new LineTarget(freePort(), 5);
  await using relay = await startRelay({
    env: { FORWARD_TCP: `127.0.0.1:${silent.port},127.0.0.1:${acknowledging.port}` },
  });
  const hasAll = (ids: readonly string[]) =>
    [silent, acknowledging].every((target) => new Set(target.ids).size === ids.length);
  const ids = await publish(relay, makeEvents(13));
  await eventually(() => hasAll(ids), BOUND_MS);
  assertEquals([silent.ids, acknowledging.ids], [ids, ids]);

  await silent.stop();
  await acknowledging.stop();
  ids.push(...await publish(relay, makeEvents(7)));
  silent.start();
  acknowledging.start();
  await eventually(() => hasAll(ids), BOUND_MS);
  // What was acknowledged does not come again.
  assertEquals(acknowledging.ids, [...ids.slice(0, 13), ...ids.slice(10)]);

  await relay.kill();
  await relay.restart();
  ids.push(...await publish(relay, makeEvents(6)));
  await eventually(() => hasAll(ids), BOUND_MS);
  assertEquals([firstOnes(silent.ids), firstOnes(acknowledging.ids)], [ids, ids]);
});

Deno.test("consumers fetch what they ask for, from where they want to begin, and are told of mistakes", async () => {
  const port = freePort();
  await using relay = await startRelay({ env: { FORWARD_TCP_PORT: String(port) } });
  await using live = await connectLines(port);
  await live.send({ filter: { kinds: [7] } });
  await using fresh = await connectLines(port);
  const stored = await publish(relay, makeEvents(10));
  await publish(relay, makeEvents(3, 7));
  await eventually(() => live.lines.length === 3 && fresh.lines.length === 13, BOUND_MS);
  assert(live.lines.every(({ event }) => event.kind === 7));

  await using resumed = await connectLines(port);
  await resumed.send({ after: fresh.lines[3]!.seq, filter: { kinds: [1] } });
  await eventually(() => resumed.lines.length === 6, BOUND_MS);
  assertEquals(resumed.ids, stored.slice(4));

  for (const wrong of [{ after: -1 }, { filter: { nothing: 1 } }, { before: 1 }, []]) {
    await using refused = await connectLines(port);
    await refused.send(wrong);
    await eventually(() => refused.isEnded, BOUND_MS);
    assertEquals(typeof refused.lines[0]?.error, "string");
  }
});

Deno.test("an ephemeral event passes to consumers that are there, and its sender hears that it was heard", async () => {
  const port = freePort();
  await using relay = await startRelay({ env: { FORWARD_TCP_PORT: String(port) } });
  await using consumer = await connectLines(port);
  const [stored] = await publish(relay, makeEvents(1));
  await eventually(() => consumer.lines.length === 1, BOUND_MS);
  const [ephemeral] = await publish(relay, makeEvents(1, 20_001));
  await eventually(() => consumer.lines.length === 2, BOUND_MS);
  assertEquals(consumer.ids, [stored!, ephemeral!]);
});
