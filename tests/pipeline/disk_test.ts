/** Tests of disks that are full, read-only, failing, slow or damaged: refusals, the truth in /health, and the way back. */
// alone: what it sees of a fault ends as soon as the relay finds room on the disk.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { canInject, canMount, type DiskMode, FaultyDisk, SmallDisk } from "../support/faulty_disk.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { assertSameIds, heldOf, indexed, metricOf, publishAll, publishGood } from "./traffic.ts";

const mayInject = await canInject();
const mayMount = await canMount();
/** Longer than a probe's interval and the indexer's pause together. */
const BACK_MS_MAX = 30_000;

let number = 0;

function notes(count: number, chars = 20): TestEvent[] {
  return Array.from(
    { length: count },
    () => signEvent(testKey(number % 5), { content: `disk ${number++} ${"x".repeat(chars)}` }),
  );
}

interface Health {
  readonly status: string;
  readonly store: { readonly writable: boolean; readonly fault: string | null };
}

async function healthOf(relay: TestRelay): Promise<Health> {
  return await (await fetch(`${relay.httpUrl}/health`)).json();
}

/** Publishes until something is refused; returns what was accepted. Every refusal must say `error:`. */
async function publishUntilRefused(client: TestClient, chars: number): Promise<TestEvent[]> {
  const accepted: TestEvent[] = [];
  for (let round = 0; round < 100; round++) {
    let refused = 0;
    const unanswered = await publishAll(client, notes(100, chars), 100, (event, ok) => {
      if (ok[2]) accepted.push(event);
      else {
        refused++;
        assertMatch(ok[3], /^error: /);
      }
    });
    assertEquals(unanswered.length, 0);
    if (refused > 0) return accepted;
  }
  throw new Error("nothing was refused");
}

async function assertFailing(relay: TestRelay, fault: string): Promise<void> {
  const health = await healthOf(relay);
  assertEquals([health.status, health.store.writable, health.store.fault], ["failing", false, fault]);
  assertEquals(await metricOf(relay, `nostr_store_fault{fault="${fault}"}`), 1);
  const ready = await fetch(`${relay.httpUrl}/ready`);
  await ready.body?.cancel();
  assertEquals(ready.status, 200, "reading goes on");
}

/** The store takes events again though no client has tried. */
async function assertRecovers(relay: TestRelay): Promise<void> {
  await eventually(
    async () => (await healthOf(relay)).store.writable,
    BACK_MS_MAX,
    "the disk takes events again",
  );
  for (const actor of ["store", "gateway", "indexer", "reader", "verifier"]) {
    assertEquals(await metricOf(relay, `nostr_worker_restarts_total{actor="${actor}"}`), 0, actor);
  }
}

Deno.test("a full disk refuses events and serves the others, and takes them when it has room again", {
  ignore: !mayMount,
}, async () => {
  await using disk = await SmallDisk.make(64);
  await using relay = await startRelay({ dataDir: disk.dataDir, env: { FLUSH_INTERVAL_MS: "100" } });
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  const accepted = notes(200);
  await publishGood(client, accepted);
  await disk.fill(3 * 1024 * 1024);
  accepted.push(...await publishUntilRefused(client, 5_000));
  // What the refused group had taken is free again, and would be room enough for the store's probe.
  await disk.fill(0);
  accepted.push(...await publishUntilRefused(client, 5_000));
  await assertFailing(relay, "full");
  assertSameIds((await heldOf(client, accepted.map(({ id }) => id))).keys(), accepted.map(({ id }) => id));
  const lines = relay.output().match(/events are refused/g)?.length ?? 0;
  assert(lines >= 1 && lines <= 2, `a line of the log each time that it begins: ${lines}`);
  await disk.clear();
  await assertRecovers(relay);
  const more = notes(500);
  await publishGood(client, more);
  const all = [...accepted, ...more].map(({ id }) => id);
  await eventually(
    async () => (await client.query({ search: "disk", limit: 5_000 })).events.length === all.length,
    BACK_MS_MAX,
    "search finds all",
  );
  await relay.kill();
  await relay.restart();
  await using reader = await connect(relay.url, { timeoutMs: 30_000 });
  assertSameIds((await heldOf(reader, all)).keys(), all);
});

Deno.test("a start on a full disk says so, or serves what is there", { ignore: !mayMount }, async () => {
  await using disk = await SmallDisk.make(64);
  await using relay = await startRelay({ dataDir: disk.dataDir });
  const events = notes(200);
  {
    await using client = await connect(relay.url);
    await publishGood(client, events);
  }
  await relay.stop();
  await disk.fill(0);
  const outcome = await relay.restart().then(() => null, (error: Error) => error.message);
  if (outcome === null) {
    await using client = await connect(relay.url);
    assertSameIds((await heldOf(client, events.map(({ id }) => id))).keys(), events.map(({ id }) => id));
  } else assertMatch(outcome, /^Cannot .*(full|I\/O|space)/im);
  await disk.clear();
  await relay.restart();
  await using client = await connect(relay.url);
  assertSameIds((await heldOf(client, events.map(({ id }) => id))).keys(), events.map(({ id }) => id));
});

