/**
 * Pages and sockets that other actors answer, from outside: who reaches them, what is refused and bounded, and what becomes
 * of them when the actor dies. The actors' own tests say what they answer.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { hash } from "node:crypto";
import { crash, metricOf } from "../pipeline/traffic.ts";
import { headerOf } from "../protocol/management.ts";
import { freshKey } from "../protocol/shared_relay.ts";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { type EventTemplate, signEvent, type TestKey } from "../support/sign.ts";

const WAIT_MS = 30_000;
const CONNECTIONS_MAX = 6;
const BEARER = { Authorization: "Bearer sesame" };
const [admin, stranger] = [freshKey(), freshKey()];
const relay = await startRelay({
  env: {
    RELAY_ADMINS: admin.pubkey,
    API_TOKEN: "sesame",
    FANOUT: "true",
    FORWARD_WS: "true",
    GATEWAY_WORKERS: "2",
    RESTART_DELAY_MS: "50",
    CONNECTIONS_PER_IP_MAX: `${CONNECTIONS_MAX}`,
  },
});
Deno.test.afterAll(async () => {
  assertEquals(await relay.stop(), { code: 0, signal: null });
});

const ADMIN_PAGES = [["GET", "/api/forward"]] as const;
const KEYED_PAGES = [
  ["POST", "/api/bots/register"],
  ["DELETE", `/api/bots/${"ab".repeat(32)}`],
  ["POST", "/api/subscriptions"],
  ["GET", `/api/subscriptions/${"ab".repeat(32)}`],
  ["DELETE", "/api/subscriptions"],
] as const;
const ABSENT_PAGES = [
  ["GET", "/status"],
  ["GET", "/api/relays"],
  ["POST", "/api/relays/add"],
  ["DELETE", "/api/relays/remove"],
] as const;

/** The proof of a key for a request, or of another request by its tags. */
function proof(
  key: TestKey,
  method: string,
  target: string,
  changes: EventTemplate & { body?: string } = {},
) {
  const { body, ...fields } = changes;
  const tags = [["u", relay.httpUrl + target], ["method", method], ["nonce", crypto.randomUUID()]];
  if (body !== undefined) tags.push(["payload", hash("sha256", body, "hex")]);
  return { Authorization: headerOf(signEvent(key, { kind: 27_235, tags, ...fields })) };
}

