/** Tests of answers from cached texts: they are those of the plain scan and of a naive matcher, whatever has happened. */
import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { naiveQuery, type PlainEvent, type PlainFilter } from "../../../tests/support/naive_matcher.ts";
import { packed } from "../../../tests/support/pack_event.ts";
import { seededPrng } from "../../../tests/support/prng.ts";
import { TEXT_CACHE_CHUNK_BYTES, TEXT_CACHE_REMOVALS_MAX } from "../../limits.ts";
import { parseFilter } from "../../nostr/filter.ts";
import { EventReader } from "./event_reader.ts";
import { EventStore } from "../write/event_store.ts";
import type { CachedScan } from "./cached_scan.ts";
import { type CachedForm, TextCache } from "./text_cache.ts";
import { migrate } from "../keep/schema.ts";
import type { EventScan } from "./scan.ts";

const LIMITS = { limitMax: 40, limitDefault: 40 };
const RELAY = "wss://relay.example.com";
const FORMS: CachedForm[] = ["bytes", "strings"];
const hex = (n: number, chars = 64) => n.toString(16).padStart(8, "0").repeat(chars / 8);
/** None of which is replaceable. */
const KINDS = [1, 7, 8];
let serial = 1;

function open(form: CachedForm = "bytes") {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const reader = new EventReader(db, null, new TextCache(TEXT_CACHE_CHUNK_BYTES, form));
  return { store: new EventStore(db, [RELAY]), reader };
}

function event(fields: Partial<PlainEvent> = {}): PlainEvent {
  return {
    id: hex(Math.imul(serial++, 0x9e3779b1) >>> 0),
    pubkey: hex(1),
    created_at: 1_000,
    kind: 1,
    tags: [],
    content: "日 é",
    sig: hex(7, 128),
    ...fields,
  };
}

function add(store: EventStore, ...events: PlainEvent[]): void {
  store.begin();
  for (const plain of events) store.add(packed(plain));
  store.commit();
}

/** What a scan brings in steps of so many rows, and how it ends. */
function run(scan: EventScan | CachedScan, rows = 1_000_000, bytes = 1e9) {
  const found: string[] = [];
  const emit = (text: unknown) => found.push((JSON.parse(String(text)) as PlainEvent).id);
  for (let steps = 0; scan.step({ rows, bytes }, emit) === "more"; steps++) {
    if (steps > 10_000) throw new Error("the scan makes no progress");
  }
  return { found, end: scan.end };
}

/** The answer of cached texts, asked for until they are; null: the plain scan has to give it. */
function hot(reader: EventReader, filter: PlainFilter, now = 0) {
  const parsed = parseFilter(filter, LIMITS);
  for (let time = 0; time < 3; time++) {
    const options = { seqMax: reader.refresh(), now };
    run(reader.cachedScan(parsed, options) ?? reader.scan(parsed, options));
  }
  const scan = reader.cachedScan(parsed, { seqMax: reader.refresh(), now });
  return scan === null ? null : run(scan);
}

