/** Tests of /ws and of GET /api/forward: what consumers get, resume with and may not read; one that does not read. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { crash, metricOf, publishGood } from "../pipeline/traffic.ts";

const BOUND_MS = 30_000;
const TOKEN = "a token of the test";

let made = 0;
function makeEvents(many: number, kind = 1): TestEvent[] {
  return Array.from(
    { length: many },
    () => signEvent(testKey(1), { kind, content: `event ${++made}`, tags: [["t", `topic ${made % 2}`]] }),
  );
}

async function publish(relay: TestRelay, events: readonly TestEvent[], window = 1): Promise<string[]> {
  await using client = await connect(relay.url);
  await publishGood(client, events, window);
  return events.map(({ id }) => id);
}

/** A consumer that keeps every frame, as JSON. */
async function consume(relay: TestRelay, query = "", headers: Record<string, string> = {}) {
  // deno-lint-ignore no-explicit-any -- frames are what the test asserts
  const frames: any[] = [];
  const client = await connect(`${relay.url}/ws${query}`, {
    headers,
    onText: (text) => frames.push(JSON.parse(text)),
  });
  return { client, frames, ids: () => frames.map((frame) => (frame.event ?? frame).id) };
}

async function forwardPage(relay: TestRelay) {
  const answer = await fetch(`${relay.httpUrl}/api/forward`, {
    headers: { Authorization: `Bearer ${TOKEN}` },
  });
  assertEquals(answer.status, 200);
  return await answer.json();
}

Deno.test("consumers at /ws get what they ask for, each every event, and resume after their last place", async () => {
  await using relay = await startRelay({ env: { FORWARD_WS: "true", API_TOKEN: TOKEN } });
  const whole = await consume(relay);
  const second = await consume(relay, "?seq=true");
  const narrow = await consume(relay, `?kinds=1,2&t=${encodeURIComponent("topic 1")}`);
  const json = await consume(relay, `?filter=${encodeURIComponent('{"kinds":[7]}')}`);
  const ids = await publish(relay, [...makeEvents(20), ...makeEvents(3, 7)]);
  await eventually(() => [whole, second].every(({ frames }) => frames.length === ids.length), BOUND_MS);
  assertEquals([whole.ids(), second.ids()], [ids, ids]);
  assertEquals(Object.keys(whole.frames[0])[0], "id");
  await eventually(() => narrow.frames.length === 10 && json.frames.length === 3, BOUND_MS);
  assert(narrow.frames.every(({ tags, kind }) => tags[0][1] === "topic 1" && kind === 1));

  const resumed = await consume(relay, `?after=${second.frames[4].seq}`);
  await eventually(() => resumed.frames.length === ids.length - 5, BOUND_MS);
  assertEquals(resumed.ids(), ids.slice(5));
  const { consumers, log_seq } = await forwardPage(relay);
  assertEquals(consumers.map(({ lag_events }: { lag_events: number }) => lag_events), [0, 0, 0, 0, 0]);
  assertEquals(log_seq, second.frames.at(-1).seq);

  for (const wrong of ["?after=x", "?kinds=x", "?filter=[]", "?nothing=1", "?search=x"]) {
    const refused = await consume(relay, wrong);
    assertEquals((await refused.client.closed).code, 1008, wrong);
  }
  // A router that dies closes its sockets; what came meanwhile is fetched by resuming.
  const last = second.frames.at(-1).seq;
  await crash(relay, "router");
  assertEquals((await whole.client.closed).code, 1012);
  const more = await publish(relay, makeEvents(5));
  const after = await eventually(async () => {
    const again = await consume(relay, `?after=${last}`);
    await eventually(() => again.frames.length === 5, 2_000);
    return again;
  }, BOUND_MS);
  assertEquals(after.ids(), more);
  for (const { client } of [second, narrow, json, resumed, after]) await client.close();
});

Deno.test("peers that do not read hold up nobody, and get everything when they read", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const FORWARD_TCP_PORT = String(freePort());
  await using relay = await startRelay({
    env: {
      FORWARD_WS: "true",
      WEBSOCKET_ENGINE: "ws",
      FORWARD_TCP_PORT,
      FORWARD_TCP: `127.0.0.1:${silent.addr.port}`,
      FORWARD_HTTP: `http://127.0.0.1:${silent.addr.port}/never`,
    },
  });
  using idle = await Deno.connect({ hostname: "127.0.0.1", port: Number(FORWARD_TCP_PORT) });
  await idle.write(new TextEncoder().encode('{"after":0}\n'));
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(relay.url).port) });
  const request =
    "GET /ws?seq=true HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  await socket.write(new TextEncoder().encode(request));
  const reader = await consume(relay);
  const content = "x".repeat(60_000);
  const events = Array.from({ length: 250 }, (_, n) => signEvent(testKey(2), { content: `${n} ${content}` }));
  const ids = await publish(relay, events, 50);
  await eventually(() => reader.frames.length === ids.length, BOUND_MS);
  // What waits for it is bounded: the rest is in the log.
  await eventually(async () => await metricOf(relay, "nostr_forward_waiting_events") > 0, BOUND_MS);
  assert(await metricOf(relay, "nostr_forward_waiting_events") < 200);
  let text = "";
  const seen = new Set<string>();
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(1024 * 1024);
  while (seen.size < ids.length) {
    const bytes = await socket.read(chunk);
    text = text.slice(-64) + decoder.decode(chunk.subarray(0, bytes!), { stream: true });
    for (const [, number] of text.matchAll(/"content":"(\d+) /g)) seen.add(number!);
  }
  socket.close();
  await reader.client.close();
  assertEquals((await relay.stop()).code, 0);
  assertEquals(relay.output().match(/.*router.*(not|late|end).*/gi), null);
});

Deno.test("where reading is restricted, /ws needs an admin's proof; off, it is not there", async () => {
  await using target = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    await request.text();
    return new Response(null, { status: 401 });
  });
  const url = `http://127.0.0.1:${target.addr.port}/hook`;
  await using relay = await startRelay({
    env: { FORWARD_WS: "true", API_TOKEN: TOKEN, FORWARD_FILTER: '{"kinds":[1,1059]}', FORWARD_HTTP: url },
  });
  const refused = await consume(relay);
  assertMatch((await refused.client.closed).reason, /^auth-required: /);
  const admitted = await consume(relay, "", { Authorization: `Bearer ${TOKEN}` });
  const ids = await publish(relay, makeEvents(2));
  await eventually(() => admitted.frames.length === 2, BOUND_MS);
  assertEquals(admitted.ids(), ids);
  const { targets } = await eventually(async () => {
    const page = await forwardPage(relay);
    return page.targets[0].failures_total > 0 && page;
  }, BOUND_MS);
  assertEquals([targets[0].type, targets[0].target, targets[0].set_aside_total], ["http", url, 0]);
  assertMatch(targets[0].last_failure.reason, /401/);
  assert(targets[0].lag_events > 0);
  assertEquals(
    await fetch(`${relay.httpUrl}/api/forward`).then(async (r) => (await r.text(), r.status)),
    401,
  );
  await admitted.client.close();
  await relay.restart({ FORWARD_WS: "false", FORWARD_TCP_PORT: String(freePort()) });
  const absent = await connect(`${relay.url}/ws`).then(() => "connected", () => "refused");
  assertEquals(absent, "refused");
});
