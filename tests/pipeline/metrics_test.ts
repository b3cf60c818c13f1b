/** Tests of what the relay tells about itself while it works: /metrics and /health, summed over its threads. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { METRICS } from "../../lib/metrics/metrics.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { indexed, metricsOf, publishGood } from "./traffic.ts";

const GATEWAYS = 2;
const CLIENTS = 10;

/** Waits until clients are on both gateways: /health names those of the gateway that answers. */
async function connectToBoth(relay: TestRelay): Promise<TestClient[]> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(relay.url)));
  const sizes = new Set<number>();
  await eventually(async () => {
    const { subscriptions } = await healthOf(relay);
    sizes.add(Object.keys(subscriptions.byConnection).length);
    return !sizes.has(CLIENTS) && sizes.size > 0;
  });
  return clients;
}

/** A page over a connection of its own, so that either gateway may answer. */
async function page(relay: TestRelay, path: string): Promise<string> {
  using client = Deno.createHttpClient({});
  return await (await fetch(relay.httpUrl + path, { client })).text();
}

interface Health {
  readonly status: string;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly queueLength: number;
  readonly subscriptions: { readonly total: number; readonly byConnection: Record<string, number> };
  readonly durability: string;
  readonly verifier: { readonly tier: string; readonly description: string };
  readonly search: { readonly backend: string; readonly available: boolean; readonly lagEvents: number };
}

async function healthOf(relay: TestRelay): Promise<Health> {
  return JSON.parse(await page(relay, "/health"));
}

/** What a client sends in this test: eight events of which five are good, and each other verb once. */
async function sendOneOfEach(client: TestClient, n: number): Promise<void> {
  const key = testKey(n);
  await publishGood(client, [
    signEvent(key, { content: `note ${n}` }),
    signEvent(key, { kind: 0, content: `{"name":"n ${n}"}` }),
    signEvent(key, { kind: 30_023, tags: [["d", "a"]] }),
    signEvent(key, { kind: 20_001 }),
  ]);
  const note = signEvent(key, { content: `again ${n}` });
  await client.publish(note);
  await client.publish(note);
  await client.publish({ ...note, sig: "00".repeat(64) });
  await client.publish({ ...note, id: "00".repeat(32) });
  client.send(["COUNT", "c", { kinds: [0] }]);
  await client.nextOfType("COUNT");
  client.send(["REQ", "bad", { kinds: "none" }]);
  await client.nextOfType("CLOSED");
  client.send(["WHAT"]);
  await client.nextOfType("NOTICE");
}

Deno.test("/metrics counts what both gateways did, whichever answers", async () => {
  const env = { GATEWAY_WORKERS: String(GATEWAYS), FLUSH_INTERVAL_MS: "50" };
  await using relay = await startRelay({ env });
  const clients = await connectToBoth(relay);
  for (const client of clients) {
    client.send(["REQ", "live", { kinds: [1, 20_001], limit: 0 }]);
    await client.nextOfType("EOSE");
  }
  for (const [n, client] of clients.entries()) {
    await sendOneOfEach(client, n);
  }
  // The lag is measured once a second and after each bulk; the bulks' sum tells that it is not an old one.
  await eventually(async () => ((await metricsOf(relay)).get("nostr_bulk_events_sum") ?? 0) >= 4 * CLIENTS);
  await indexed(relay);
  const deliveries = 3 * CLIENTS * CLIENTS;
  await eventually(async () => (await metricsOf(relay)).get("nostr_deliveries_total") === deliveries);
  const expected: Record<string, number> = {
    'nostr_messages_received_total{verb="EVENT"}': 8 * CLIENTS,
    'nostr_messages_received_total{verb="REQ"}': 2 * CLIENTS,
    'nostr_messages_received_total{verb="COUNT"}': CLIENTS,
    'nostr_messages_received_total{verb="other"}': CLIENTS,
    nostr_events_received_total: 8 * CLIENTS,
    'nostr_events_stored_total{class="regular"}': 2 * CLIENTS,
    'nostr_events_stored_total{class="replaceable"}': CLIENTS,
    'nostr_events_stored_total{class="addressable"}': CLIENTS,
    'nostr_oks_total{result="accepted"}': 5 * CLIENTS,
    'nostr_closed_total{prefix="invalid"}': CLIENTS,
    nostr_connections_active: CLIENTS,
    nostr_subscriptions_active: CLIENTS,
    nostr_relay_queue_length: 0,
    nostr_indexer_lag_events: 0,
    nostr_search_available: 1,
    nostr_search_dead_letters: 0,
    nostr_ingest_seconds_count: 8 * CLIENTS,
    'nostr_query_seconds_count{place="gateway"}': CLIENTS,
    'nostr_query_seconds_count{place="reader"}': CLIENTS,
    nostr_slow_readers_total: 0,
  };
  // Both gateways, at least, have answered after this many connections (or luck stands at 1 to 2^15).
  for (let ask = 0; ask < 16; ask++) {
    const metrics = samplesOf(await page(relay, "/metrics"));
    for (const [sample, value] of Object.entries(expected)) assertEquals(metrics.get(sample), value, sample);
    // A signature that is wrong where the id is known may be told as a duplicate.
    const told = ["duplicate", "invalid"].map((result) =>
      metrics.get(`nostr_oks_total{result="${result}"}`)!
    );
    assertEquals(told[0]! + told[1]!, 3 * CLIENTS);
  }
  await Promise.all(clients.map((client) => client.close()));
  await eventually(async () => {
    const metrics = await metricsOf(relay);
    return metrics.get("nostr_connections_active") === 0 && metrics.get("nostr_subscriptions_active") === 0;
  });
});

