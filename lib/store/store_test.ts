/** Tests of the store: what is kept, what gives way, what is found; with a naive matcher as the oracle. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { naiveQuery, type PlainEvent, type PlainFilter } from "../../tests/support/naive_matcher.ts";
import { racingDatabase } from "../../tests/support/racing_database.ts";
import { packed } from "../../tests/support/pack_event.ts";
import { SCAN_CHUNK_ROWS_MAX, SCAN_RANGE_ROWS, SCAN_RANGES_MAX, VANISH_EVENTS_MAX } from "../limits.ts";
import { parseFilter } from "../nostr/filter.ts";
import { EventReader } from "./read/event_reader.ts";
import { EventStore } from "./write/event_store.ts";
import { LogReader } from "../log/log_reader.ts";
import { migrate, SCHEMA_VERSION, SchemaError } from "./keep/schema.ts";

const LIMITS = { limitMax: 500, limitDefault: 500 };

function open() {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  return { db, store: new EventStore(db), reader: new EventReader(db), log: new LogReader(db) };
}

/** A small generator with a seed, so that a failure can be run again. */
function mulberry32(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const hex = (n: number, chars = 64) => n.toString(16).padStart(8, "0").repeat(chars / 8);
let serial = 1;

function event(fields: Partial<PlainEvent> = {}): PlainEvent {
  return {
    id: hex(Math.imul(serial++, 0x9e3779b1) >>> 0),
    pubkey: hex(1),
    created_at: 1000,
    kind: 1,
    tags: [],
    content: "",
    sig: hex(7, 128),
    ...fields,
  };
}

function add(store: EventStore, ...events: PlainEvent[]) {
  store.begin();
  const outcomes = events.map((plain) => store.add(packed(plain)));
  store.commit();
  return outcomes;
}

function query(reader: EventReader, filter: PlainFilter, stepRows = 1_000_000, now = 0): PlainEvent[] {
  const found: PlainEvent[] = [];
  const parsed = parseFilter(filter, LIMITS);
  let scan = reader.scan(parsed, { seqMax: Infinity, now });
  let steps = 0;
  while (scan.step({ rows: stepRows, bytes: 1e9 }, (text) => found.push(JSON.parse(text))) === "more") {
    // Now and then the query goes on in a new scan, as when it moves to a reader.
    if (++steps % 64 === 3) scan = reader.scan(parsed, { seqMax: Infinity, now, position: scan.position });
    if (steps > 100_000) throw new Error("the scan makes no progress");
  }
  return found;
}

const ids = (events: PlainEvent[]) => events.map((found) => found.id);

Deno.test("an event is stored once and found by every kind of filter", () => {
  const { store, reader } = open();
  const note = event({
    kind: 1,
    tags: [["e", hex(9)], ["t", "nostr"], ["long name", "x"]],
    content: 'q"\n\u0001',
  });
  assertEquals(add(store, note, event({ kind: 7 }), note), ["stored", "stored", "duplicate"]);
  assertEquals(add(store, note), ["duplicate"]);
  for (
    const filter of [
      { ids: [note.id] },
      { authors: [note.pubkey], kinds: [1] },
      { kinds: [1] },
      { "#e": [hex(9)] },
      { "#t": ["nostr"], authors: [note.pubkey] },
      { kinds: [1], since: 1000, until: 1000 },
    ]
  ) assertEquals(query(reader, filter), [note], JSON.stringify(filter));
  assertEquals(query(reader, { ids: [] }), []);
  assertEquals(query(reader, { kinds: [1], limit: 0 }), []);
  assertEquals(query(reader, { "#t": ["nost"] }), []);
});

Deno.test("newest comes first, and the lowest id among equals", () => {
  const { store, reader } = open();
  const events = [
    event({ created_at: 5 }),
    event({ created_at: 9 }),
    event({ created_at: 9 }),
    event({ created_at: 7 }),
  ];
  add(store, ...events);
  const expected = ids(naiveQuery({}, events, 500));
  assertEquals(ids(query(reader, {})), expected);
  assertEquals(ids(query(reader, { kinds: [1] }, 1)), expected);
  assertEquals(ids(query(reader, { limit: 2 })), expected.slice(0, 2));
});

Deno.test("a replaceable event gives way to a newer one, and to a lower id of the same second", () => {
  const { store, reader, log } = open();
  const first = event({ kind: 0, created_at: 10, id: hex(5) });
  const tieLoses = event({ kind: 0, created_at: 10, id: hex(6) });
  const tieWins = event({ kind: 0, created_at: 10, id: hex(4) });
  const newer = event({ kind: 0, created_at: 11, id: hex(8) });
  assertEquals(add(store, first, tieLoses, tieWins, newer, first), [
    "stored",
    "superseded",
    "stored",
    "stored",
    "superseded",
  ]);
  assertEquals(ids(query(reader, { kinds: [0] })), [newer.id]);
  assertEquals(log.read(0, 100).map((entry) => entry.type), ["remove", "remove", "add"]);
});

Deno.test("an addressable event replaces its own d value only", () => {
  const { store, reader } = open();
  const a1 = event({ kind: 30_000, created_at: 1, tags: [["d", "a"]] });
  const b1 = event({ kind: 30_000, created_at: 1, tags: [["d", "ab"]] });
  const a2 = event({ kind: 30_000, created_at: 2, tags: [["d", "a"], ["d", "ab"]] });
  const other = event({ kind: 30_000, created_at: 1, tags: [["d", "a"]], pubkey: hex(2) });
  const none = event({ kind: 30_000, created_at: 1 });
  assertEquals(add(store, a1, b1, a2, other, none), Array(5).fill("stored"));
  assertEquals(ids(query(reader, { kinds: [30_000] })).toSorted(), ids([b1, a2, other, none]).toSorted());
});

Deno.test("a deletion removes the author's own events, keeps them away, and stays itself (NIP-09)", () => {
  const { store, reader } = open();
  const mine = event(), theirs = event({ pubkey: hex(2) });
  const profile = event({ kind: 0, created_at: 50 });
  add(store, mine, theirs, profile);
  const unseen = event();
  const request = event({
    kind: 5,
    created_at: 60,
    tags: [["e", mine.id], ["e", theirs.id], ["e", unseen.id], ["a", `0:${hex(1)}:`], ["a", "bad"], [
      "e",
      "bad",
    ]],
  });
  assertEquals(add(store, request), ["stored"]);
  assertEquals(ids(query(reader, {})).toSorted(), ids([theirs, request]).toSorted());
  assertEquals(add(store, mine, unseen, profile), ["deleted", "deleted", "deleted"]);
  assertEquals(add(store, event({ kind: 0, created_at: 61 })), ["stored"], "newer than the request");
  const again = event({ kind: 5, created_at: 70, tags: [["e", request.id]] });
  add(store, again);
  assertEquals(query(reader, { ids: [request.id] }).length, 1, "deleting a deletion has no effect");
});

Deno.test("what has expired is not served, and is removed when the store gets to it (NIP-40)", () => {
  const { store, reader, log } = open();
  const short = event({ tags: [["expiration", "100"]] }), long = event({ tags: [["expiration", "900"]] });
  add(store, short, long);
  assertEquals(query(reader, {}, 1000, 99).length, 2);
  assertEquals(ids(query(reader, {}, 1000, 100)), [long.id]);
  assert(store.hasExpired(100));
  store.begin();
  assertEquals(store.expire(100, 10), 1);
  store.commit();
  assertEquals(ids(query(reader, {})), [long.id]);
  assertEquals(log.read(2, 10), [{ type: "remove", seq: 3, id: short.id }]);
});

Deno.test("colliding keys mix nothing up: the text decides", () => {
  const { store, reader } = open();
  const prefix = "00000000000001";
  const a = event({ id: prefix + "a".repeat(50) }), b = event({ id: prefix + "b".repeat(50) });
  assertEquals(add(store, a, b, a), ["stored", "stored", "duplicate"]);
  assertEquals(ids(query(reader, { ids: [b.id] })), [b.id]);
  assertEquals(query(reader, { ids: [prefix + "c".repeat(50)] }), []);
});

Deno.test("where a sweep stops among events that share a key, the next one goes on", () => {
  const { db } = open();
  const store = new EventStore(db, ["wss://relay.example.com"]);
  const [author, other] = ["a", "b"].map((digit) => digit.repeat(51) + "0".repeat(13)) as [string, string];
  const ids = Array.from({ length: 250 }, (_, n) => "0".repeat(60) + n.toString(16).padStart(4, "0"));
  add(store, ...ids.map((id, n) => event({ id, pubkey: n < VANISH_EVENTS_MAX ? other : author })));
  add(store, event({ kind: 62, pubkey: author, created_at: 2_000, tags: [["relay", "ALL_RELAYS"]] }));
  for (let slices = 0; store.isVanishing; slices++) {
    assert(slices < 9, "it ends");
    store.begin();
    store.vanishSome();
    store.commit();
  }
  assertEquals(db.prepare("SELECT count(*) AS n FROM removal").get()!.n, 250 - VANISH_EVENTS_MAX);
});

Deno.test("a group that is rolled back leaves nothing, not even its seq", () => {
  const { store, reader } = open();
  add(store, event());
  const before = store.lastSeq;
  store.begin();
  store.add(packed(event()));
  assertNotEquals(store.lastSeq, before);
  store.rollback();
  assertEquals(store.lastSeq, before);
  assertEquals(query(reader, {}).length, 1);
});

Deno.test("the log can be read in parts of any size", () => {
  const { store, log } = open();
  for (let i = 0; i < 40; i++) add(store, event({ kind: i % 3 === 0 ? 0 : 1, created_at: i }));
  const whole = log.read(0, 1000);
  for (const max of [1, 2, 3, 7, 39]) {
    const parts = [];
    for (let cursor = 0;;) {
      const part = log.read(cursor, max);
      if (part.length === 0) break;
      parts.push(...part);
      cursor = part.at(-1)!.seq;
    }
    assertEquals(parts, whole, `in parts of ${max}`);
  }
});

Deno.test("the log gives every entry, whatever is stored between the two statements that read it", () => {
  const { db, store } = open();
  const gone = event();
  add(store, gone);
  const { racing, arm } = racingDatabase(
    db,
    "FROM removal WHERE seq >",
    () => add(store, event(), event({ kind: 5, tags: [["e", gone.id]] }), event()),
  );
  const log = new LogReader(racing);
  arm();
  const seen = log.read(0, 100);
  seen.push(...log.read(seen.at(-1)?.seq ?? 0, 100));
  assert(
    seen.some((entry) => entry.type === "remove" && entry.id === gone.id),
    "the removal is not passed over",
  );
});

Deno.test("a database of a newer program or of another one is refused", () => {
  const newer = new DatabaseSync(":memory:");
  migrate(newer, "x");
  newer.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  assertThrows(() => migrate(newer, "x"), SchemaError, "this program knows up to");
  const foreign = new DatabaseSync(":memory:");
  foreign.exec("CREATE TABLE t (a)");
  assertThrows(() => migrate(foreign, "x"), SchemaError, "another program");
});

Deno.test("every filter gives what a naive matcher gives, whatever the plan and the budget", () => {
  const seed = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 31));
  const random = mulberry32(seed);
  const int = (n: number) => Math.floor(random() * n);
  const some = <T>(make: () => T, max = 3) =>
    Array.from({ length: int(max) + (random() < 0.9 ? 1 : 0) }, make);
  const letters = ["e", "p", "t", "T", "d"];
  const value = (letter: string) =>
    "ep".includes(letter) ? hex(int(6)) : ["", "a", 'b"c', "é", "\u0001"][int(5)]!;
  const { store, reader } = open();
  const events = Array.from({ length: 600 }, () => {
    const letter = () => letters[int(letters.length)]!;
    return event({
      kind: [1, 1, 1, 7, 30_000, 0][int(6)]!,
      pubkey: hex(int(5)),
      created_at: 100 + int(30),
      tags: some(() => {
        const name = letter();
        return [name, value(name)];
      }, 4),
    });
  });
  const kept = new Map<string, PlainEvent>();
  for (const plain of events) {
    if (random() < 0.01) store.mergeFresh();
    if (add(store, plain)[0] === "stored") kept.set(plain.id, plain);
  }
  const alive = [...kept.values()].filter((plain) => query(reader, { ids: [plain.id] }).length === 1);
  assert(alive.length > 300 && alive.length < kept.size, "some were replaced");
  for (let round = 0; round < 400; round++) {
    // At first some events are fresh and some settled, at last all are settled.
    if (round === 300) store.mergeFresh();
    const filter: PlainFilter = {};
    if (random() < 0.15) filter.ids = some(() => events[int(events.length)]!.id, 5);
    if (random() < 0.4) filter.authors = some(() => hex(int(7)));
    if (random() < 0.5) filter.kinds = some(() => [1, 7, 0, 30_000, 4][int(5)]!);
    if (random() < 0.3) filter.since = 100 + int(30);
    if (random() < 0.3) filter.until = 100 + int(30);
    if (random() < 0.5) filter.limit = int(40);
    for (const letter of letters) if (random() < 0.2) filter[`#${letter}`] = some(() => value(letter), 4);
    // Lists so long that they become several streams.
    if (random() < 0.1) filter.authors?.push(...Array.from({ length: 600 }, (_, n) => hex(100 + n)));
    if (random() < 0.1) filter["#t"]?.unshift(...Array.from({ length: 600 }, (_, n) => `unused ${n}`));
    if (random() < 0.1) filter.kinds?.unshift(...Array.from({ length: 510 }, (_, n) => 40_000 + n));
    for (const letter of letters) if (random() < 0.1) filter[`&${letter}`] = some(() => value(letter), 2);
    assertEquals(
      ids(query(reader, filter, [1, 3, 50, 1e6][int(4)])),
      ids(naiveQuery(filter, alive, 500)),
      `SEED=${seed} round ${round} ${JSON.stringify(filter)}`,
    );
  }
});

