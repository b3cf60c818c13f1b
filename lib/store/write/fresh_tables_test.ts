/** Tests of the fresh tables: nothing is missed, seen twice or lost by being moved, and moving is due when it should be. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { PlainEvent } from "../../../tests/support/naive_matcher.ts";
import { packed } from "../../../tests/support/pack_event.ts";
import { FRESH_EVENTS_MAX, FRESH_TAGS_MAX } from "../../limits.ts";
import { parseFilter } from "../../nostr/filter.ts";
import { EventReader } from "../read/event_reader.ts";
import { EventStore } from "./event_store.ts";
import { ReadStatements } from "../read/read_statements.ts";
import { migrate } from "../keep/schema.ts";

const hex = (n: number, chars = 64) => n.toString(16).padStart(8, "0").repeat(chars / 8);

function open() {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  return { db, store: new EventStore(db), reader: new EventReader(db) };
}

/** An event whose keys are spread as real ones are. */
function event(n: number, fields: Partial<PlainEvent> = {}): PlainEvent {
  return {
    id: hex(Math.imul(n + 1, 0x9e3779b1) >>> 0),
    pubkey: hex(n % 7),
    created_at: 1_000 + n,
    kind: 1,
    tags: [["t", `word ${n % 3}`]],
    content: "",
    sig: hex(7, 128),
    ...fields,
  };
}

function add(store: EventStore, ...events: PlainEvent[]): string[] {
  store.begin();
  const outcomes = events.map((plain) => store.add(packed(plain)));
  store.commit();
  return outcomes;
}

/** What a filter finds, in its order; `between` happens after each step, which hands out few events. */
function found(reader: EventReader, filter: object, between = () => {}): string[] {
  const parsed = parseFilter(filter, { limitMax: 1e6, limitDefault: 1e6 });
  const scan = reader.scan(parsed, { seqMax: reader.refresh(), now: 1 });
  const ids: string[] = [];
  while (scan.step({ rows: 3, bytes: 1e6 }, (text) => ids.push(JSON.parse(text).id)) === "more") between();
  return ids;
}

function rows(db: DatabaseSync, table: string): number {
  return db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n as number;
}

const FILTERS = [
  {},
  { kinds: [1] },
  { authors: [hex(3)] },
  { authors: [hex(3), hex(4)], kinds: [1] },
  { "#t": ["word 1"] },
  { "#t": ["word 0", "word 2"], kinds: [1] },
  { "#t": ["word 0", "word 2"], authors: [hex(2), hex(3)] },
];

Deno.test("what is found does not depend on where it is, nor on being moved between two steps", () => {
  const { db, store, reader } = open();
  const events = Array.from({ length: 60 }, (_, n) => event(n));
  add(store, ...events.slice(0, 30));
  const half = FILTERS.map((filter) => found(reader, filter));
  store.mergeFresh();
  assertEquals([rows(db, "event"), rows(db, "fresh_event"), rows(db, "fresh_tag")], [30, 0, 0]);
  assertEquals(FILTERS.map((filter) => found(reader, filter)), half);
  add(store, ...events.slice(30));
  assertEquals([rows(db, "event"), rows(db, "fresh_event")], [30, 30]);
  const all = FILTERS.map((filter) => found(reader, filter));
  assertEquals(all[0], events.map(({ id }) => id).reverse());
  for (const [n, filter] of FILTERS.entries()) {
    const other = open();
    add(other.store, ...events.slice(0, 30));
    other.store.mergeFresh();
    add(other.store, ...events.slice(30));
    let steps = 0;
    assertEquals(found(other.reader, filter, () => ++steps === 2 && other.store.mergeFresh()), all[n]);
    assert(steps >= 2, "it took several steps");
  }
});