function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const space = line.lastIndexOf(" ");
    return [line.slice(0, space), Number(line.slice(space + 1))];
  }));
}

Deno.test("/metrics has every metric of the table, with its type, its meaning and rising buckets", async () => {
  await using relay = await startRelay();
  const text = await page(relay, "/metrics");
  for (const [name, { type }] of Object.entries(METRICS)) {
    assertMatch(text, new RegExp(`^# TYPE ${name} ${type}$`, "m"));
    assertMatch(text, new RegExp(`^# HELP ${name} .+$`, "m"));
    assertMatch(text, new RegExp(`^${name}(_bucket)?[ {]`, "m"));
  }
  await using client = await connect(relay.url);
  await publishGood(
    client,
    Array.from({ length: 300 }, (_, n) => signEvent(testKey(1), { content: `${n}` })),
  );
  for (const name of ["nostr_ingest_seconds", "nostr_commit_events", "nostr_commit_seconds"]) {
    const metrics = await metricsOf(relay);
    const buckets = [...metrics].filter(([sample]) => sample.startsWith(`${name}_bucket{le=`)).map((
      [, value],
    ) => value);
    assert(buckets.length > 5);
    for (let n = 1; n < buckets.length; n++) assert(buckets[n]! >= buckets[n - 1]!, `${name}: ${buckets}`);
    assertEquals(buckets.at(-1), metrics.get(`${name}_count`));
    assert(metrics.get(`${name}_sum`)! > 0);
  }
  const metrics = await metricsOf(relay);
  assertEquals(metrics.get("nostr_commit_events_sum"), 300);
  assert(metrics.get("process_cpu_seconds_total")! > 0);
  // It is sampled once a second.
  await eventually(async () => {
    const status = await Deno.readTextFile(`/proc/${relay.pid}/status`);
    const resident = Number(status.match(/^VmRSS:\s+(\d+) kB$/m)![1]) * 1024;
    const told = (await metricsOf(relay)).get("process_resident_memory_bytes")!;
    return told > resident / 2 && told < resident * 2;
  });
});

Deno.test("/health tells of the whole relay, and of the answering gateway's connections", async () => {
  await using relay = await startRelay({ env: { GATEWAY_WORKERS: String(GATEWAYS), DURABILITY: "normal" } });
  const clients = await connectToBoth(relay);
  for (const client of clients) {
    for (const id of ["a", "b", "c"]) client.send(["REQ", id, { kinds: [1], limit: 0 }]);
    for (let n = 0; n < 3; n++) await client.nextOfType("EOSE");
  }
  await indexed(relay);
  // Each gateway hears by itself that all have started.
  const health = await eventually(async () => {
    const health = await healthOf(relay);
    return health.status === "ok" ? health : null;
  });
  assertMatch(health.version, /^\d+\.\d+\.\d+/);
  assert(health.uptimeSeconds >= 0 && health.uptimeSeconds < 600);
  assertEquals(health.queueLength, 0);
  assertEquals(health.durability, "normal");
  assert(health.verifier.tier !== "" && health.verifier.description !== "");
  assertMatch(health.search.backend, /FTS5/);
  assertEquals([health.search.available, health.search.lagEvents], [true, 0]);
  assertEquals(health.subscriptions.total, 3 * CLIENTS);
  const here = Object.values(health.subscriptions.byConnection);
  assert(here.length > 0 && here.length < CLIENTS);
  assertEquals(new Set(here), new Set([3]));
  await Promise.all(clients.map((client) => client.close()));
});

Deno.test("/ready says the same whichever gateway answers, and no while the relay drains", async () => {
  await using relay = await startRelay({ env: { GATEWAY_WORKERS: String(GATEWAYS) } });
  for (let n = 0; n < 20; n++) assertEquals(JSON.parse(await page(relay, "/ready")), { status: "ready" });
  // A client that reads nothing keeps the relay in its last moments for a while.
  const { hostname, port, host } = new URL(relay.httpUrl);
  using silent = await Deno.connect({ hostname, port: Number(port) });
  await silent.write(
    new TextEncoder().encode(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ),
  );
  await eventually(async () => (await metricsOf(relay)).get("nostr_connections_active") === 1);
  const ended = relay.stop();
  await eventually(async () => JSON.parse(await page(relay, "/ready")).status === "draining");
  using client = Deno.createHttpClient({});
  const response = await fetch(`${relay.httpUrl}/ready`, { client });
  assertEquals(response.status, 503);
  await response.body?.cancel();
  await ended;
});
