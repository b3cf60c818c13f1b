/** Limits that name the relay hold for the relay, and not for each of its gateways. */
import { assert, assertEquals } from "@std/assert";
import { crash, metricOf } from "../pipeline/traffic.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";

const ENGINES = ["serve", "ws"] as const;
/** Enough for each gateway to get some. */
const CLIENTS = 24;
const WAIT_MS_MAX = 20_000;

function relayWith(engine: string, env: Record<string, string>): Promise<TestRelay> {
  return startRelay({ env: { GATEWAY_WORKERS: "2", WEBSOCKET_ENGINE: engine, ...env } });
}

/** Connects, and says whether the relay serves the client or closes it with 1013. */
async function enter(relay: TestRelay): Promise<TestClient | null> {
  const client = await connect(relay.url);
  client.send(["REQ", "in", { limit: 0 }]);
  const answer = client.next((message) => message[0] === "EOSE").then(() => client, () => null);
  const served = await answer;
  if (served === null) assertEquals((await client.closed).code, 1013);
  return served;
}

async function enterAll(relay: TestRelay, isAtOnce: boolean): Promise<TestClient[]> {
  const entries: (TestClient | null)[] = [];
  if (isAtOnce) entries.push(...await Promise.all(Array.from({ length: CLIENTS }, () => enter(relay))));
  else for (let n = 0; n < CLIENTS; n++) entries.push(await enter(relay));
  return entries.filter((client) => client !== null);
}

async function leave(clients: readonly TestClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

for (const engine of ENGINES) {
  Deno.test(`connections of one address are counted at all gateways together (${engine})`, async () => {
    await using relay = await relayWith(engine, { CONNECTIONS_PER_IP_MAX: "3" });
    for (const isAtOnce of [false, true]) {
      const clients = await enterAll(relay, isAtOnce);
      assertEquals(clients.length, 3);
      await leave(clients);
      // What was taken is given back, or the next round would find less.
      await eventually(async () => await metricOf(relay, "nostr_connections_active") === 0, WAIT_MS_MAX);
    }
  });

  Deno.test(`connections of the relay are bounded, however many come at once (${engine})`, async () => {
    await using relay = await relayWith(engine, { CONNECTIONS_MAX: "7" });
    const clients = await enterAll(relay, true);
    assertEquals(clients.length, 7);
    await leave(clients);
  });
}

for (const engine of ENGINES) {
  Deno.test(`handshakes whose clients go at once hold no place afterwards (${engine})`, async () => {
    await using relay = await relayWith(engine, { CONNECTIONS_PER_IP_MAX: "6" });
    const { hostname, port, host } = new URL(relay.httpUrl);
    const head = new TextEncoder().encode(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    for (let n = 0; n < 300; n++) {
      using connection = await Deno.connect({ hostname, port: Number(port) });
      await connection.write(head);
    }
    await eventually(async () => await metricOf(relay, "nostr_connections_active") === 0, WAIT_MS_MAX);
    const clients = await enterAll(relay, false);
    assertEquals(clients.length, 6);
    await leave(clients);
  });
}

Deno.test("what a gateway had counted is given back when it dies", async () => {
  await using relay = await relayWith("serve", { CONNECTIONS_PER_IP_MAX: "6" });
  const clients = await enterAll(relay, false);
  assertEquals(clients.length, 6);
  let open = clients.length;
  for (const client of clients) client.closed.then(() => open--);
  await crash(relay, "gateway", 0);
  await eventually(() => relay.output().includes("gateway 0 runs again"), WAIT_MS_MAX);
  const left = open;
  const entered = await enterAll(relay, false);
  assert(entered.length === 6 - left, `${entered.length} got in beside ${left}`);
  await leave([...clients, ...entered]);
});
