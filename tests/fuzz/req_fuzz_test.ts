/**
 * A differential test of the whole relay: random events go in over sockets, and what OK, REQ, COUNT and live
 * delivery say must equal what a relay says that is too simple to be wrong. `SEED=` repeats a run.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { naiveMatch, naiveQuery, type PlainFilter } from "../support/naive_matcher.ts";
import { type Prng, seededPrng } from "../support/prng.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";

const EVENTS = 4_000;
const QUERIES = 400;
const SUBSCRIPTIONS = 60;
const LIMIT_MAX = 1_500;
const LIMIT_DEFAULT = 400;
const AUTHORS = Array.from({ length: 7 }, (_, i) => testKey(500 + i));
const KINDS = [0, 1, 1, 1, 1, 3, 5, 6, 7, 7, 10_002, 20_001, 30_000, 30_000, 30_023, 40_000];
const TEXTS = ["", "a", "A", "b", 'b"c', "é", "e\u0301", "\u0001", "🎉", "a:b", "\\", "a\nb"];
const D_VALUES = ["", "x", "x:y", "é"];

/** What a relay must keep, written down in the most obvious way over a plain array. */
class NaiveRelay {
  stored: TestEvent[] = [];

  /** Returns whether the event is taken, and whether it is new. */
  add(event: TestEvent): { accepted: boolean; isNew: boolean } {
    if (isEphemeral(event)) return { accepted: true, isNew: true };
    if (this.stored.some(({ id }) => id === event.id)) return { accepted: true, isNew: false };
    const requests = this.stored.filter(({ kind, pubkey }) => kind === 5 && pubkey === event.pubkey);
    if (requests.some((request) => deletes(request, event))) return { accepted: false, isNew: false };
    const address = addressOf(event);
    const rival = address === null ? undefined : this.stored.find((other) => addressOf(other) === address);
    if (rival) {
      const rivalWins = rival.created_at > event.created_at ||
        (rival.created_at === event.created_at && rival.id < event.id);
      if (rivalWins) return { accepted: false, isNew: false };
    }
    this.stored = this.stored.filter((other) =>
      other !== rival && !(event.kind === 5 && other.pubkey === event.pubkey && deletes(event, other))
    );
    this.stored.push(event);
    return { accepted: true, isNew: true };
  }
}

function isEphemeral({ kind }: TestEvent): boolean {
  return kind >= 20_000 && kind < 30_000;
}

function addressOf({ kind, pubkey, tags }: TestEvent): string | null {
  if (kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)) return `${kind}:${pubkey}:`;
  if (kind < 30_000 || kind >= 40_000) return null;
  return `${kind}:${pubkey}:${tags.find(([name]) => name === "d")?.[1] ?? ""}`;
}

function deletes(request: TestEvent, event: TestEvent): boolean {
  if (event.kind === 5) return false;
  return request.tags.some(([name, value]) =>
    (name === "e" && value === event.id) ||
    (name === "a" && value === addressOf(event) && event.created_at <= request.created_at)
  );
}

/** Makes events and filters that meet often enough: few authors, few values, times within a minute. */
class Generator {
  readonly #prng: Prng;
  readonly events: TestEvent[] = [];
  readonly #hex: readonly string[];

  constructor(prng: Prng) {
    this.#prng = prng;
    this.#hex = [...AUTHORS.map(({ pubkey }) => pubkey), ...Array.from({ length: 5 }, () => prng.hex(32))];
  }

  nextEvent(): TestEvent {
    const prng = this.#prng;
    // Now and then the same event again, which may have been replaced or deleted meanwhile.
    if (this.events.length > 0 && prng.chance(0.05)) return prng.pick(this.events);
    const kind = prng.pick(KINDS);
    const event = signEvent(prng.pick(AUTHORS), {
      kind,
      created_at: prng.int(1_000, 1_060),
      tags: this.#some(() => kind === 5 ? this.#target() : this.#tag(), 5),
      content: prng.chance(0.1) ? "x".repeat(prng.int(0, 3_000)) : `${this.events.length}`,
    });
    this.events.push(event);
    return event;
  }

