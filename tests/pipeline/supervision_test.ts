/** Tests of supervision: each kind of worker dies in the middle of its work, another takes its place, nothing is lost. */
import { assert, assertEquals } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { seededPrng } from "../support/prng.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { command } from "./command.ts";
import { assertSameIds, crash, heldOf, indexed, metricOf, publishAll, publishGood } from "./traffic.ts";
import { makeWorkload, survivors } from "./workload.ts";

const ENV = { RESTART_DELAY_MS: "100", FLUSH_INTERVAL_MS: "50" };

/** Waits until a worker has died `times` times in all and its successor runs. It dies of work: there is always some. */
async function restarted(relay: TestRelay, actor: string, times: number): Promise<void> {
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  let notes = 0;
  await eventually(
    async () => {
      await client.publish(
        signEvent(testKey(1_000), { kind: 10_003, content: `${actor} ${times} ${notes++}` }),
      );
      return relay.output().split(`${actor} 0 runs again`).length > times;
    },
    30_000,
    `${actor} 0 runs again, time ${times}`,
  );
}

for (const actor of ["verifier", "store", "indexer", "control"]) {
  Deno.test(`events under way are answered and kept when ${actor} dies under load`, async () => {
    const prng = seededPrng(`${actor} dies`);
    await using relay = await startRelay({ env: ENV });
    await using client = await connect(relay.url);
    const events = makeWorkload(prng, 4_000);
    const acknowledged = new Set<string>();
    const deaths = 3;
    let died = Promise.resolve();
    const unanswered = await publishAll(client, events, 400, (event, [, , accepted, reason]) => {
      assert(accepted || /^(duplicate|blocked): /.test(reason), reason);
      acknowledged.add(event.id);
      // Every thousandth answer one more death, each after the one before has been seen to.
      if (acknowledged.size % 1_000 !== 0 || acknowledged.size === events.length) return;
      const time = acknowledged.size / 1_000;
      died = died.then(() => crash(relay, actor)).then(() => restarted(relay, actor, time));
    });
    await died;
    assertEquals(unanswered, []);
    assertEquals(acknowledged.size, events.length);
    const held = await heldOf(client, events.map(({ id }) => id));
    assertSameIds(held.keys(), survivors(events).keys());
    await indexed(relay);
    await assertIdle(relay);
    assertEquals(await metricOf(relay, `nostr_worker_restarts_total{actor="${actor}"}`), deaths);
  });
}

/** Nothing that a dead worker had is counted as still under way. */
async function assertIdle(relay: TestRelay): Promise<void> {
  await eventually(async () => await metricOf(relay, "nostr_relay_queue_length") === 0);
}

Deno.test("live subscribers get every event once when the store dies between a commit and its announcement", async () => {
  await using relay = await startRelay({ env: ENV });
  await using publisher = await connect(relay.url);
  await using subscriber = await connect(relay.url);
  subscriber.send(["REQ", "live", { kinds: [1] }]);
  await subscriber.nextOfType("EOSE");
  const events = Array.from({ length: 2_000 }, (_, n) => signEvent(testKey(n % 7), { content: `live ${n}` }));
  let died = Promise.resolve();
  let answered = 0;
  const unanswered = await publishAll(publisher, events, 200, () => {
    if (++answered % 500 !== 0 || answered === events.length) return;
    const time = answered / 500;
    died = died.then(() => crash(relay, "store")).then(() => restarted(relay, "store", time));
  });
  await died;
  assertEquals(unanswered, []);
  // The store dies once more on the very last event, so that no later one shows the gap.
  await crash(relay, "store");
  const last = signEvent(testKey(1), { content: "the last" });
  await publisher.publish(last, 20_000);
  const expected = [...events, last].map(({ id }) => id);
  await eventually(() => liveOf(subscriber).length >= expected.length, 10_000, "all live events have come");
  assertSameIds(liveOf(subscriber), expected);
  assertEquals(liveOf(subscriber).length, expected.length);
});

function liveOf(client: TestClient): string[] {
  return client.inbox.filter(([type]) => type === "EVENT").map((message) => (message[2] as TestEvent).id);
}