for (const [mode, fault] of [["EIO", "io"], ["EROFS", "io"], ["ENOSPC", "full"]] as [DiskMode, string][]) {
  Deno.test(`a disk that answers ${mode} costs the events that meet it, and nothing after it`, {
    ignore: !mayInject,
  }, async () => {
    await using disk = await FaultyDisk.make();
    await using relay = await startRelay({
      dataDir: disk.dataDir,
      env: { FLUSH_INTERVAL_MS: "100", ...disk.environment },
    });
    await using client = await connect(relay.url, { timeoutMs: 30_000 });
    const accepted = notes(300);
    await publishGood(client, accepted);
    await disk.set(mode);
    accepted.push(...await publishUntilRefused(client, 20));
    await assertFailing(relay, fault);
    assertSameIds((await heldOf(client, accepted.map(({ id }) => id))).keys(), accepted.map(({ id }) => id));
    await disk.set("ok");
    await assertRecovers(relay);
    const more = notes(300);
    await publishGood(client, more);
    await indexed(relay, BACK_MS_MAX);
    const all = [...accepted, ...more].map(({ id }) => id);
    await relay.kill();
    await relay.restart();
    await using reader = await connect(relay.url, { timeoutMs: 30_000 });
    assertSameIds((await heldOf(reader, all)).keys(), all);
  });
}

Deno.test(
  "a disk that takes 200 ms for each write delays answers, and loses none",
  { ignore: !mayInject },
  async () => {
    await using disk = await FaultyDisk.make();
    await using relay = await startRelay({ dataDir: disk.dataDir, env: disk.environment });
    await using client = await connect(relay.url, { timeoutMs: 60_000 });
    await disk.set("slow 200");
    const events = notes(20);
    await publishGood(client, events, 20);
    assertEquals((await healthOf(relay)).store.writable, true);
    await disk.set("ok");
    await publishGood(client, notes(200));
    assertSameIds((await heldOf(client, events.map(({ id }) => id))).keys(), events.map(({ id }) => id));
  },
);

/** A stopped relay with events in its store. */
async function storedRelay(): Promise<TestRelay> {
  const relay = await startRelay();
  await using client = await connect(relay.url);
  await publishGood(client, notes(2_000, 200));
  await client.close();
  await relay.stop();
  return relay;
}

for (
  const [what, spoil] of [
    ["overwritten in the middle", (bytes: Uint8Array) => (bytes.fill(0x5a, 40 * 8192, 60 * 8192), bytes)],
    ["cut off", (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1)],
    ["without a header", (bytes: Uint8Array) => (bytes.fill(0, 0, 100), bytes)],
  ] as const
) {
  Deno.test(`a store that is ${what} is refused at the start, with the way to restore it`, async () => {
    await using relay = await storedRelay();
    const path = `${relay.dataDir}/events.db`;
    const before = spoil(await Deno.readFile(path));
    await Deno.writeFile(path, before);
    const message = await relay.restart().then(() => "it started", (error: Error) => error.message);
    assertMatch(message, /^Cannot open store ".*events\.db": it is damaged: \S/m);
    assertStringIncludes(message, "deno task restore");
    assert(!message.includes("    at "), message);
    assertEquals(await Deno.readFile(path), before, "the file stays as it was");
  });
}

Deno.test("a store that is damaged while it serves costs the queries that meet it, and takes no more events", async () => {
  await using relay = await storedRelay();
  await relay.restart({ CACHE_MB: "1" });
  await using bystander = await connect(relay.url, { timeoutMs: 30_000 });
  bystander.send(["REQ", "live", { kinds: [7], limit: 0 }]);
  await bystander.nextOfType("EOSE");
  const path = `${relay.dataDir}/events.db`;
  {
    using file = await Deno.open(path, { write: true, read: true });
    const { size } = await file.stat();
    await file.seek(8192, Deno.SeekMode.Start);
    const junk = new Uint8Array(size - 8192).fill(0x5a);
    for (let at = 0; at < junk.length;) at += await file.write(junk.subarray(at));
  }
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  const { events, eose, closed } = await client.query({ kinds: [1], limit: 5_000 });
  assertEquals([events.length, eose], [0, undefined]);
  assertMatch(closed?.[2] as string, /^error: /);
  await publishUntilRefused(client, 20);
  await eventually(async () => (await healthOf(relay)).store.fault === "corrupt");
  assertStringIncludes(relay.output(), "the store is damaged: stop, put a backup into an empty DATA_DIR");
  assertEquals(await metricOf(relay, `nostr_worker_restarts_total{actor="gateway"}`), 0);
  assertEquals(bystander.socket.readyState, WebSocket.OPEN);
});

for (const [when, words] of [["at the start", "no database"], ["in a page", null]] as const) {
  Deno.test(`an embedded index that is damaged ${when} is made anew from the store`, async () => {
    await using relay = await startRelay({ env: { FLUSH_INTERVAL_MS: "50" } });
    {
      await using client = await connect(relay.url, { timeoutMs: 30_000 });
      await publishGood(client, notes(1_000, 200));
      await indexed(relay);
    }
    await relay.stop();
    const path = `${relay.dataDir}/search.db`;
    const bytes = await Deno.readFile(path);
    if (words === null) bytes.fill(0x5a, 4096 * 2);
    else bytes.set(new TextEncoder().encode(words));
    await Deno.writeFile(path, bytes);
    await relay.restart({ RESTART_DELAY_MS: "50" });
    await using client = await connect(relay.url, { timeoutMs: 30_000 });
    const more = notes(10);
    await publishGood(client, more);
    await eventually(
      async () => (await client.query({ search: "disk", limit: 5_000 })).events.length === 1_010,
      BACK_MS_MAX,
      "search finds all again",
    );
    assertStringIncludes(relay.output(), "is damaged and is made anew");
  });
}

Deno.test("decisions that are damaged are named at the start", async () => {
  await using relay = await startRelay();
  await relay.stop();
  await Deno.writeTextFile(`${relay.dataDir}/management.db`, "no database".repeat(1_000));
  const message = await relay.restart().then(() => "it started", (error: Error) => error.message);
  assertMatch(message, /^Cannot open decisions ".*management\.db": it is damaged; put the one of a backup/m);
});