  filter(): PlainFilter {
    const prng = this.#prng;
    const filter: PlainFilter = {};
    if (prng.chance(0.12)) filter.ids = this.#some(() => this.#anyId(), 40);
    if (prng.chance(0.4)) filter.authors = this.#some(() => prng.pick(this.#hex), 5);
    if (prng.chance(0.45)) {
      filter.kinds = this.#some(() => prng.chance(0.9) ? prng.pick(KINDS) : prng.int(0, 65_535), 5);
    }
    if (prng.chance(0.25)) filter.since = prng.int(990, 1_070);
    if (prng.chance(0.25)) filter.until = prng.int(990, 1_070);
    if (prng.chance(0.5)) {
      filter.limit = prng.pick([0, 1, 2, 10, 100, 1_000, LIMIT_MAX, LIMIT_MAX + 1, 100_000]);
    }
    if (prng.chance(0.2)) filter["#t"] = this.#some(() => prng.pick(TEXTS), 5);
    if (prng.chance(0.12)) filter["&t"] = this.#some(() => prng.pick(TEXTS), 2);
    if (prng.chance(0.04)) filter["&p"] = this.#some(() => prng.pick(this.#hex), 2);
    if (prng.chance(0.08)) filter["#T"] = this.#some(() => prng.pick(TEXTS), 5);
    if (prng.chance(0.1)) filter["#p"] = this.#some(() => prng.pick(this.#hex), 4);
    if (prng.chance(0.08)) filter["#e"] = this.#some(() => this.#anyId(), 30);
    if (prng.chance(0.08)) filter["#d"] = this.#some(() => prng.pick(D_VALUES), 3);
    return filter;
  }

  filters(): PlainFilter[] {
    return Array.from({ length: this.#prng.chance(0.6) ? 1 : this.#prng.int(2, 4) }, () => this.filter());
  }

  #some<T>(make: () => T, most: number): T[] {
    const count = this.#prng.chance(0.04) ? 0 : this.#prng.int(1, most);
    return Array.from({ length: count }, make);
  }

  #anyId(): string {
    return this.events.length > 0 && this.#prng.chance(0.9)
      ? this.#prng.pick(this.events).id
      : this.#prng.pick(this.#hex);
  }

  #tag(): string[] {
    const prng = this.#prng;
    const name = prng.pick(["t", "t", "T", "p", "e", "d", "d", "title", "+"]);
    const value = name === "p"
      ? prng.pick(this.#hex)
      : name === "e"
      ? this.#anyId()
      : prng.pick(name === "d" ? D_VALUES : TEXTS);
    return prng.chance(0.05) ? [name] : prng.chance(0.2) ? [name, value, prng.pick(TEXTS)] : [name, value];
  }

  #target(): string[] {
    if (this.events.length === 0 || this.#prng.chance(0.2)) return this.#tag();
    const event = this.#prng.pick(this.events);
    const address = addressOf(event);
    return address !== null && this.#prng.chance(0.5) ? ["a", address] : ["e", event.id];
  }
}

Deno.test("REQ, COUNT, OK and live delivery say what a naive relay says", async () => {
  const prng = seededPrng("the relay against a naive one");
  await using relay = await startRelay({
    env: {
      LOG_LEVEL: "error",
      GATEWAY_WORKERS: "2",
      VERIFIER_WORKERS: "2",
      READER_WORKERS: "2",
      MAX_LIMIT: String(LIMIT_MAX),
      DEFAULT_LIMIT: String(LIMIT_DEFAULT),
      PRIVATE_KINDS: "none",
    },
  });
  const clients = await Promise.all(
    Array.from({ length: 6 }, () => connect(relay.url, { timeoutMs: 60_000 })),
  );
  const generator = new Generator(prng);
  const naive = new NaiveRelay();
  const first = Array.from({ length: EVENTS / 2 }, () => generator.nextEvent());
  await publish(clients[0]!, naive, first, prng);
  const live = await subscribe(clients, generator);
  const second = Array.from({ length: EVENTS / 2 }, () => generator.nextEvent());
  const delivered = await publish(clients[0]!, naive, second, prng);
  await compareLive(live, delivered, relay, prng);
  for (let round = 0; round < QUERIES; round += 40) {
    await Promise.all(Array.from({ length: 40 }, async (_, i) => {
      const filters = generator.filters();
      const client = clients[(round + i) % clients.length]!;
      await compareStored(client, naive.stored, filters, `SEED=${prng.seed} ${JSON.stringify(filters)}`);
      await compareCount(client, naive.stored, filters, `SEED=${prng.seed} ${JSON.stringify(filters)}`);
    }));
  }
  await Promise.all(clients.map((client) => client.close()));
  assertEquals((await relay.stop()).code, 0);
});

interface Live {
  readonly client: TestClient;
  readonly id: string;
  readonly filters: readonly PlainFilter[];
}

