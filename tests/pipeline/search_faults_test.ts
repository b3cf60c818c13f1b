/**
 * Tests of an OpenSearch that works badly, or loses what it had: slow, without room, blocked, failing single items,
 * emptied, another one. Writes go on, the lag tells what is missing, no search ends in an EOSE that is not whole, and
 * everything is found in the end.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { BULK_ITEM_ATTEMPTS_MAX } from "../../lib/limits.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { FaultyOpenSearch } from "../support/faulty_opensearch.ts";
import { startOpenSearch } from "../support/opensearch.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { command } from "./command.ts";
import { NODE_URL, OwnIndex } from "./search_node.ts";
import { assertSameIds, indexed, metricOf, publishGood } from "./traffic.ts";

const ignore = NODE_URL === null;
/** Longer than the longest pause between two attempts of these tests. */
const BACK_MS_MAX = 90_000;
const NOTES = 200;

let number = 0;

function note(): TestEvent {
  return signEvent(testKey(1), { content: `quality note ${number++}` });
}

/** Writes are acknowledged, whatever search does. */
async function publishNotes(client: TestClient): Promise<TestEvent[]> {
  const events = Array.from({ length: NOTES }, note);
  await publishGood(client, events, 100);
  return events;
}

/** What a search for all notes finds, or the reason why it was refused. */
async function searched(client: TestClient): Promise<Set<string> | string> {
  const { events, eose, closed } = await client.query({ search: "quality", limit: 5_000 });
  if (eose !== undefined) return new Set(events.map(({ id }) => id));
  assertEquals(events.length, 0);
  assertMatch(closed?.[2] as string, /^error: /);
  return closed![2] as string;
}

/** The lag counts what the index lacks, and searches are refused, until `mend`; then all is found. */
async function endure(
  relay: TestRelay,
  client: TestClient,
  { before, mend }: { before: readonly TestEvent[]; mend: () => Promise<void> | void },
): Promise<TestEvent[]> {
  const during = await publishNotes(client);
  await eventually(
    async () => await metricOf(relay, "nostr_indexer_lag_events") === during.length,
    BACK_MS_MAX,
    "the lag is what is missing",
  );
  await eventually(async () => await metricOf(relay, "nostr_search_available") === 0, BACK_MS_MAX);
  assertEquals(typeof await searched(client), "string");
  during.push(...await publishNotes(client));
  await mend();
  const all = [...before, ...during];
  await assertAllFound(relay, client, all);
  return all;
}

/** Each search until then was refused or found everything acknowledged before the fault and during it. */
async function assertAllFound(
  relay: TestRelay,
  client: TestClient,
  all: readonly TestEvent[],
): Promise<void> {
  const found = await eventually(
    async () => {
      const answer = await searched(client);
      return typeof answer === "string" ? null : answer;
    },
    BACK_MS_MAX,
    "a search is answered again",
  );
  // The first answer at all is whole.
  assertSameIds(found, all.map(({ id }) => id));
  await indexed(relay, BACK_MS_MAX);
}

/** A relay whose OpenSearch is behind the proxy, with notes that are indexed. */
async function begin(env: Record<string, string>) {
  const relay = await startRelay({ env });
  const client = await connect(relay.url, { timeoutMs: 60_000 });
  const before = await publishNotes(client);
  await eventually(async () => {
    const found = await searched(client);
    return typeof found !== "string" && found.size === before.length;
  }, BACK_MS_MAX);
  await indexed(relay);
  return { relay, client, before };
}

Deno.test(
  "an OpenSearch that answers after 10 seconds costs searches, and no write",
  { ignore },
  async () => {
    await using index = new OwnIndex();
    await using node = new FaultyOpenSearch(NODE_URL!);
    const { relay, client, before } = await begin(index.settings(node.url));
    await using _relay = relay;
    await using _client = client;
    node.faults.delayMs = 10_000;
    await endure(relay, client, { before, mend: () => node.heal() });
  },
);

Deno.test("bulks refused with 429 wait, and no search hides what is missing", { ignore }, async () => {
  await using index = new OwnIndex();
  await using node = new FaultyOpenSearch(NODE_URL!);
  const { relay, client, before } = await begin(index.settings(node.url));
  await using _relay = relay;
  await using _client = client;
  node.faults.refusesBulks = true;
  await endure(relay, client, { before, mend: () => node.heal() });
  assertEquals(await metricOf(relay, "nostr_search_dead_letters"), 0);
});

