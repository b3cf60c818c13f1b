/**
 * Tests of clients that misbehave: a bystander is served all the while, memory stays within bounds, and afterwards no
 * connection, subscription or file descriptor is left. The long form is the trial `clients` (`tests/torture/clients.ts`).
 */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { type Footprint, footprintOf, WatchingBystander } from "../support/footprint.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import * as misbehaviours from "./misbehaviours.ts";

/** What the heaps of all threads may take for themselves, MiB: they grow before they are tidied up. */
const GROWTH_MIB_MAX = 300;
/** Descriptors that the relay may open for itself meanwhile. */
const FILES_SLACK = 8;
/** The longest wait for connections to be gone, ms. */
const GONE_MS_MAX = 30_000;

/** Waits until nothing is left of the clients. */
async function isAsBefore(relay: TestRelay, before: Footprint): Promise<Footprint> {
  return await eventually(
    async () => {
      const now = await footprintOf(relay);
      const isSame = now.connections === before.connections && now.subscriptions === before.subscriptions;
      return isSame && now.files <= before.files + FILES_SLACK ? now : null;
    },
    GONE_MS_MAX,
    "connections, subscriptions and descriptors are what they were",
  );
}

/** Misbehaves a little, to warm up, and then in earnest, beside somebody who uses the relay. */
async function hold(
  misbehave: misbehaviours.Misbehaviour,
  amount: number,
  env: Record<string, string> = {},
): Promise<misbehaviours.Figures> {
  await using relay = await startRelay({ env: { LOG_LEVEL: "error", ...env } });
  using bystander = await WatchingBystander.join(relay);
  await misbehave(relay, Math.ceil(amount / 4));
  const before = await eventually(async () => {
    const now = await footprintOf(relay);
    return now.connections === 1 && now.subscriptions <= 2 ? now : null;
  }, GONE_MS_MAX);
  const figures = await misbehave(relay, amount);
  const { faults, roundsMs } = await bystander.leave();
  assertEquals(faults, []);
  assert(roundsMs.length > 0);
  await isAsBefore(relay, { ...before, connections: 0, subscriptions: 0 });
  // What was freed goes back to the system every ten seconds.
  await eventually(
    async () => (await footprintOf(relay)).privateMiB - before.privateMiB < GROWTH_MIB_MAX,
    GONE_MS_MAX,
    `private memory grew by less than ${GROWTH_MIB_MAX} MiB`,
  );
  assertEquals(await relay.stop(), { code: 0, signal: null });
  assert(!/ error /.test(relay.output()), relay.output());
  return figures;
}

Deno.test("readers that never read leave the relay's memory as it was, and others are served", async () => {
  await hold(misbehaviours.readersThatNeverRead, 60, { OUTBOUND_BYTES_MAX: String(1024 * 1024) });
});

Deno.test("handshakes that never end keep nobody else out, and leave nothing behind", async () => {
  await hold(misbehaviours.handshakesThatNeverEnd, 300);
});

Deno.test("a client that ends its side of the connection is left, and leaves nothing behind", async () => {
  await hold(misbehaviours.halfClosedSockets, 200);
});

Deno.test("frames of one byte are answered, and a message that never ends is bounded", async () => {
  await hold(misbehaviours.framesOfOneByte, 8_000);
});

Deno.test("subscriptions opened and closed without a pause leave nothing behind", async () => {
  await hold(misbehaviours.subscribeAndClose, 4_000);
});

Deno.test("compression bombs end their own connections", async () => {
  const isInflating = Deno.env.get("SLUICE_TEST_ENGINE") === "ws";
  const figures = await hold(
    misbehaviours.compressionBombs,
    8,
    isInflating ? { WEBSOCKET_COMPRESSION: "true" } : {},
  );
  assertEquals(figures["connections ended for them"], 8);
});

Deno.test("headers without an end are refused before they have come", async () => {
  const figures = await hold(misbehaviours.headerFloods, 8);
  assertEquals(figures["of them refused"], 8);
});

Deno.test("a storm of clients that connect and vanish leaves nothing behind", async () => {
  await hold(misbehaviours.reconnectStorm, 1_000);
});

Deno.test("a flood of events is answered event by event, and a bystander meets no refusal", async () => {
  const figures = await hold(misbehaviours.eventFlood, 10_000);
  assert(figures["of them accepted"]! > 0);
});