/** Publishes in order over one connection, compares each OK, and returns what live subscribers must see. */
async function publish(
  client: TestClient,
  naive: NaiveRelay,
  events: readonly TestEvent[],
  prng: Prng,
): Promise<TestEvent[]> {
  const delivered: TestEvent[] = [];
  for (let at = 0; at < events.length; at += 500) {
    const batch = events.slice(at, at + 500);
    const answers = await Promise.all(batch.map((event) => client.publish(event)));
    for (const [i, event] of batch.entries()) {
      const { accepted, isNew } = naive.add(event);
      const ok = answers[i]!;
      // Nobody listens, the relay says; if that is not so, a live subscription will lack the event.
      const isMuted = isEphemeral(event) && ok[3].startsWith("mute: ");
      assertEquals(
        isMuted ? [true, true] : [ok[2], ok[2] && ok[3] === ""],
        [accepted, isNew],
        `SEED=${prng.seed} ${JSON.stringify(ok)}`,
      );
      if (isNew) delivered.push(event);
    }
  }
  return delivered;
}

async function subscribe(clients: readonly TestClient[], generator: Generator): Promise<Live[]> {
  const live = Array.from({ length: SUBSCRIPTIONS }, (_, i): Live => ({
    client: clients[i % clients.length]!,
    id: `live ${i}`,
    filters: generator.filters().map((filter) => ({ ...filter, limit: 0 })),
  }));
  for (const { client, id, filters } of live) client.send(["REQ", id, ...filters]);
  for (const { client, id } of live) {
    assertEquals(await client.next((message) => message[1] === id), ["EOSE", id, []]);
  }
  return live;
}

async function compareLive(
  live: readonly Live[],
  delivered: readonly TestEvent[],
  relay: TestRelay,
  prng: Prng,
) {
  // Published last, and not stored: what has not come before it does not come.
  const fence = signEvent(testKey(600), { kind: 20_000 });
  for (const client of new Set(live.map((one) => one.client))) {
    client.send(["REQ", "fence", { authors: [fence.pubkey], limit: 0 }]);
    await client.next((message) => message[0] === "EOSE" && message[1] === "fence");
  }
  await using publisher = await connect(relay.url);
  await publisher.publish(fence);
  for (const client of new Set(live.map((one) => one.client))) {
    await client.next((message) => message[0] === "EVENT" && message[1] === "fence");
    client.send(["CLOSE", "fence"]);
  }
  for (const { client, id, filters } of live) {
    const received = client.inbox.filter((message) => message[0] === "EVENT" && message[1] === id)
      .map((message) => message[2] as TestEvent).filter((event) => event.id !== fence.id);
    const expected = delivered.filter((event) => filters.some((filter) => naiveMatch(filter, event)));
    assertEquals(idsOf(received), idsOf(expected), `SEED=${prng.seed} ${JSON.stringify(filters)}`);
    client.send(["CLOSE", id]);
  }
  for (const { client } of live) client.inbox.length = 0;
}

async function compareStored(
  client: TestClient,
  stored: readonly TestEvent[],
  filters: readonly PlainFilter[],
  hint: string,
): Promise<void> {
  const { events, closed, eose } = await client.query(...filters as TestFilter[]);
  assertEquals(closed, undefined, hint);
  const answers = filters.map((filter) => naiveAnswer(filter, stored));
  const found = idsOf(events);
  // An empty hint is never wrong; that hints come at all is the test of NIP-67.
  const matching = stored.filter((event) => filters.some((filter) => naiveMatch(filter, event)));
  const [completeness] = eose![2] as [string?];
  if (completeness !== undefined) {
    assertEquals(completeness, matching.every(({ id }) => found.includes(id)) ? "finish" : "more", hint);
  }
  if (filters.length === 1) return assertEquals(found, idsOf(answers[0]!), hint);
  const expected = new Set(answers.flatMap((answer) => idsOf(answer)));
  assertEquals(found.toSorted(), [...expected].toSorted(), hint);
}

/** Where the limit is the relay's own, what has the `created_at` of the last event within it belongs to the answer. */
function naiveAnswer(filter: PlainFilter, stored: readonly TestEvent[]): TestEvent[] {
  const limit = Math.min(filter.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
  const answer = naiveQuery({ ...filter, limit }, stored, LIMIT_MAX) as TestEvent[];
  if (filter.limit === limit) return answer;
  const last = answer.at(-1)?.created_at;
  const all = naiveQuery({ ...filter, limit: Infinity }, stored, Infinity) as TestEvent[];
  return [...answer, ...all.slice(answer.length).filter(({ created_at }) => created_at === last)];
}

async function compareCount(
  client: TestClient,
  stored: readonly TestEvent[],
  filters: readonly PlainFilter[],
  hint: string,
): Promise<void> {
  const id = `count ${hint}`.slice(0, 40) + crypto.randomUUID().slice(0, 8);
  client.send(["COUNT", id, ...filters]);
  const answer = await client.next((message) => message[1] === id);
  const expected = stored.filter((event) => filters.some((filter) => naiveMatch(filter, event))).length;
  assertEquals(answer, ["COUNT", id, { count: expected }], hint);
}

function idsOf(events: readonly { id: string }[]): string[] {
  return events.map(({ id }) => id);
}