for (const form of FORMS) {
  Deno.test(`pages are those of the plain scan, end and position included, in any steps (${form})`, () => {
    const random = seededPrng("pages of cached texts");
    const int = (below: number) => random.int(0, below - 1);
    const { store, reader } = open(form);
    const all: PlainEvent[] = [];
    for (let round = 0; round < 60; round++) {
      const group = Array.from(
        { length: int(12) },
        () => event({ kind: KINDS[int(3)]!, created_at: int(30) }),
      );
      const gone = all.splice(int(all.length + 1), int(3));
      add(store, ...group, ...gone.map(({ id }) => event({ kind: 5, tags: [["e", id]] })));
      if (int(4) === 0) store.mergeFresh();
      all.push(...group);
      for (let asked = 0; asked < 8; asked++) {
        const filter: PlainFilter = { limit: int(60) + 1 };
        if (int(4) > 0) filter.kinds = [KINDS[int(3)]!];
        else filter.until = 30;
        if (int(2) === 0) filter.since = int(30);
        if (int(2) === 0) filter.until = int(30);
        const parsed = parseFilter(filter, LIMITS);
        const options = { seqMax: reader.refresh(), now: 0 };
        const plain = run(reader.scan(parsed, options));
        const where = `round ${round} ${JSON.stringify(filter)}`;
        const [rows, bytes] = [[1, 3, 7, 1e6][int(4)]!, int(2) === 0 ? 1e9 : 1];
        const scan = reader.cachedScan(parsed, options);
        if (filter.since !== undefined && filter.until !== undefined && filter.since > filter.until) {
          assertEquals(scan, null);
          continue;
        }
        assert(scan !== null, where);
        const page = run(scan, rows, bytes);
        assertEquals(page.found, plain.found, where);
        // A smaller chunk may know less of the rest; what it knows is the same.
        if (page.end !== "unknown" && plain.end !== "unknown") assertEquals(page.end, plain.end, where);
        if (parsed.isCapped === undefined && filter.kinds !== undefined) {
          const expected = naiveQuery(filter, all, 40).map(({ id }) => id);
          assertEquals(page.found, expected, where);
        }
        // Another thread goes on from any position.
        const begun = reader.cachedScan(parsed, options)!;
        const found: string[] = [];
        const emit = (text: unknown) => found.push((JSON.parse(String(text)) as PlainEvent).id);
        if (begun.step({ rows: int(9) + 1, bytes: 1e9 }, emit) === "more") {
          const { position } = begun;
          found.push(...run(reader.scan(parsed, { ...options, position })).found);
        }
        assertEquals(found, plain.found, where);
      }
    }
  });

  Deno.test(`what is deleted or replaced is gone from cached texts (${form})`, () => {
    const { store, reader } = open(form);
    const note = event();
    const profile = event({ kind: 0, created_at: 10 });
    add(store, note, profile);
    for (const { id, kind } of [note, profile]) {
      assertEquals(hot(reader, { ids: [id] })?.found, [id]);
      assertEquals(hot(reader, { kinds: [kind] })?.found, [id]);
    }
    const next = event({ kind: 0, created_at: 11 });
    add(store, event({ kind: 5, tags: [["e", note.id]] }), next);
    for (const { id } of [note, profile]) assertEquals(hot(reader, { ids: [id] }), null);
    assertEquals(hot(reader, { kinds: [1] })?.found, []);
    assertEquals(hot(reader, { kinds: [0] })?.found, [next.id]);
    assertEquals(hot(reader, { ids: [next.id] })?.found, [next.id]);
  });

  Deno.test(`what expires is served until then from cached texts (${form})`, () => {
    const { store, reader } = open(form);
    const note = event({ tags: [["expiration", "90"]] });
    add(store, note);
    for (const filter of [{ ids: [note.id] }, { kinds: [1] }]) {
      assertEquals(hot(reader, filter, 89)?.found, [note.id]);
      assertEquals(run(reader.cachedScan(parseFilter(filter, LIMITS), { seqMax: 1, now: 90 })!).found, []);
      assertEquals(run(reader.cachedScan(parseFilter(filter, LIMITS), { seqMax: 0, now: 89 })!).found, []);
    }
  });

  Deno.test(`who asks to vanish is in no answer from then on, swept or not (${form})`, () => {
    const { store, reader } = open(form);
    const notes = Array.from({ length: 5 }, (_, n) => event({ created_at: n }));
    const other = event({ pubkey: hex(2) });
    add(store, ...notes, other);
    const ids = notes.map(({ id }) => id);
    for (const id of ids) assertEquals(hot(reader, { ids: [id] })?.found, [id]);
    assertEquals(hot(reader, { kinds: [1] })?.found, [other.id, ...ids.toReversed()]);
    // A page that was begun before, and is gone on with after the request.
    const parsed = parseFilter({ kinds: [1] }, LIMITS);
    const begun = reader.cachedScan(parsed, { seqMax: reader.refresh(), now: 0 })!;
    const emitted: string[] = [];
    begun.step({ rows: 100, bytes: 1 }, (text) => emitted.push(JSON.parse(String(text)).id));
    add(store, event({ kind: 62, created_at: 2_000, tags: [["relay", `${RELAY}/`]] }));
    reader.refresh();
    assertEquals([emitted, run(begun).found], [[other.id], []]);
    for (const id of ids) assertEquals(hot(reader, { ids: [id] }), null);
    assertEquals(hot(reader, { kinds: [1] })?.found, [other.id]);
    for (const id of ids) {
      assertEquals(run(reader.scan(parseFilter({ ids: [id] }, LIMITS), { seqMax: 99, now: 0 })).found, []);
    }
  });
}

Deno.test("more removals than are looked at one by one leave nothing behind", () => {
  const { store, reader } = open();
  const stays = event({ kind: 1, pubkey: hex(2) });
  const goes = Array.from(
    { length: TEXT_CACHE_REMOVALS_MAX + 3 },
    (_, n) => event({ kind: 7, created_at: n }),
  );
  add(store, stays, ...goes);
  const [first, last] = [goes[0]!.id, goes.at(-1)!.id];
  for (const id of [first, last, stays.id]) assertEquals(hot(reader, { ids: [id] })?.found, [id]);
  for (let at = 0; at < goes.length; at += 500) {
    const tags = goes.slice(at, at + 500).map(({ id }) => ["e", id]);
    add(store, event({ kind: 5, tags, created_at: 5_000 + at }));
  }
  for (const id of [first, last]) assertEquals(hot(reader, { ids: [id] }), null);
  assertEquals(hot(reader, { ids: [stays.id] })?.found, [stays.id]);
});

Deno.test("a filter with any other condition, and a reader without texts, is the plain scan's", () => {
  const { store, reader } = open();
  const note = event({ tags: [["t", "x"]] });
  add(store, note);
  assertEquals(hot(reader, { ids: [note.id] })?.found, [note.id]);
  const others: PlainFilter[] = [
    ...[{ kinds: [1] }, { authors: [hex(1)] }, { "#t": ["x"] }, { since: 1 }, { until: 9_999 }].map((
      more,
    ) => ({
      ids: [note.id],
      ...more,
    })),
    { ids: [note.id], limit: 0 },
    { ids: [note.id, hex(9)] },
    { kinds: [1, 2] },
    { kinds: [1], authors: [hex(1)] },
    { kinds: [1], "#t": ["x"] },
    { kinds: [1], limit: 0 },
    { kinds: [] },
  ];
  for (const filter of others) assertEquals(hot(reader, filter), null, JSON.stringify(filter));
});
