/**
 * Tests of what is remembered of authors' newest times: answers are those of a naive matcher, whatever was learned and
 * whatever happened since, and fewer authors are sought. `SEED=` repeats a run.
 */
import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { naiveQuery, type PlainEvent, type PlainFilter } from "../../../tests/support/naive_matcher.ts";
import { packed } from "../../../tests/support/pack_event.ts";
import { Prng } from "../../../tests/support/prng.ts";
import { NEWEST_TIMES_LAG_MAX, TIED_EVENTS_MAX } from "../../limits.ts";
import { parseFilter } from "../../nostr/filter.ts";
import { EventReader } from "./event_reader.ts";
import { EventStore } from "../write/event_store.ts";
import { ANY_AGE, NewestTimes, NO_AGE } from "./newest_times.ts";
import { Planner } from "./plan.ts";
import { migrate } from "../keep/schema.ts";

const LIMIT_MAX = 40;
const KINDS = [0, 1, 1, 1, 6, 7];

function open() {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  return { db, store: new EventStore(db), reader: new EventReader(db) };
}

function add(store: EventStore, events: readonly PlainEvent[]): void {
  store.begin();
  for (const plain of events) store.add(packed(plain));
  store.commit();
}

/** A prolific author writes sixty times as often as the last one. */
class Writer {
  readonly authors: readonly string[];
  time = 100_000;

  constructor(readonly prng: Prng) {
    this.authors = Array.from({ length: 60 }, () => prng.hex(32));
  }

  event(): PlainEvent {
    const { prng } = this;
    this.time += prng.int(0, 2);
    return {
      id: prng.hex(32),
      pubkey: this.authors[Math.floor(60 ** prng.float()) - 1]!,
      created_at: prng.chance(0.1) ? prng.int(99_900, this.time) : this.time,
      kind: prng.pick(KINDS),
      tags: prng.chance(0.3) ? [["t", prng.pick(["a", "b"])]] : [],
      content: "",
      sig: "0".repeat(128),
    };
  }

  filter(): PlainFilter {
    const { prng } = this;
    const filter: PlainFilter = { authors: this.authors.filter(() => prng.chance(0.8)) };
    if (prng.chance(0.8)) filter.kinds = [...new Set([prng.pick(KINDS), prng.pick(KINDS)])];
    if (prng.chance(0.7)) filter.limit = prng.pick([1, 2, 5, 20, LIMIT_MAX]);
    if (prng.chance(0.2)) filter.until = prng.int(99_990, this.time + 1);
    if (prng.chance(0.2)) filter.since = prng.int(99_990, this.time + 1);
    if (prng.chance(0.15)) filter["#t"] = [prng.pick(["a", "b"])];
    return filter;
  }
}

Deno.test("timelines are exact whatever was learned, and whatever came, went and moved since", () => {
  const prng = new Prng(Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 32)));
  const { db, store, reader } = open();
  const other = new EventReader(db);
  const writer = new Writer(prng);
  const textOf = db.prepare("SELECT text FROM body WHERE seq = ?");
  let events: PlainEvent[] = [];
  for (let round = 0; round < 150; round++) {
    const news = Array.from({ length: prng.int(0, 12) }, () => writer.event());
    if (prng.chance(0.3) && events.length > 0) {
      const { id, pubkey, kind } = prng.pick(events);
      if (kind !== 5) news.push({ ...writer.event(), kind: 5, pubkey, tags: [["e", id]] });
    }
    add(store, news);
    if (prng.chance(0.05)) store.mergeFresh();
    events = stored(db);
    for (let query = 0; query < 8; query++) {
      const filter = writer.filter();
      const text = `${
        JSON.stringify({ ...filter, authors: filter.authors!.length })
      } in round ${round}, SEED=${prng.seed}`;
      const expected = naiveQuery(filter, events, LIMIT_MAX);
      const isCapped = (filter.limit ?? LIMIT_MAX + 1) > LIMIT_MAX;
      const last = expected.length === LIMIT_MAX ? expected.at(-1)!.created_at : NaN;
      const all = naiveQuery({ ...filter, limit: Infinity }, events, Infinity);
      const wanted = isCapped
        ? all.filter((event, at) => at < LIMIT_MAX || event.created_at === last)
        : expected;
      assert(wanted.length <= LIMIT_MAX + TIED_EVENTS_MAX);
      const { ids, end } = answer(prng.chance(0.5) ? [reader] : [reader, other], filter, prng);
      assertEquals(ids, wanted.map(({ id }) => id), text);
      const next = typeof end === "number" ? JSON.parse(textOf.get(end)!.text as string).id : end;
      assertEquals(next, all[wanted.length]?.id ?? "all", `${text}: the end`);
    }
  }
});

