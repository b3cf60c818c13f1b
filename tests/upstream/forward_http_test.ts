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

Deno.test("targets that fail, refuse, are slow or dead get every event in order, whatever the others do", async () => {
  await using good = new HttpReceiver();
  await using flaky = new HttpReceiver();
  await using picky = new HttpReceiver();
  await using dead = new HttpReceiver();
  const answers = [
    () => new Response("out of order", { status: 503 }),
    () => new Response(null, { status: 429, headers: { "retry-after": "1" } }),
    () => new Promise<Response>((resolve) => setTimeout(() => resolve(new Response(null)), 300)),
  ];
  flaky.answer = () => answers[flaky.received.length - 1]?.();
  const events = makeEvents(35);
  const bad = events[5]!.id;
  picky.answer = ({ events }) =>
    events.some(({ id }) => id === bad) ? new Response("not this one", { status: 422 }) : undefined;
  await dead.stop();
  const FORWARD_HTTP = [good, flaky, picky, dead].map(({ url }) => url).join(",");
  await using relay = await forwarding(good, { FORWARD_HTTP });
  const ids = await publish(relay, events);
  await eventually(() => good.ids.length >= ids.length, BOUND_MS, "the good target has everything");
  dead.start();
  const others = () => [flaky.ids.length, picky.ids.length, dead.ids.length].join();
  await eventually(() => others() === "35,34,35", BOUND_MS, "the others have everything");
  assertEquals([good.ids, flaky.ids, dead.ids], [ids, ids, ids]);
  assertEquals(picky.ids, ids.filter((id) => id !== bad));

  assert(good.received.every((post) => post.events.length <= 10 && isSigned(post, SECRET)));
  const webhookIds = good.received.map(({ headers }) => headers.get("webhook-id"));
  assertEquals(webhookIds, good.received.map(({ headers }) => headers.get("idempotency-key")));
  assertEquals(new Set(webhookIds).size, webhookIds.length);
  const attempts = flaky.received.slice(0, 3);
  assertEquals(new Set(attempts.map(({ headers }) => headers.get("webhook-id"))).size, 1);
  assertEquals(new Set(attempts.map(({ text }) => text)).size, 1);
  // It asked for a second, by its own clock.
  assert(attempts[2]!.atMs - attempts[1]!.atMs >= 990);
});

Deno.test("a relay that is killed in the middle sends every event in order, and the open batch under its id", async () => {
  await using receiver = new HttpReceiver();
  await using relay = await forwarding(receiver, { FORWARD_LATENCY_MS: "1" });
  const before = await publish(relay, makeEvents(12));
  await eventually(() => receiver.ids.length === before.length, BOUND_MS);
  receiver.answer = () => new Response(null, { status: 503 });
  const between = await publish(relay, makeEvents(23));
  await eventually(() => receiver.received.at(-1)!.isTaken === false, BOUND_MS);
  const open = receiver.received.at(-1)!;
  await relay.kill();
  receiver.answer = () => undefined;
  await relay.restart();
  const after = await publish(relay, makeEvents(5));
  const ids = [...before, ...between, ...after];
  await eventually(() => new Set(receiver.ids).size === ids.length, BOUND_MS);
  assertEquals(firstOnes(receiver.ids), ids);
  const again = receiver.received.filter(({ headers }) =>
    headers.get("webhook-id") === open.headers.get("webhook-id")
  );
  assert(again.some(({ isTaken }) => isTaken));
  assertEquals(again.at(-1)!.text, open.text);
  assert(receiver.received.every((post) => isSigned(post, SECRET)));
});

Deno.test("what was removed meanwhile, is private or does not match is not sent", async () => {
  await using receiver = new HttpReceiver(() => new Response(null, { status: 503 }));
  await using relay = await forwarding(receiver, {
    FORWARD_FILTER: '{"kinds":[1,5,4,7]}',
    PRIVATE_KINDS: "7,9",
  });
  const [kept, removed] = makeEvents(2);
  const others = [9, 10_002].map((kind) => signEvent(testKey(1), { kind }));
  const named = signEvent(testKey(1), { kind: 7, content: "+" });
  await publish(relay, [kept!, removed!]);
  await eventually(() => receiver.received.at(-1)?.events.length === 2, BOUND_MS);
  const deletion = signEvent(testKey(1), { kind: 5, tags: [["e", removed!.id]] });
  await publish(relay, [deletion, ...others, named]);
  receiver.answer = () => undefined;
  await eventually(() => receiver.ids.length === 3, BOUND_MS);
  assertEquals(receiver.ids, [kept!.id, deletion.id, named.id]);
});
