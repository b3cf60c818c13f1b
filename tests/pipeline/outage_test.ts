/** Tests of an OpenSearch that is away: writes go on, searches say so, and everything arrives in the end. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { NODE_URL, OwnIndex } from "./search_node.ts";
import { TcpProxy } from "./tcp_proxy.ts";
import { assertSameIds, indexed, metricOf, publishGood } from "./traffic.ts";

const ignore = NODE_URL === null;
/** Longer than the longest pause between two attempts of these tests. */
const BACK_MS_MAX = 60_000;

let number = 0;

/** Notes that a search for "outage" finds. */
function notes(count: number): TestEvent[] {
  return Array.from(
    { length: count },
    () => signEvent(testKey(number % 5), { content: `outage note ${number++}` }),
  );
}

/** A search ends in CLOSED with the prefix `error:`, never in EOSE. */
async function assertSearchRefused(client: TestClient): Promise<void> {
  const { events, eose, closed } = await client.query({ search: "outage", limit: 10 });
  assertEquals([events.length, eose], [0, undefined]);
  assertMatch(closed?.[2] as string, /^error: /);
}

async function assertDegraded(relay: TestRelay): Promise<void> {
  const health = await (await fetch(`${relay.httpUrl}/health`)).json();
  assertEquals([health.status, health.search.available], ["degraded", false]);
  assertEquals((await fetch(`${relay.httpUrl}/ready`).then((r) => (r.body?.cancel(), r))).status, 200);
}

/** Writes are taken and served from the store, and COUNT and REQ without search work. */
async function assertServesAllElse(client: TestClient): Promise<TestEvent[]> {
  const events = notes(300);
  await publishGood(client, events, 100);
  const { events: found, eose } = await client.query({ ids: events.map(({ id }) => id), limit: 300 });
  assert(eose);
  assertEquals(found.length, events.length);
  return events;
}

Deno.test(
  "a relay starts without its OpenSearch, and everything arrives once it is there",
  { ignore },
  async () => {
    await using index = new OwnIndex();
    const port = freePort();
    await using relay = await startRelay({ env: index.settings(`http://127.0.0.1:${port}`) });
    await using client = await connect(relay.url, { timeoutMs: 30_000 });
    const events = await assertServesAllElse(client);
    await assertSearchRefused(client);
    await eventually(async () => await metricOf(relay, "nostr_indexer_lag_events") === events.length);
    await eventually(async () => await metricOf(relay, "nostr_bulk_failures_total") > 0);
    assertEquals(await metricOf(relay, "nostr_search_available"), 0);
    await assertDegraded(relay);
    await using _proxy = new TcpProxy(NODE_URL!, port);
    await indexed(relay, BACK_MS_MAX);
    assertSameIds(await index.documents(events.map(({ id }) => id)), events.map(({ id }) => id));
    const searched = await eventually(async () => {
      const { events } = await client.query({ search: "outage", limit: 1_000 });
      return events.length === 300 && events;
    });
    assert(searched);
    assertEquals(relay.output().match(/does not answer/g)?.length, 1, "an outage is one line of the log");
    assertEquals(relay.output().match(/answers again/g)?.length, 1);
  },
);

for (const mode of ["refuse", "stall"] as const) {
  const what = mode === "refuse" ? "refuses connections" : "takes connections and stays silent";
  Deno.test(
    `an OpenSearch that ${what} stops searches only, and catches up after it`,
    { ignore },
    async () => {
      await using index = new OwnIndex();
      await using proxy = new TcpProxy(NODE_URL!);
      await using relay = await startRelay({ env: index.settings(proxy.url) });
      await using client = await connect(relay.url, { timeoutMs: 30_000 });
      const before = await assertServesAllElse(client);
      await indexed(relay);
      proxy.mode = mode;
      const during = await assertServesAllElse(client);
      await assertSearchRefused(client);
      await eventually(async () => await metricOf(relay, "nostr_indexer_lag_events") >= during.length);
      // A second batch makes it rise: nothing is dropped, nothing is kept in memory for it.
      const more = await assertServesAllElse(client);
      await eventually(async () => {
        return await metricOf(relay, "nostr_indexer_lag_events") === during.length + more.length;
      }, BACK_MS_MAX);
      // What is deleted meanwhile does not come back by way of the index.
      const gone = during[0]!;
      const owner = [0, 1, 2, 3, 4].map(testKey).find(({ pubkey }) => pubkey === gone.pubkey)!;
      await publishGood(client, [signEvent(owner, { kind: 5, tags: [["e", gone.id]] })]);
      proxy.mode = "pass";
      await indexed(relay, BACK_MS_MAX);
      const expected = [...before, ...during.slice(1), ...more].map(({ id }) => id);
      assertSameIds(await index.documents([...expected, gone.id]), expected);
      await eventually(async () => {
        const { events } = await client.query({ search: "outage", limit: 2_000 });
        return events.length === expected.length && events.every(({ id }) => id !== gone.id);
      });
    },
  );
}

Deno.test("an index that was deleted is made anew and filled from the whole log", { ignore }, async () => {
  await using index = new OwnIndex();
  await using relay = await startRelay({ env: index.settings() });
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  const events = await assertServesAllElse(client);
  await indexed(relay);
  await index[Symbol.asyncDispose]();
  events.push(...await assertServesAllElse(client));
  await eventually(
    async () => {
      const found = await index.documents(events.map(({ id }) => id)).catch(() => new Set());
      return found.size === events.length;
    },
    BACK_MS_MAX,
    "the index has everything again",
  );
});

Deno.test("SIGTERM ends a relay whose OpenSearch is silent, and the next start sends what is left", {
  ignore,
}, async () => {
  await using index = new OwnIndex();
  await using proxy = new TcpProxy(NODE_URL!);
  await using relay = await startRelay({ env: index.settings(proxy.url) });
  const events: TestEvent[] = [];
  let accepted = 0;
  {
    await using client = await connect(relay.url, { timeoutMs: 30_000 });
    await indexed(relay);
    accepted = proxy.accepted;
    proxy.mode = "stall";
    events.push(...await assertServesAllElse(client));
  }
  await eventually(() => proxy.accepted > accepted, 20_000, "the indexer asks in vain");
  assertEquals(await relay.stop(), { code: 0, signal: null });
  proxy.mode = "pass";
  await relay.restart();
  await indexed(relay, BACK_MS_MAX);
  assertSameIds(await index.documents(events.map(({ id }) => id)), events.map(({ id }) => id));
});