Deno.test("items without room in the node wait as long as it takes, and are not set aside", {
  ignore,
}, async () => {
  await using index = new OwnIndex();
  await using node = new FaultyOpenSearch(NODE_URL!);
  const { relay, client, before } = await begin(index.settings(node.url));
  await using _relay = relay;
  await using _client = client;
  const fails = ({ id }: { id: string }) => parseInt(id[0]!, 16) % 2 === 0;
  node.faults.failingItem = (id) => fails({ id }) ? 429 : null;
  const during = await publishNotes(client);
  const failing = during.filter(fails);
  await eventually(
    async () => await metricOf(relay, "nostr_indexer_lag_events") === failing.length,
    BACK_MS_MAX,
    "the lag is the items that fail",
  );
  // More attempts than an item has that may be at fault itself, each in a bulk that succeeds in part.
  for (let attempt = 0; attempt < BULK_ITEM_ATTEMPTS_MAX + 2; attempt++) {
    const { bulks } = node;
    let good = note();
    while (fails(good)) good = note();
    await publishGood(client, [good]);
    during.push(good);
    await eventually(() => node.bulks > bulks, BACK_MS_MAX);
  }
  await eventually(async () => typeof await searched(client) === "string", BACK_MS_MAX);
  await eventually(
    async () => await metricOf(relay, "nostr_indexer_lag_events") === failing.length,
    BACK_MS_MAX,
    "the others are indexed",
  );
  node.heal();
  await assertAllFound(relay, client, [...before, ...during]);
  assertEquals(await metricOf(relay, "nostr_search_dead_letters"), 0);
});

Deno.test("an item on which the node fails each time is set aside, and a reindex takes it", {
  ignore,
}, async () => {
  await using index = new OwnIndex();
  await using node = new FaultyOpenSearch(NODE_URL!);
  const { relay, client, before } = await begin(index.settings(node.url));
  await using _relay = relay;
  await using _client = client;
  const [poison, other] = [note(), note()];
  node.faults.failingItem = (id) => id === poison.id ? 500 : null;
  await publishGood(client, [poison, other]);
  await eventually(async () => await metricOf(relay, "nostr_search_dead_letters") === 1, BACK_MS_MAX);
  await indexed(relay, BACK_MS_MAX);
  const all = [...before, poison, other].map(({ id }) => id);
  assertSameIds(await index.documents(all), all.filter((id) => id !== poison.id));
  node.heal();
  assertEquals((await command("reindex", relay.dataDir)).code, 0);
  assertSameIds(await searched(client) as Set<string>, all);
  await eventually(async () => await metricOf(relay, "nostr_search_dead_letters") === 0, BACK_MS_MAX);
});

Deno.test("an index that is blocked as on a full disk costs searches, and no write", { ignore }, async () => {
  await using index = new OwnIndex();
  const { relay, client, before } = await begin(index.settings());
  await using _relay = relay;
  await using _client = client;
  const block = (value: true | null) =>
    index.ask("PUT", "/_settings", { "index.blocks.read_only_allow_delete": value });
  await block(true);
  await endure(relay, client, { before, mend: () => block(null) });
});

Deno.test(
  "an index that was emptied behind the relay's back is noticed, without any write, and filled again",
  {
    ignore,
  },
  async () => {
    await using index = new OwnIndex();
    await using node = new FaultyOpenSearch(NODE_URL!);
    const { relay, client, before } = await begin(index.settings(node.url));
    await using _relay = relay;
    await using _client = client;
    // The relay has to have seen what the index held.
    const { looks } = node;
    await eventually(() => node.looks > looks + 1, BACK_MS_MAX);
    await index.removeDocuments(before.map(({ id }) => id));
    await eventually(() => relay.output().includes("most of its documents are gone"), BACK_MS_MAX);
    await assertAllFound(relay, client, before);
  },
);

Deno.test(
  "an index that was deleted is noticed, without any write, and filled again",
  { ignore },
  async () => {
    await using index = new OwnIndex();
    const { relay, client, before } = await begin(index.settings());
    await using _relay = relay;
    await using _client = client;
    await index[Symbol.asyncDispose]();
    // Whether the relay knows yet or not: no search finds nothing.
    await assertAllFound(relay, client, before);
  },
);

Deno.test("a node that comes back empty is filled again, and no search is answered until then", {
  ignore,
}, async () => {
  const parent = await Deno.makeTempDir({ prefix: "sluice-empty-node-" });
  const index = new OwnIndex();
  let node = await startOpenSearch({ dataDir: `${parent}/a` });
  try {
    const { relay, client, before } = await begin(index.settings(node.url));
    await using _relay = relay;
    await using _client = client;
    await node.stop("SIGKILL");
    await endure(relay, client, {
      before,
      mend: async () => void (node = await startOpenSearch({ port: node.port, dataDir: `${parent}/b` })),
    });
  } finally {
    await node.stop("SIGKILL");
    await Deno.remove(parent, { recursive: true });
  }
});