async function ask(method: string, target: string, headers: HeadersInit = {}, body?: string) {
  const response = await fetch(relay.httpUrl + target, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function statusOf(...request: Parameters<typeof ask>): Promise<number> {
  return (await ask(...request)).status;
}

Deno.test("nobody reaches a page of an actor without a proof, and pages for admins without being one", async () => {
  for (const [method, target] of [...ADMIN_PAGES, ...KEYED_PAGES]) {
    const { status, headers, body } = await ask(method, target);
    assertEquals([status, headers.get("WWW-Authenticate")], [401, "Nostr, Bearer"], target);
    assertMatch(body.error, /^Cannot authorize request: /);
    assertEquals(await statusOf(method, target, { Authorization: "Bearer sesam" }), 401);
  }
  for (const [method, target] of ADMIN_PAGES) {
    assertEquals(await statusOf(method, target, proof(stranger, method, target)), 403, target);
  }
});

Deno.test("a proof for another page, query, method or body, a forged one and an old one are 401", async () => {
  const [method, target] = ["POST", "/api/subscriptions"];
  const wrong = [
    proof(stranger, method, "/api/bots/register", { body: "{}" }),
    proof(stranger, method, `${target}?x`, { body: "{}" }),
    proof(stranger, "DELETE", target, { body: "{}" }),
    proof(stranger, method, target, { body: "[]" }),
    proof(stranger, method, target),
    proof(stranger, method, target, { body: "{}", created_at: Math.floor(Date.now() / 1000) - 600 }),
    proof(stranger, method, target, { body: "{}", kind: 1 }),
  ];
  const right = signEvent(stranger, {
    kind: 27_235,
    tags: [["u", relay.httpUrl + target], ["method", method]],
  });
  wrong.push({ Authorization: headerOf({ ...right, pubkey: admin.pubkey }) });
  wrong.push({ Authorization: headerOf({ ...right, sig: "0".repeat(128) }) });
  for (const [n, header] of wrong.entries()) {
    assertEquals(await statusOf(method, target, header, "{}"), 401, `proof ${n}`);
  }
});

Deno.test("a page of an actor that is not configured is 404, and says which setting starts it", async () => {
  for (const [method, target] of ABSENT_PAGES) {
    const { status, body } = await ask(method, target, BEARER);
    assertEquals(status, 404);
    assertMatch(body.error, /^Cannot answer page "\/.*UPSTREAM_RELAYS/);
  }
});

Deno.test("a body without bound is 413, a URL without bound 414, another method 405", async () => {
  assertEquals(await statusOf("POST", "/api/subscriptions", BEARER, "x".repeat(100_000)), 413);
  assertEquals(await statusOf("GET", `/api/forward?${"x".repeat(9_000)}`, BEARER), 414);
  const { status, headers } = await ask("PUT", "/api/subscriptions", BEARER, "{}");
  assertEquals([status, headers.get("Allow")], [405, "DELETE, OPTIONS, POST"]);
  assertMatch(headers.get("Access-Control-Allow-Methods")!, /DELETE/);
});

Deno.test("requests are answered when their actor dies, and a used proof is used up at every gateway", async () => {
  const body = "{}";
  const target = "/api/subscriptions";
  const headers = Array.from({ length: 4 }, () => proof(stranger, "POST", target, { body }));
  const first = headers.map((header) => ask("POST", target, header, body));
  await crash(relay, "fanout");
  for (const { status, body } of await Promise.all(first)) {
    assert(status !== 401, "a proof that was not used");
    if (status === 503) assertMatch(body.error, /the actor "fanout" was started again/);
  }
  // On connections of both gateways.
  const again = headers.flatMap((header) => [1, 2].map(() => ask("POST", target, header, body)));
  for (const { status, body } of await Promise.all(again)) {
    assertEquals(status, 401);
    assertMatch(body.error, /its event has authorized another one/);
  }
});

Deno.test("sockets of actors are refused for a wrong proof, and elsewhere", async () => {
  const statusOfHandshake = async (target: string, headers: Record<string, string> = {}) => {
    const handshake = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13" };
    const key = { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };
    const response = await fetch(relay.httpUrl + target, { headers: { ...handshake, ...key, ...headers } });
    await response.body?.cancel();
    return response.status;
  };
  for (const path of ["/ws", "/fanout"]) {
    assertEquals(await statusOfHandshake(path, { Authorization: "Bearer sesam" }), 401);
    assertEquals(await statusOfHandshake(path, proof(stranger, "GET", `${path}?x`)), 401);
    assertEquals(await statusOfHandshake(`${path}?${"x".repeat(9_000)}`), 414);
  }
  assertEquals(await statusOfHandshake("/wsx"), 404);
});

Deno.test("sockets of actors count as connections, and are closed when their actor dies", async () => {
  const open = (path: string) => connect(relay.url + path, { headers: BEARER });
  const clients = await Promise.all([
    ...Array.from({ length: CONNECTIONS_MAX - 1 }, () => open("/fanout")),
    open("/ws"),
  ]);
  await eventually(
    async () => await metricOf(relay, "nostr_connections_active") === CONNECTIONS_MAX,
    WAIT_MS,
  );
  for (const path of ["", "/ws"]) {
    await using over = await open(path);
    assertEquals((await over.closed).code, 1013, path);
  }
  await crash(relay, "fanout");
  const codes = await Promise.all(clients.slice(0, -1).map(async ({ closed }) => (await closed).code));
  assertEquals(codes, codes.map(() => 1012));
  await eventually(async () => await metricOf(relay, "nostr_connections_active") === 1, WAIT_MS);
  await using next = await open("/fanout");
  assertEquals(next.socket.readyState, WebSocket.OPEN);
  await clients.at(-1)![Symbol.asyncDispose]();
});

Deno.test("metrics are there by the names of other relayers, and as JSON", async () => {
  const text = await (await fetch(`${relay.httpUrl}/metrics`)).text();
  for (
    const name of [
      "events_processed_total",
      "duplicates_filtered_total",
      "memory_usage_bytes",
      "active_connections",
    ]
  ) assertMatch(text, new RegExp(`^${name} \\d+`, "m"));
  assertMatch(text, /^processing_latency_seconds_count \d+/m);
  assertMatch(text, /^events_in_queue \d+/m);
  const { status, body } = await ask("GET", "/api/metrics/summary");
  assertEquals(status, 200);
  assertEquals(Object.keys(body).sort(), [
    "active_connections",
    "duplicates_filtered_total",
    "events_in_queue",
    "events_processed_total",
    "memory_usage_mb",
  ]);
  assert((await ask("GET", "/api/metrics/memory")).body.memory_usage_bytes > 1_000_000);
});
