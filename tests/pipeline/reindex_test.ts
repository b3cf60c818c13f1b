/**
 * Tests of `deno task reindex`, as an operator runs it beside a relay that takes events and deletions: searches are never
 * answered by a part of the index, whatever ends in between, and the new index holds what the store holds.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { FaultyOpenSearch } from "../support/faulty_opensearch.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { command } from "./command.ts";
import { NODE_URL, OwnIndex } from "./search_node.ts";
import { assertSameIds, indexed, publishGood } from "./traffic.ts";

const KEY = testKey(1);
/** So small that there are many bulks. */
const FLUSH = { FLUSH_EVENTS_MAX: "100", FLUSH_INTERVAL_MS: "100" };
const BOUND_MS = 90_000;
const NOTES = 1_000;
/** The word of notes that stay, whatever is written meanwhile. */
const STEADY = "steadfast";

let number = 0;

function notes(count: number, word = ""): TestEvent[] {
  const content = () => `reindexed note ${number++} ${word}`;
  return Array.from({ length: count }, () => signEvent(KEY, { content: content() }));
}

function deletionOf(events: readonly TestEvent[]): TestEvent {
  return signEvent(KEY, { kind: 5, tags: events.map(({ id }) => ["e", id]) });
}

/** What a search finds, or why it was refused. */
async function searched(client: TestClient, search = "reindexed"): Promise<Set<string> | string> {
  const { events, eose, closed } = await client.query({ search, limit: 5_000 });
  if (eose !== undefined) return new Set(events.map(({ id }) => id));
  assertMatch(closed?.[2] as string, /^error: /);
  return closed![2] as string;
}

/** So few that one search finds them all. */
const ROUNDS_MAX = 100;

/** Writes, deletes and searches until it is told to stop; each search that is answered holds `always`. */
class Traffic {
  readonly kept: TestEvent[] = [];
  readonly deleted: TestEvent[] = [];
  answered = 0;
  refused = 0;
  #stopping = false;
  readonly #running: Promise<void>;

  constructor(client: TestClient, always: readonly TestEvent[], doomed: readonly TestEvent[]) {
    this.#running = this.#run(client, always, [...doomed]);
  }

  async #run(client: TestClient, always: readonly TestEvent[], doomed: TestEvent[]): Promise<void> {
    const wanted = new Set(always.map(({ id }) => id));
    for (let round = 0; !this.#stopping; round++) {
      if (round < ROUNDS_MAX) await this.#write(client, doomed);
      const found = await searched(client, STEADY);
      if (typeof found === "string") this.refused++;
      else {
        this.answered++;
        assertSameIds(found, wanted);
      }
    }
  }

  async #write(client: TestClient, doomed: TestEvent[]): Promise<void> {
    const fresh = notes(20);
    const [early, ...late] = [fresh.pop()!, ...doomed.splice(0, 5)];
    await publishGood(client, [...fresh, early]);
    await publishGood(client, [deletionOf([early, ...late])]);
    this.kept.push(...fresh);
    this.deleted.push(early, ...late);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }
}

/** A relay on a store with notes, some of which will be deleted, all of them indexed. */
async function begin(env: Record<string, string>) {
  const relay = await startRelay({ env: { ...FLUSH, ...env } });
  const client = await connect(relay.url, { timeoutMs: 30_000 });
  const [always, doomed] = [notes(NOTES, STEADY), notes(100)];
  await publishGood(client, [...always, ...doomed]);
  await indexed(relay, BOUND_MS);
  await eventually(async () => {
    const found = await searched(client);
    return typeof found !== "string" && found.size === NOTES + 100;
  }, BOUND_MS);
  return { relay, client, always, doomed };
}

/** A search finds what there is, and the index holds no more. */
async function assertHolds(
  relay: TestRelay,
  client: TestClient,
  { kept, gone }: { kept: readonly TestEvent[]; gone: readonly TestEvent[] },
): Promise<void> {
  await indexed(relay, BOUND_MS);
  const expected = new Set(kept.map(({ id }) => id));
  await eventually(async () => {
    const found = await searched(client);
    return typeof found !== "string" && found.symmetricDifference(expected).size === 0;
  }, BOUND_MS);
  assert(gone.length > 0);
}

/** How much a rebuild had to go, each time that it was begun or gone on with. */
function leftAtStarts(relay: TestRelay): number[] {
  return [...relay.output().matchAll(/built anew: (\d+) changes to go/g)].map(([, left]) => Number(left));
}

