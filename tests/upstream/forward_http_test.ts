/** Tests of forwarding by HTTP: a target that fails, is slow, refuses, dies; and a relay that is killed. */
import { assert, assertEquals } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { publishGood } from "../pipeline/traffic.ts";
import { firstOnes, HttpReceiver, isSigned } from "./http_receiver.ts";

const SECRET = "a secret of the test";
const BOUND_MS = 30_000;

let made = 0;
function makeEvents(many: number): TestEvent[] {
  return Array.from({ length: many }, () => signEvent(testKey(1), { content: `event ${++made}` }));
}

/** Publishes one after another, so that the order is known; returns the ids. */
async function publish(relay: TestRelay, events: readonly TestEvent[]): Promise<string[]> {
  await using client = await connect(relay.url);
  await publishGood(client, events, 1);
  return events.map(({ id }) => id);
}

function forwarding(receiver: HttpReceiver, env: Record<string, string> = {}) {
  return startRelay({
    env: { FORWARD_HTTP: receiver.url, FORWARD_HTTP_SECRET: SECRET, FORWARD_BATCH_EVENTS: "10", ...env },
  });
}

Deno.test("posts arrive in order and signed, each event once, while nothing goes wrong", async () => {
  await using receiver = new HttpReceiver();
  await using relay = await forwarding(receiver);
  const ids = await publish(relay, makeEvents(35));
  await eventually(() => receiver.ids.length >= ids.length, BOUND_MS);
  assertEquals(receiver.ids, ids);
  assert(receiver.received.every((post) => post.events.length <= 10 && isSigned(post, SECRET)));
  assert(
    receiver.received.every(({ headers }) => headers.get("idempotency-key") === headers.get("webhook-id")),
  );
  assertEquals(
    new Set(receiver.received.map(({ headers }) => headers.get("webhook-id"))).size,
    receiver.received.length,
  );
});
