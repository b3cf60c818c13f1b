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

Deno.test("a target that fails, asks for time and is slow gets every event in order, the same batch with one id", async () => {
  await using receiver = new HttpReceiver();
  const answers = [
    () => new Response("out of order", { status: 503 }),
    () => new Response(null, { status: 429, headers: { "retry-after": "1" } }),
    () => new Promise<Response>((resolve) => setTimeout(() => resolve(new Response(null)), 300)),
  ];
  receiver.answer = () => answers[receiver.received.length - 1]?.();
  await using relay = await forwarding(receiver, { FORWARD_LATENCY_MS: "1" });
  const ids = await publish(relay, makeEvents(25));
  await eventually(() => receiver.ids.length >= ids.length, BOUND_MS);
  assertEquals(receiver.ids, ids);
  const [first, second, third] = receiver.received;
  assertEquals(new Set([first, second, third].map((post) => post!.headers.get("webhook-id"))).size, 1);
  assertEquals([first!.text, second!.text], [third!.text, third!.text]);
});

Deno.test("an event that a target refuses is set aside alone, and those around it arrive", async () => {
  await using receiver = new HttpReceiver();
  await using relay = await forwarding(receiver, { FORWARD_LATENCY_MS: "500" });
  const events = makeEvents(8);
  const bad = events[5]!.id;
  receiver.answer = ({ events }) =>
    events.some(({ id }) => id === bad) ? new Response("not this one", { status: 422 }) : undefined;
  const ids = await publish(relay, events);
  await eventually(() => receiver.ids.length === ids.length - 1, BOUND_MS);
  assertEquals(receiver.ids, ids.filter((id) => id !== bad));
});

Deno.test("a target that dies costs nothing to one that lives, and gets everything when it is back", async () => {
  await using alive = new HttpReceiver();
  await using dead = new HttpReceiver();
  await dead.stop();
  await using relay = await forwarding(alive, { FORWARD_HTTP: `${alive.url},${dead.url}` });
  const ids = await publish(relay, makeEvents(30));
  await eventually(() => alive.ids.length === ids.length, BOUND_MS);
  dead.start();
  await eventually(() => dead.ids.length === ids.length, BOUND_MS);
  assertEquals([alive.ids, dead.ids], [ids, ids]);
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
