/**
 * Tests of clients that choose keys: many keys of one filter in one event, keys that share a bucket, values that share a
 * key. They cost those who choose them, and no answer goes missing. What it costs in steps, unit tests count.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { OTHER_TWIN_TOPICS, TWIN_TOPICS } from "../support/colliding_keys.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { metricOf } from "../pipeline/traffic.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

/** Longer than a relay takes for anything here, ms: this is no test of time. */
const PATIENCE_MS = 60_000;

async function subscribe(client: TestClient, id: string, ...filters: object[]): Promise<void> {
  client.send(["REQ", id, ...filters]);
  const [type] = await client.next(([type, name]) => (type === "EOSE" || type === "CLOSED") && name === id);
  assertEquals(type, "EOSE");
}

Deno.test("a filter that many tags of events lead to in vain ends, and others hear the events", async () => {
  await using relay = await startRelay({ env: { GATEWAYS: "1" } });
  await using attacker = await connect(relay.url, { timeoutMs: PATIENCE_MS });
  await using other = await connect(relay.url, { timeoutMs: PATIENCE_MS });
  const topics = Array.from({ length: 2_040 }, (_, n) => `topic ${n}`);
  const rooms = topics.map((_, n) => `room ${n}`);
  // Each of these is found by 2,040 tags and asked about 2,040 more: together 49,000 steps an event.
  const filter = (n: number) => ({ "#t": topics, "#r": rooms.map((room) => `${n} ${room}`), limit: 0 });
  for (let n = 0; n < 12; n += 2) await subscribe(attacker, `${n}`, filter(n), filter(n + 1));
  await subscribe(other, "all", { kinds: [20_001], limit: 0 });
  const tags = [...topics.map((topic) => ["t", topic]), ...rooms.map((room) => ["r", room])];
  let closed = false;
  attacker.nextOfType("CLOSED").then(([, , reason]) => {
    assertMatch(String(reason), /^rate-limited: the filters cost too much/);
    closed = true;
  }).catch(() => {});
  // Steps of one second count together; so many events at once wait for no other.
  for (let n = 0; !closed && n < 100; n++) {
    const events = [0, 1, 2, 3].map((at) =>
      signEvent(testKey(1), { kind: 20_001, tags, content: `${n} ${at}` })
    );
    await Promise.all(events.map((event) => other.publish(event)));
    const heard = new Set<unknown>();
    for (const _ of events) heard.add(((await other.nextOfType("EVENT"))[2] as { id: string }).id);
    assertEquals(heard, new Set(events.map(({ id }) => id)));
  }
  assert(closed, "the subscriptions were ended");
  await eventually(async () => await metricOf(relay, "nostr_subscriptions_active") === 1);
  assertEquals(await metricOf(relay, "nostr_filter_values_held"), 5);
});

Deno.test("authors whose keys fold to one value are filed and left like others", async () => {
  await using relay = await startRelay({ env: { GATEWAYS: "1" } });
  await using other = await connect(relay.url, { timeoutMs: PATIENCE_MS });
  await using attacker = await connect(relay.url, { timeoutMs: PATIENCE_MS });
  let high = 0;
  const author = () => {
    const low = (Math.imul(++high, 0x9e3779b1) ^ 5) >>> 0;
    return high.toString(16).padStart(64 - 8, "0") + low.toString(16).padStart(8, "0");
  };
  for (let n = 0; n < 12; n++) {
    await subscribe(attacker, `${n}`, { authors: Array.from({ length: 3_800 }, author), limit: 0 });
  }
  attacker.socket.close();
  await attacker.closed;
  await eventually(async () => await metricOf(relay, "nostr_filter_values_held") === 0);
  assertEquals((await other.query({ limit: 1 })).closed, undefined);
});

Deno.test("topics that are numbers with one hash are found and heard like others", async () => {
  await using relay = await startRelay();
  await using client = await connect(relay.url, { timeoutMs: PATIENCE_MS });
  const topics = Array.from({ length: 4_900 }, (_, n) => `${n * 8_192}`);
  await subscribe(client, "numbers", { "#t": topics, limit: 0 });
  await subscribe(client, "beside", { "#t": topics, "#r": ["0"], limit: 0 });
  const event = signEvent(testKey(1), {
    tags: [...topics.slice(1).map((topic) => ["t", topic]), ["r", "0"]],
  });
  assertEquals(await client.publish(event), ["OK", event.id, true, ""]);
  const heard = [await client.nextOfType("EVENT"), await client.nextOfType("EVENT")].map(([, id]) => id);
  assertEquals(heard.toSorted(), ["beside", "numbers"]);
  const { events } = await client.query({ "#t": topics.slice(0, 100), "#r": topics });
  assertEquals(events.map(({ id }) => id), [event.id]);
});

Deno.test("two values of one key in one filter are both heard, stored and live", async () => {
  await using relay = await startRelay();
  await using client = await connect(relay.url, { timeoutMs: PATIENCE_MS });
  for (const [n, twins] of [TWIN_TOPICS, OTHER_TWIN_TOPICS].entries()) {
    const mention = ["p", testKey(9).pubkey];
    await subscribe(client, `found by them ${n}`, { "#t": twins, limit: 0 });
    await subscribe(client, `looked into ${n}`, {
      "#t": [...twins, "another"],
      "#p": [mention[1]],
      limit: 0,
    });
    const ids: string[] = [];
    for (const topic of twins) {
      const event = signEvent(testKey(1), { tags: [["t", topic], mention] });
      assertEquals(await client.publish(event), ["OK", event.id, true, ""]);
      const heard = [await client.nextOfType("EVENT"), await client.nextOfType("EVENT")];
      assertEquals(heard.map(([, id]) => id).toSorted(), [`found by them ${n}`, `looked into ${n}`]);
      ids.push(event.id);
    }
    const { events } = await client.query({ "#t": twins });
    assertEquals(events.map(({ id }) => id).toSorted(), ids.toSorted());
  }
});