Deno.test("long queries, counts and searches get one whole answer when the reader dies", async () => {
  await using relay = await startRelay({ env: { ...ENV, MAX_LIMIT: "50000", READER_WORKERS: "1" } });
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  const start = Math.floor(Date.now() / 1000) - 50_000;
  const events = Array.from(
    { length: 12_000 },
    (_, n) => signEvent(testKey(n % 3), { content: `row ${n}`, created_at: start + n }),
  );
  await publishGood(client, events, 1_000);
  await indexed(relay);
  const filter = { kinds: [1], since: start, limit: 50_000 };
  for (let time = 1; time <= 3; time++) {
    await crash(relay, "reader");
    const [all, count, found] = await Promise.all([
      client.query(filter),
      countOf(client, `count ${time}`, filter),
      client.query({ search: "row", limit: 300 }),
    ]);
    await restarted(relay, "reader", time);
    assertEquals(all.closed, undefined);
    // Each row once, newest first.
    assertEquals(all.events.length, events.length);
    assertEquals(all.events.map(({ id }) => id), events.map(({ id }) => id).reverse());
    assertEquals(count, events.length);
    assertEquals(found.closed, undefined);
    assertEquals(found.events.length, 300);
  }
});

async function countOf(client: TestClient, id: string, filter: Record<string, unknown>): Promise<unknown> {
  client.send(["COUNT", id, filter]);
  const message = await client.next((message) => message[1] === id);
  return (message[2] as { count?: number }).count;
}

Deno.test("a gateway that dies takes only its own connections along, and its events are kept", async () => {
  await using relay = await startRelay({ env: { ...ENV, GATEWAY_WORKERS: "2" } });
  const clients = await Promise.all(Array.from({ length: 12 }, () => connect(relay.url)));
  const watched = clients.map((client) => {
    const state = { isOpen: true };
    client.closed.then(() => state.isOpen = false);
    return state;
  });
  const events = clients.map((_, n) =>
    Array.from({ length: 200 }, (_, i) => signEvent(testKey(n), { content: `${i}` }))
  );
  const acknowledged: string[] = [];
  const publishing = clients.map((client, n) =>
    publishAll(client, events[n]!, 20, (event, ok) => ok[2] && acknowledged.push(event.id))
  );
  await eventually(() => acknowledged.length > 300);
  await crash(relay, "gateway", 0);
  await Promise.all(publishing);
  await eventually(() => relay.output().includes("gateway 0 runs again"));
  const survived = watched.filter(({ isOpen }) => isOpen).length;
  assert(survived > 0 && survived < clients.length, `${survived} of ${clients.length} survived`);
  await using reader = await connect(relay.url);
  const held = await heldOf(reader, events.flat().map(({ id }) => id));
  assertSameIds(acknowledged.filter((id) => !held.has(id)), []);
  await eventually(async () => await metricOf(relay, "nostr_connections_active") === survived + 1);
  await assertIdle(relay);
  // Both serve new connections.
  for (let n = 0; n < 8; n++) {
    await using client = await connect(relay.url);
    assert((await client.publish(signEvent(testKey(50), { content: `after ${n}` })))[2]);
  }
  await Promise.all(clients.map((client) => client.close()));
});

Deno.test("a relay whose workers have died drains on SIGTERM all the same", async () => {
  await using relay = await startRelay({ env: ENV });
  await using client = await connect(relay.url);
  for (const actor of ["verifier", "store", "indexer"]) {
    await crash(relay, actor);
    await client.publish(signEvent(testKey(1), { content: actor }));
    await restarted(relay, actor, 1);
  }
  assertEquals(await relay.stop(), { code: 0, signal: null });
});

Deno.test("control names a worker that is not there", async () => {
  await using relay = await startRelay();
  for (const [actor, index] of [["verifier", 99], ["main", 0], ["toString", 0]] as const) {
    const error = await crash(relay, actor, index).catch((error: Error) => error);
    assert(error instanceof Error && error.message.includes("there is none"), `${actor}: ${error}`);
  }
});

Deno.test("an indexer that has much to catch up with moves, and nobody takes it for one that hangs", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-backlog-" });
  try {
    const notes = Array.from(
      { length: 10_000 },
      (_, n) => signEvent(testKey(n % 7), { content: `note ${n}` }),
    );
    const imported = await command(
      "import",
      dataDir,
      notes.map((note) => `${JSON.stringify(note)}\n`).join(""),
    );
    assertEquals(imported.code, 0, imported.said);
    // A bulk for each event: the backlog takes several times what a worker may hang.
    const env = { FLUSH_EVENTS_MAX: "1", STANDSTILL_MS: "2500" };
    await using relay = await startRelay({ dataDir, env });
    await indexed(relay, 120_000);
    assertEquals(relay.output().includes("hangs"), false);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
