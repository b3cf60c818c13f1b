/** Tests of crashes: the relay is killed at any instant, and holds what it has acknowledged. */
import { assert, assertEquals } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { EventModel } from "../support/event_model.ts";
import { type Prng, seededPrng } from "../support/prng.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { NODE_URL, OwnIndex } from "./search_node.ts";
import { TcpProxy } from "./tcp_proxy.ts";
import { assertSameIds, heldOf, indexed, publishAll } from "./traffic.ts";
import { makeWorkload, survivors, WORDS } from "./workload.ts";

const CONNECTIONS = 4;
const WINDOW = 300;

/** One run of a workload against a relay that is killed on the way. */
class Ordeal {
  readonly events: readonly TestEvent[];
  readonly #model: EventModel;
  readonly #relay: TestRelay;
  readonly #answered = new Set<string>();

  constructor(relay: TestRelay, events: readonly TestEvent[]) {
    this.#relay = relay;
    this.events = events;
    this.#model = EventModel.of(events);
  }

  get acknowledged(): number {
    return this.#model.acceptedCount;
  }

  /** Publishes what has no answer yet, over several connections, until all is answered or the relay is gone. */
  async publish(onOk: () => void): Promise<void> {
    const left = this.events.filter(({ id }) => !this.#answered.has(id));
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(this.#relay.url)));
    await Promise.all(clients.map((client, share) => {
      const mine = left.filter((_, n) => n % CONNECTIONS === share);
      return publishAll(client, mine, WINDOW, (event, [, , accepted, reason]) => {
        assertEquals(this.#model.answer(event.id, accepted, reason), null);
        this.#answered.add(event.id);
        onOk();
      });
    }));
    await Promise.all(clients.map((client) => client.close()));
  }

  /** Reads everything back and holds it against what was acknowledged. */
  async check(): Promise<void> {
    await using client = await connect(this.#relay.url);
    const ids = this.#model.ids();
    assertEquals(this.#model.mistakes(ids, await heldOf(client, ids)).slice(0, 10), []);
  }

  /** Every event was answered: now the relay holds what the model holds, no more and no less. */
  async checkEnd(): Promise<Map<string, TestEvent>> {
    assertEquals(this.#answered.size, this.events.length);
    await using client = await connect(this.#relay.url);
    const held = await heldOf(client, this.#model.ids());
    const expected = survivors(this.events);
    assertSameIds(held.keys(), expected.keys());
    return expected;
  }
}

/** Kills and restarts the relay when each of `moments` acknowledgements has been reached; then publishes the rest. */
async function killAt(relay: TestRelay, ordeal: Ordeal, moments: readonly number[]): Promise<void> {
  for (const moment of moments) {
    let killed: Promise<unknown> | undefined;
    await ordeal.publish(() => {
      if (ordeal.acknowledged >= moment) killed ??= relay.kill();
    });
    assert(killed, `all was answered before ${moment} acknowledgements`);
    await killed;
    await relay.restart();
    await ordeal.check();
  }
  await ordeal.publish(() => {});
}

function momentsOf(prng: Prng, count: number, events: number): number[] {
  // Some events are superseded or deleted at once, and never acknowledged.
  return Array.from({ length: count }, () => prng.int(1, Math.floor(events * 0.6))).sort((a, b) => a - b);
}

Deno.test("a relay killed at any instant holds every event that it acknowledged, and OpenSearch follows", {
  ignore: NODE_URL === null,
}, async () => {
  const prng = seededPrng("crashes with OpenSearch");
  await using index = new OwnIndex();
  await using relay = await startRelay({ env: { ...index.settings(), GATEWAY_WORKERS: "2" } });
  const ordeal = new Ordeal(relay, makeWorkload(prng, 20_000));
  await killAt(relay, ordeal, momentsOf(prng, 3, 20_000));
  const expected = await ordeal.checkEnd();
  await indexed(relay, 60_000);
  const documents = await index.documents(ordeal.events.map(({ id }) => id));
  assertSameIds(documents, expected.keys());
});

Deno.test("a relay killed at any instant searches in what it acknowledged with its embedded index", async () => {
  const prng = seededPrng("crashes with the embedded index");
  await using relay = await startRelay({ env: { FLUSH_INTERVAL_MS: "50", FLUSH_EVENTS_MAX: "300" } });
  const ordeal = new Ordeal(relay, makeWorkload(prng, 4_000));
  await killAt(relay, ordeal, momentsOf(prng, 3, 4_000));
  const expected = await ordeal.checkEnd();
  await indexed(relay);
  await using client = await connect(relay.url);
  const found = await searchedOf(client, [1, 7, 30_023]);
  const searchable = [...expected.values()].filter(({ kind }) => [1, 7, 30_023].includes(kind));
  assertSameIds(found, searchable.map(({ id }) => id));
});

/** Every event of `kinds` that a search finds, whatever its word. */
async function searchedOf(client: TestClient, kinds: readonly number[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const word of WORDS) {
    const { events, closed } = await client.query({ search: word, kinds, limit: 5_000 });
    assertEquals(closed, undefined);
    for (const { id } of events) found.add(id);
  }
  return found;
}

/** Where in a bulk call the relay dies. */
const DEATHS = {
  "before OpenSearch has seen the call": "request",
  "before it has seen the answer": "answer",
} as const;

for (const [when, lost] of Object.entries(DEATHS)) {
  Deno.test(
    `a relay killed during a bulk call, ${when}, repeats it`,
    { ignore: NODE_URL === null },
    async () => {
      const prng = seededPrng(`a crash ${when}`);
      await using index = new OwnIndex();
      await using proxy = new TcpProxy(NODE_URL!);
      await using relay = await startRelay({ env: index.settings(proxy.url) });
      await indexed(relay);
      const ordeal = new Ordeal(relay, makeWorkload(prng, 1_500));
      // The first call passes: the cursor is somewhere in the middle when the second one dies.
      let calls = 0;
      let killed: Promise<unknown> | undefined;
      proxy.inspect = (direction, bytes) => {
        if (direction === "request" && isBulk(bytes)) calls++;
        if (calls < 2 || direction !== lost) return false;
        killed ??= relay.kill();
        return true;
      };
      await ordeal.publish(() => {});
      // What is published late makes another call, should all have been in one.
      let more = 0;
      await eventually(
        async () => killed !== undefined || (await publishNote(relay, more++), killed !== undefined),
        15_000,
        "a second bulk call comes",
      );
      await killed;
      proxy.inspect = () => false;
      await relay.restart();
      await ordeal.publish(() => {});
      const expected = await ordeal.checkEnd();
      await indexed(relay);
      const documents = await index.documents(ordeal.events.map(({ id }) => id));
      assertSameIds(documents, expected.keys());
    },
  );
}

function isBulk(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, 200)).includes("/_bulk");
}

/** A note by somebody whom the workload does not know, if the relay is still there. */
async function publishNote(relay: TestRelay, number: number): Promise<void> {
  const client = await connect(relay.url).catch(() => null);
  if (client === null) return;
  await publishAll(client, [signEvent(testKey(1_000), { content: `one more, ${number}` })], 1);
  await client.close();
}