Deno.test("reindex builds OpenSearch's index anew beside traffic, with every search answered in full", {
  ignore: NODE_URL === null,
}, async () => {
  await using index = new OwnIndex();
  await using node = new FaultyOpenSearch(NODE_URL!);
  const started = await begin({ ...index.settings(node.url), ...FLUSH });
  await using relay = started.relay;
  await using client = started.client;
  const { always, doomed } = started;
  const [before] = await index.indexes();
  const traffic = new Traffic(client, always, doomed);
  await eventually(() => traffic.answered > 0, BOUND_MS);
  const { code, said } = await command("reindex", relay.dataDir);
  assertEquals(code, 0, said);
  assertMatch(said, /\d+ of \d+ changes\n/);
  const { answered } = traffic;
  await eventually(() => traffic.answered > answered + 2, BOUND_MS);
  await traffic.stop();
  assertEquals(traffic.refused, 0);
  assertEquals(await index.indexes(), [`${before}-2`]);
  const kept = [...always, ...doomed.filter((event) => !traffic.deleted.includes(event)), ...traffic.kept];
  await assertHolds(relay, client, { kept, gone: traffic.deleted });
  const gone = traffic.deleted.map(({ id }) => id);
  assertSameIds(await index.documents([...kept.map(({ id }) => id), ...gone]), kept.map(({ id }) => id));
});

Deno.test("a reindex goes on where it was after the command, the relay or the new index was killed", {
  ignore: NODE_URL === null,
}, async () => {
  await using index = new OwnIndex();
  await using node = new FaultyOpenSearch(NODE_URL!);
  const started = await begin({ ...index.settings(node.url), ...FLUSH });
  await using relay = started.relay;
  await using _client = started.client;
  const { always, doomed } = started;
  // Without a relay it is asked for, and done at the next start; slowly, so that there is a middle.
  await relay.kill();
  const { code, said } = await command("reindex", relay.dataDir);
  assertEquals(code, 2, said);
  node.faults.delayMs = 200;
  await relay.restart();
  const { bulks } = node;
  await eventually(() => node.bulks > bulks + 3, BOUND_MS);
  await relay.kill();
  node.faults.delayMs = 1_000;
  await relay.restart();
  await eventually(() => leftAtStarts(relay).length === 2, BOUND_MS);
  const [first, second] = leftAtStarts(relay);
  assert(second! < first!, `${second} of ${first} changes were left`);
  assertEquals((await index.indexes()).length, 2, "the new index is being filled");
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  await publishGood(client, [deletionOf(doomed)]);
  await index.removeIndex(`${(await index.indexes())[0]}-2`);
  node.heal();
  const again = await command("reindex", relay.dataDir);
  assertEquals(again.code, 0, again.said);
  assertEquals((await index.indexes()).map((name) => name.endsWith("-2")), [true]);
  await assertHolds(relay, client, { kept: always, gone: doomed });
  const ids = always.map(({ id }) => id);
  assertSameIds(await index.documents([...ids, ...doomed.map(({ id }) => id)]), ids);
});

Deno.test("reindex empties and fills the embedded index, and no search is answered by a part of it", async () => {
  // So many bulks that searches come in between.
  const started = await begin({ FLUSH_EVENTS_MAX: "1" });
  await using relay = started.relay;
  const { always, doomed } = started;
  {
    await using client = started.client;
    const traffic = new Traffic(client, always, doomed);
    await eventually(() => traffic.answered > 0, BOUND_MS);
    const { code, said } = await command("reindex", relay.dataDir);
    assertEquals(code, 0, said);
    const { answered } = traffic;
    await eventually(() => traffic.answered > answered + 2, BOUND_MS);
    await traffic.stop();
    const kept = [...always, ...doomed.filter((event) => !traffic.deleted.includes(event)), ...traffic.kept];
    await assertHolds(relay, client, { kept, gone: traffic.deleted });
    always.splice(0, always.length, ...kept);
  }
  // Cut short: it is empty or half full when the relay ends, and whole before it answers.
  await relay.kill();
  assertEquals((await command("reindex", relay.dataDir)).code, 2);
  for (let kill = 0; kill < 2; kill++) {
    await relay.restart();
    await eventually(() => relay.output().includes("was emptied"), BOUND_MS);
    await relay.kill();
  }
  await relay.restart();
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  const first = await eventually(async () => {
    const found = await searched(client);
    return typeof found === "string" ? null : found;
  }, BOUND_MS);
  assertSameIds(first, always.map(({ id }) => id));
});