Deno.test("an event is known, replaced and deleted in whichever table it is", () => {
  for (const settles of [false, true]) {
    const { db, store, reader } = open();
    const note = event(1);
    const profile = event(8, { kind: 0 });
    assertEquals(add(store, note, profile), ["stored", "stored"]);
    if (settles) store.mergeFresh();
    const newer = event(15, { kind: 0, pubkey: profile.pubkey });
    const deletion = event(22, { kind: 5, pubkey: note.pubkey, tags: [["e", note.id]] });
    assertEquals(add(store, note, newer, deletion, note), ["duplicate", "stored", "stored", "deleted"]);
    assertEquals(found(reader, {}), [deletion.id, newer.id]);
    assertEquals(rows(db, "event") + rows(db, "fresh_event"), 2);
    assertEquals(rows(db, "tag") + rows(db, "fresh_tag"), 2, "those of the profile and of the deletion");
  }
});

Deno.test("moving is due after so many events, also for a program that starts again", () => {
  const { db, store } = open();
  add(store, ...Array.from({ length: FRESH_EVENTS_MAX - 1 }, (_, n) => event(n)));
  assert(!store.isMergeDue);
  add(store, event(FRESH_EVENTS_MAX));
  assert(store.isMergeDue);
  const again = new EventStore(db);
  assert(again.isMergeDue);
  again.mergeFresh();
  assert(!again.isMergeDue);
  assertEquals([rows(db, "event"), rows(db, "fresh_event")], [FRESH_EVENTS_MAX, 0]);
  assertEquals(again.lastSeq, FRESH_EVENTS_MAX);
});

Deno.test("moving is due after few events with many tags, also for a program that starts again", () => {
  const { db, store } = open();
  const tags = Array.from({ length: FRESH_TAGS_MAX / 8 }, (_, n) => ["t", `word ${n}`]);
  const events = Array.from({ length: 8 }, (_, n) => event(n, { tags }));
  add(store, ...events.slice(1));
  assert(!store.isMergeDue);
  add(store, events[0]!);
  assert(store.isMergeDue);
  const again = new EventStore(db);
  assert(again.isMergeDue);
  again.mergeFresh();
  assert(!again.isMergeDue);
  assertEquals([rows(db, "tag"), rows(db, "fresh_tag")], [FRESH_TAGS_MAX, 0]);
});

Deno.test("what could not be moved stays, is served, and is moved later", () => {
  const { db, store, reader } = open();
  const events = Array.from({ length: 20 }, (_, n) => event(n));
  add(store, ...events);
  db.exec("CREATE TRIGGER full BEFORE INSERT ON tag BEGIN SELECT RAISE(ABORT, 'no room'); END");
  assertThrows(() => store.mergeFresh(), Error, "no room");
  assertEquals([rows(db, "event"), rows(db, "fresh_event")], [0, 20]);
  assertEquals(add(store, event(20)), ["stored"]);
  assertEquals(found(reader, {}).length, 21);
  db.exec("DROP TRIGGER full");
  store.mergeFresh();
  assertEquals([rows(db, "event"), found(reader, {}).length], [21, 21]);
});

Deno.test("the rows of a range come in their order without being sorted", () => {
  const { db } = open();
  const texts: string[] = [];
  const watched = new Proxy(db, {
    get(target, name) {
      if (name !== "prepare") return Reflect.get(target, name);
      return function prepare(text: string) {
        texts.push(text);
        return target.prepare(text);
      };
    },
  });
  const statements = new ReadStatements(watched);
  for (const source of ["tag", "author", "kind", "time"] as const) {
    for (const columns of ["texts", "keys"] as const) {
      const lists = source === "time" ? [] : source === "author" ? [[1], [1]] : [[1]];
      statements.of({ source, lists }, columns);
      const plan = db.prepare(`EXPLAIN QUERY PLAN ${texts.at(-1)}`).all().map((row) => row.detail).join("; ");
      assert(!plan.includes("TEMP B-TREE"), `${source} ${columns}: ${plan}`);
      assert(!/SCAN (e|x|b)\b/.test(plan) || source === "time", `${source} ${columns}: ${plan}`);
    }
  }
});