Deno.test("a reader with a version asks the database only after a commit", () => {
  const { db, store } = open();
  let version = 1;
  const reader = new EventReader(db, () => version);
  assertEquals(reader.refresh(), 0);
  add(store, event());
  assertEquals(reader.refresh(), 0, "nobody has been told yet");
  version++;
  assertEquals(reader.refresh(), 1);
});

Deno.test("a filter of one id holds to its other conditions, to the snapshot and to expiry", () => {
  const { store, reader } = open();
  const tagged = event({ kind: 7, pubkey: hex(3), created_at: 50, tags: [["t", "x"], ["expiration", "90"]] });
  add(store, tagged);
  const found = (filter: PlainFilter, seqMax = 1, now = 60) => {
    const scan = reader.scan(parseFilter({ ids: [tagged.id], ...filter }, LIMITS), { seqMax, now });
    let seen = 0;
    const done = scan.step({ rows: 10, bytes: 1e6 }, () => seen += scan.createdAt);
    return [seen, done, scan.end];
  };
  assertEquals(found({}), [50, "done", "all"]);
  assertEquals(found({ kinds: [7], authors: [hex(3)], "#t": ["x"], since: 50, until: 50 }), [
    50,
    "done",
    "all",
  ]);
  for (
    const other of [{ kinds: [6] }, { authors: [hex(4)] }, { "#t": ["y"] }, { since: 51 }, { until: 49 }]
  ) {
    assertEquals(found(other), [0, "done", "all"]);
  }
  assertEquals(found({}, 0), [0, "done", "all"], "stored after the snapshot");
  assertEquals(found({}, 1, 90), [0, "done", "all"], "expired");
});