/** The answer of a scan whose steps may be small, and which may go on with another reader. */
function answer(readers: readonly EventReader[], filter: PlainFilter, prng: Prng) {
  const limit = filter.limit === undefined ? LIMIT_MAX + 1 : filter.limit;
  const parsed = parseFilter({ ...filter, limit }, { limitMax: LIMIT_MAX, limitDefault: LIMIT_MAX });
  const rows = prng.pick([1, 7, 60, 1e6]);
  const options = { seqMax: readers[0]!.refresh(), now: 1 };
  let scan = readers[0]!.scan(parsed, options);
  const ids: string[] = [];
  for (
    let step = 1;
    scan.step({ rows, bytes: 1e6 }, (text) => ids.push(JSON.parse(text).id)) === "more";
    step++
  ) {
    assert(step < 10_000, "it makes progress");
    const next = readers[step % readers.length]!;
    if (readers.length > 1 && step % 3 === 0) {
      scan = next.scan(parsed, { ...options, position: scan.position });
    }
  }
  return { ids, end: scan.end };
}

function stored(db: DatabaseSync): PlainEvent[] {
  return db.prepare("SELECT text FROM body").all().map(({ text }) => JSON.parse(text as string));
}

Deno.test("authors who have written nothing lately are not sought again, until they write", () => {
  const { store, reader } = open();
  const authors = Array.from({ length: 64 }, (_, n) => (n + 1).toString(16).padStart(64, "0"));
  const write = (author: string, created_at: number): PlainEvent => ({
    id: `${author.slice(-8)}${created_at.toString(16).padStart(56, "0")}`,
    pubkey: author,
    created_at,
    kind: 1,
    tags: [],
    content: "",
    sig: "0".repeat(128),
  });
  add(store, authors.map((author, n) => write(author, 1_000 + n)));
  const filter = { authors, kinds: [1], limit: 3 };
  const parsed = parseFilter(filter, { limitMax: 500, limitDefault: 500 });
  const newest = () => {
    const scan = reader.scan(parsed, { seqMax: reader.refresh(), now: 1 });
    const opening = scan.openingRows;
    const times: number[] = [];
    scan.step({ rows: 1e6, bytes: 1e6 }, (text) => times.push(JSON.parse(text).created_at));
    return { times, opening };
  };
  const first = newest();
  const second = newest();
  assertEquals([first.times, second.times], [[1_063, 1_062, 1_061], [1_063, 1_062, 1_061]]);
  assert(second.opening < first.opening / 2, `${second.opening} of ${first.opening}`);
  add(store, [write(authors[0]!, 2_000)]);
  assertEquals(newest().times, [2_000, 1_063, 1_062]);
});

Deno.test("a time that was learned only ever becomes newer by the log, and is forgotten behind too much of it", () => {
  const { db, store } = open();
  const times = new NewestTimes(db);
  const writer = new Writer(new Prng(7));
  add(store, [writer.event()]);
  const [author, other] = [77, 78];
  const newest = db.prepare("SELECT max(seq) AS seq FROM fresh_event");
  const catchUp = () => times.catchUp(newest.get()!.seq as number);
  catchUp();
  assertEquals(times.leastAge(author, [1]), ANY_AGE);
  times.learn(author, [1, 6], -500);
  times.learn(author, [6], NO_AGE);
  assertEquals([times.leastAge(author, [1, 6]), times.leastAge(author, [6])], [-500, NO_AGE]);
  assertEquals([times.leastAge(author, [1, 7]), times.leastAge(other, [1])], [ANY_AGE, ANY_AGE]);
  const insert = db.prepare("INSERT INTO fresh_event (id_key, pubkey_key, kind, age) VALUES (1, ?, 1, ?)");
  insert.run(author, -400);
  catchUp();
  assertEquals(times.leastAge(author, [1]), -500, "an older event changes nothing");
  insert.run(author, -600);
  catchUp();
  assertEquals(times.leastAge(author, [1]), -600);
  for (let n = 0; n <= NEWEST_TIMES_LAG_MAX; n++) insert.run(other, -1);
  catchUp();
  assertEquals(times.leastAge(author, [1]), ANY_AGE);
});

Deno.test("windows of a plan follow one another without a gap", () => {
  const { db } = open();
  const times = new NewestTimes(db);
  const authors = Array.from({ length: 300 }, (_, n) => (n + 1).toString(16).padStart(64, "0"));
  for (let n = 0; n < 300; n++) if (n % 10 > 0) times.learn(n + 1, [1], -(n >> 1));
  const filter = parseFilter({ authors, kinds: [1], limit: 6 }, { limitMax: 500, limitDefault: 500 });
  const { streams } = new Planner(db, times).plan(filter, 0);
  assert(streams.length > 2);
  assertEquals([streams[0]!.ageMin, streams.at(-1)!.ageMax, streams.at(-1)!.lists[0]!.length], [
    ANY_AGE,
    Infinity,
    300,
  ]);
  for (const [n, { ageMin }] of streams.entries()) {
    if (n > 0) assertEquals(ageMin, streams[n - 1]!.ageMax + 1);
  }
});
