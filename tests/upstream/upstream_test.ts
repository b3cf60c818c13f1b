/**
 * Tests of upstream relays, with real relays on both sides. Run on the main thread; relays belong to the tests.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";

const TOKEN = "token of the test";
const ALLOWED = { UPSTREAM_ALLOW: "127.0.0.1", API_TOKEN: TOKEN };

/** One relay as `/api/relays` shows it. */
interface ShownRelay {
  readonly url: string;
  readonly status: string;
  readonly failure: string;
  readonly failureText: string;
  readonly sources: readonly string[];
  readonly received: number;
  readonly added: number;
}

/** Asks a page of the API as an admin. */
async function ask<Answer>(relay: TestRelay, path: string, method = "GET", body?: unknown): Promise<Answer> {
  const response = await fetch(`${relay.httpUrl}${path}`, {
    method,
    headers: { Authorization: `Bearer ${TOKEN}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return await response.json();
}

/** The relays of the API, by URL. */
async function shown(relay: TestRelay): Promise<Map<string, ShownRelay>> {
  const { relays } = await ask<{ relays: ShownRelay[] }>(relay, "/api/relays");
  return new Map(relays.map((one) => [one.url, one]));
}

async function publishAll(client: TestClient, events: readonly TestEvent[]): Promise<void> {
  const oks = await Promise.all(events.map((event) => client.publish(event)));
  for (const ok of oks) assert(ok[2], ok[3]);
}

async function has(client: TestClient, events: readonly TestEvent[]): Promise<boolean> {
  const { events: found } = await client.query({ ids: events.map(({ id }) => id) });
  return found.length === events.length;
}

let serial = 0;
function notes(count: number, fields: Parameters<typeof signEvent>[1] = {}): TestEvent[] {
  return Array.from(
    { length: count },
    () => signEvent(testKey(1), { content: `note ${++serial}`, ...fields }),
  );
}

Deno.test("what an upstream relay has and gets is stored, whatever stops or dies meanwhile", async (t) => {
  await using origin = await startRelay();
  const history = notes(700);
  {
    await using client = await connect(origin.url);
    await publishAll(client, history);
  }
  await using relay = await startRelay({ env: { ...ALLOWED, UPSTREAM_RELAYS: origin.url } });

  await t.step("history and live events", async () => {
    await using client = await connect(origin.url);
    await using reader = await connect(relay.url);
    await eventually(() => has(reader, history.slice(0, 400)), 10_000, "the first half is here");
    await eventually(() => has(reader, history.slice(400)), 10_000, "the other half is here");
    const live = notes(1);
    await publishAll(client, live);
    await eventually(() => has(reader, live), 5_000, "a live event is here");
  });

  await t.step("events that the upstream relay gets while we are away", async () => {
    await relay.stop();
    const missed = notes(50);
    await using client = await connect(origin.url);
    await publishAll(client, missed);
    await relay.restart();
    await using reader = await connect(relay.url);
    await eventually(() => has(reader, missed), 10_000, "what was missed is here");
  });

  await t.step("events of an upstream relay that was away itself", async () => {
    await origin.restart();
    const later = notes(20);
    await using client = await connect(origin.url);
    await publishAll(client, later);
    await using reader = await connect(relay.url);
    await eventually(() => has(reader, later), 15_000, "what came after its return is here");
  });

  await t.step("a kill in the middle of a burst", async () => {
    const burst = notes(400);
    await using client = await connect(origin.url);
    const publishing = publishAll(client, burst);
    await eventually(
      async () => (await shown(relay)).get(origin.url)!.received > 0,
      5_000,
      "it is being read",
    );
    await relay.kill();
    await publishing;
    await relay.restart();
    await using reader = await connect(relay.url);
    await eventually(() => has(reader, burst), 15_000, "all of the burst is here");
  });

  await t.step("a worker that dies", async () => {
    const control = await Deno.connect({ transport: "unix", path: `${relay.dataDir}/control.sock` });
    await control.write(new TextEncoder().encode('{"command":"crash","actor":"upstream","index":0}\n'));
    control.close();
    await eventually(() => relay.output().includes("upstream 0 died"), 5_000, "it died");
    const after = notes(5);
    await using client = await connect(origin.url);
    await publishAll(client, after);
    await using reader = await connect(relay.url);
    await eventually(() => has(reader, after), 15_000, "what came after its death is here");
  });

  await t.step("SIGTERM ends it in time", async () => {
    assertEquals((await relay.stop()).code, 0);
  });
});