Deno.test("a step costs no more than its budget and one call of SQLite, whatever is asked", () => {
  const { store, reader } = open();
  const letters = Array.from({ length: 3_000 }, (_, n) =>
    event({
      created_at: 1_000 + n,
      pubkey: hex(n % 50),
      kind: n === 7 ? 30_023 : 1,
      tags: [["t", "common"], ...(n === 9 ? [["t", "rare"]] : [])],
    }));
  add(store, ...letters.slice(0, 2_000));
  store.mergeFresh();
  add(store, ...letters.slice(2_000));
  const many = (count: number) => Array.from({ length: count }, (_, n) => hex(n));
  const asked: [PlainFilter, number][] = [
    [{ authors: many(1_000), kinds: Array.from({ length: 20 }, (_, n) => n), limit: 100 }, 100],
    [{ authors: many(1_500), limit: 100 }, 100],
    [{ "#t": ["common"], kinds: [30_023] }, 1],
    [{ "&t": ["common", "rare"] }, 1],
    [{ "#t": ["common"], authors: [hex(77)] }, 0],
    [{ kinds: [1], "#t": ["nowhere"] }, 0],
    [{}, 500],
  ];
  for (const [filter, found] of asked) {
    const scan = reader.scan(parseFilter(filter, LIMITS), { seqMax: Infinity, now: 0 });
    let events = 0;
    for (let step = "more", steps = 0; step === "more"; steps++) {
      assert(steps < 200, "it ends");
      const budget = { rows: 100, bytes: 1e9 };
      step = scan.step(budget, () => events++);
      const overdrawn = -budget.rows;
      assert(overdrawn <= SCAN_RANGES_MAX * SCAN_RANGE_ROWS + SCAN_CHUNK_ROWS_MAX, `${overdrawn} rows`);
    }
    assertEquals(events, found, JSON.stringify(filter).slice(0, 60));
  }
});
