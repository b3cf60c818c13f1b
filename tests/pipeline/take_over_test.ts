/** Tests of a restart without downtime: a second process takes over, and nobody is refused meanwhile. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { nativeLibraryPath } from "../../scripts/native.ts";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { assertSameIds, heldOf, publishGood } from "./traffic.ts";

const VISIT_INTERVAL_MS = 5;
/** Clients at once: those who wait for the successor gather. */
const VISITORS_MAX = 1_000;

const missing = Deno.build.os !== "linux"
  ? "only Linux hands over listening sockets"
  : await nativeLibraryPath() === null
  ? "the native library is not built: deno task native"
  : null;
const ignore = missing !== null;

/** A test's name, with the reason where it cannot run here. */
function named(name: string): string {
  return missing === null ? name : `${name} (skipped: ${missing})`;
}

/** A relay that takes over from `relay`, on its port and its data. */
async function successorOf(relay: TestRelay, env: Record<string, string> = {}): Promise<TestRelay> {
  const port = Number(new URL(relay.httpUrl).port);
  return await startRelay({ dataDir: relay.dataDir, port, takesOver: true, env });
}

/** What visitors met. */
interface Visits {
  /** How often somebody connected. */
  connected: number;
  readonly refusals: string[];
  readonly accepted: TestEvent[];
}

/** Connects, publishes, and leaves. The event may be refused, the connection may not. */
async function visit(url: string, visits: Visits): Promise<void> {
  try {
    await using client = await connect(url, { timeoutMs: 20_000 });
    visits.connected++;
    const event = signEvent(testKey(visits.connected % 7), { content: `visit ${crypto.randomUUID()}` });
    const ok = await client.publish(event).catch(() => null);
    if (ok?.[2]) visits.accepted.push(event);
  } catch (error) {
    visits.refusals.push((error as Error).message);
  }
}

/** Somebody comes every few milliseconds, whatever became of those before, until `isOver`. */
async function visitThroughout(url: string, visits: Visits, isOver: () => boolean): Promise<void> {
  const under = new Set<Promise<void>>();
  while (!isOver()) {
    if (under.size < VISITORS_MAX) {
      const one = visit(url, visits).finally(() => under.delete(one));
      under.add(one);
    }
    await new Promise<void>((resolve) => setTimeout(resolve, VISIT_INTERVAL_MS));
  }
  await Promise.all(under);
}

Deno.test(
  named("nobody is refused while one process takes over from another, twice"),
  { ignore },
  async () => {
    const env = { GATEWAY_WORKERS: "2", FLUSH_INTERVAL_MS: "50" };
    await using first = await startRelay({ env });
    await using resident = await connect(first.url, { timeoutMs: 20_000 });
    const visits: Visits = { connected: 0, refusals: [], accepted: [] };
    let isOver = false;
    const visiting = visitThroughout(first.url, visits, () => isOver);
    await eventually(() => visits.connected > 50, 20_000);
    await using second = await successorOf(first, env);
    assertEquals(await first.exited, { code: 0, signal: null });
    assertEquals(await resident.closed, { code: 1001, reason: "the relay stops" });
    const met = visits.connected;
    await eventually(() => visits.connected > met + 50, 20_000);
    await using third = await successorOf(second, env);
    assertEquals(await second.exited, { code: 0, signal: null });
    const then = visits.connected;
    await eventually(() => visits.connected > then + 50, 20_000);
    isOver = true;
    await visiting;
    assertEquals(visits.refusals, []);
    assert(visits.accepted.length > 100);
    await using reader = await connect(third.url, { timeoutMs: 20_000 });
    const ids = visits.accepted.map(({ id }) => id);
    assertSameIds((await heldOf(reader, ids)).keys(), ids);
    assertEquals(await third.stop(), { code: 0, signal: null });
  },
);

Deno.test(named("all gateways serve after a take-over"), { ignore }, async () => {
  const env = { GATEWAY_WORKERS: "2" };
  await using first = await startRelay({ env });
  await using second = await successorOf(first, env);
  await first.exited;
  // The kernel spreads connections again, so that both gateways get some.
  const seen = new Set<string>();
  await eventually(async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(second.url)));
    for (const client of clients) client.send(["REQ", "a", { limit: 0 }]);
    const health = await (await fetch(`${second.httpUrl}/health`)).json();
    seen.add(JSON.stringify(Object.keys(health.subscriptions.byConnection).length));
    const isSpread = Object.keys(health.subscriptions.byConnection).length < health.subscriptions.total;
    await Promise.all(clients.map((client) => client.close()));
    return isSpread;
  }, 20_000);
});

Deno.test("a take-over where no relay runs is a start", async () => {
  await using relay = await startRelay({ takesOver: true });
  await using client = await connect(relay.url);
  await publishGood(client, [signEvent(testKey(1))]);
  assertEquals(await relay.stop(), { code: 0, signal: null });
});

Deno.test("a take-over that cannot begin leaves the relay as it is", async () => {
  await using relay = await startRelay();
  const error = await assertRejects(
    () => startRelay({ dataDir: relay.dataDir, takesOver: true, env: { PORT: "0" } }),
    Error,
  );
  assertStringIncludes(error.message, `Cannot take over PORT "0"`);
  await using client = await connect(relay.url);
  await publishGood(client, [signEvent(testKey(1))]);
});

/** What a service manager is told, in order. */
class ServiceListener implements AsyncDisposable {
  readonly path: string;
  readonly told: string[] = [];
  readonly #socket: Deno.DatagramConn;
  readonly #listening: Promise<void>;

  constructor(directory: string) {
    this.path = `${directory}/notify`;
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path: this.path });
    this.#listening = this.#listen();
  }

  /** Notices without those of the watchdog. */
  get states(): string[] {
    return this.told.filter((notice) => notice !== "WATCHDOG=1");
  }

  async #listen(): Promise<void> {
    for await (const [bytes] of this.#socket) this.told.push(new TextDecoder().decode(bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#listening;
  }
}

Deno.test(
  named("a service manager hears of the start, of a take-over, of every turn, and of the end"),
  { ignore },
  async () => {
    const directory = await Deno.makeTempDir({ prefix: "sluice-notify-" });
    try {
      await using listener = new ServiceListener(directory);
      const env = { NOTIFY_SOCKET: listener.path, WATCHDOG_USEC: "100000" };
      await using first = await startRelay({ env });
      await eventually(() => listener.states.length === 1);
      assertEquals(listener.states, ["READY=1"]);
      await eventually(() => listener.told.length > 4);
      await using second = await successorOf(first, env);
      await first.exited;
      await eventually(() => listener.states.length === 3);
      assertEquals(listener.states, ["READY=1", "RELOADING=1", "READY=1"]);
      assertEquals(await second.stop(), { code: 0, signal: null });
      assertEquals(listener.states.at(-1), "STOPPING=1");
      const left = await Array.fromAsync(Deno.readDir(first.dataDir), ({ name }) => name);
      assertEquals(left.filter((name) => name.startsWith("notices")), []);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);
