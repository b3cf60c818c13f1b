/** Tests of NIP-62 in the store: what goes, what stays, what stays away, and that nobody sees it while it goes. */
import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { PlainEvent } from "../../../tests/support/naive_matcher.ts";
import { packed } from "../../../tests/support/pack_event.ts";
import { VANISH_EVENTS_MAX } from "../../limits.ts";
import { parseFilter } from "../../nostr/filter.ts";
import { EventReader } from "../read/event_reader.ts";
import { EventStore } from "./event_store.ts";
import { migrate } from "../keep/schema.ts";

const RELAY = "wss://relay.example.com";
const AUTHOR = "a".repeat(64);
const OTHER = "b".repeat(64);
let serial = 1;
let groups = 0;

function open() {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  return { db, store: new EventStore(db, [RELAY]), reader: new EventReader(db) };
}

function event(fields: Partial<PlainEvent>): PlainEvent {
  const id = (serial++).toString(16).padStart(64, "0");
  return {
    id,
    pubkey: AUTHOR,
    created_at: 1_000,
    kind: 1,
    tags: [],
    content: "",
    sig: "7".repeat(128),
    ...fields,
  };
}

function request(fields: Partial<PlainEvent> = {}): PlainEvent {
  return event({ kind: 62, created_at: 2_000, tags: [["relay", `${RELAY}/`]], ...fields });
}

/** Adds in one group. Every other group finds the ones before it settled. */
function add(store: EventStore, ...events: PlainEvent[]): string[] {
  if (++groups % 2 === 0) store.mergeFresh();
  store.begin();
  const outcomes = events.map((plain) => store.add(packed(plain)));
  store.commit();
  return outcomes;
}

function idsOf(reader: EventReader, filter: object = {}): string[] {
  const parsed = parseFilter(filter, { limitMax: 1e6, limitDefault: 1e6 });
  const found: string[] = [];
  const scan = reader.scan(parsed, { seqMax: reader.refresh(), now: 1 });
  while (scan.step({ rows: 1e6, bytes: 1e9 }, (text) => found.push(JSON.parse(text).id)) === "more");
  return found;
}

/** Carries out all that is pending. Returns the number of slices that removed something. */
function sweep(store: EventStore): number {
  let slices = 0;
  for (let turn = 0; store.isVanishing; turn++) {
    assert(turn < 10_000, "a sweep comes to an end");
    store.begin();
    store.vanishSome();
    store.commit();
    if (store.removals.length > 0) slices++;
    assert(store.removals.length <= VANISH_EVENTS_MAX);
  }
  return slices;
}

function rowsLeft(db: DatabaseSync): number[] {
  const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n as number;
  return [
    count("event") + count("fresh_event"),
    count("body"),
    count("tag") + count("fresh_tag"),
    count("address"),
    count("deletion"),
  ];
}

Deno.test("a request takes everything of its author up to its time, in no answer from its commit on", () => {
  const { db, store, reader } = open();
  const target = event({ pubkey: AUTHOR, created_at: 500 });
  const newer = event({ created_at: 2_001, tags: [["t", "new"]] });
  const foreign = event({ pubkey: OTHER, tags: [["p", AUTHOR]] });
  const asked = request();
  const gone = [
    event({ kind: 0 }),
    event({ kind: 30_023, tags: [["d", "x"]] }),
    event({ kind: 5, tags: [["e", target.id], ["a", `30023:${AUTHOR}:y`]] }),
    event({ created_at: 2_000, tags: [["t", "old"]] }),
    event({ kind: 65_535 }),
    event({ pubkey: OTHER, kind: 1_059, tags: [["p", AUTHOR]] }),
  ];
  add(store, ...gone, newer, foreign);
  assertEquals(add(store, asked), ["stored"]);
  const left = [newer.id, asked.id, foreign.id];
  assertEquals(idsOf(reader), left);
  assertEquals(idsOf(reader, { authors: [AUTHOR] }), left.slice(0, 2));
  assertEquals(reader.rowOf(gone[0]!.id, { now: 1 }, { rows: 1 }), null);
  assert(sweep(store) > 0);
  assertEquals(idsOf(reader), left);
  // The one tag rows left are those of what stays: t of the newer, p of the foreign. A relay tag is not indexed.
  assertEquals(rowsLeft(db), [3, 3, 2, 0, 0]);
  assertEquals(add(store, ...gone), gone.map(() => "vanished"));
  assertEquals(add(store, event({ created_at: 2_001 }), event({ pubkey: OTHER })), ["stored", "stored"]);
});

Deno.test("a sweep of many events goes in slices, and on after a restart, without touching others", () => {
  const { db, store, reader } = open();
  const own = Array.from({ length: 1_000 }, (_, i) => event({ kind: [1, 7, 1_111][i % 3]!, created_at: i }));
  const foreign = Array.from(
    { length: 300 },
    (_, i) => event({ pubkey: OTHER, created_at: i, tags: [["p", AUTHOR]] }),
  );
  add(store, ...own, ...foreign, request());
  store.begin();
  store.vanishSome();
  store.commit();
  assertEquals(store.removals.length, VANISH_EVENTS_MAX);
  assertEquals(store.removals.every(({ reason }) => reason === "vanished"), true);
  // A slice that is undone is done again.
  store.begin();
  store.vanishSome();
  store.rollback();
  const successor = new EventStore(db, [RELAY]);
  assert(successor.isVanishing);
  assert(sweep(successor) >= 4);
  assertEquals(idsOf(reader, { authors: [AUTHOR], kinds: [1, 7, 1_111] }), []);
  assertEquals(idsOf(reader, { authors: [OTHER] }).length, 300);
  assertEquals(add(new EventStore(db, [RELAY]), own[0]!), ["vanished"]);
});

Deno.test("a request to other relays, or from a relay without URL, takes nothing; ALL_RELAYS takes it everywhere", () => {
  const cases: [string[][], string[], boolean][] = [
    [[["relay", "wss://other.example.com"]], [RELAY], false],
    [[["relay", "wss://other.example.com"], ["relay", "WSS://Relay.example.com:443"]], [RELAY], true],
    [[["relay", RELAY]], [], false],
    [[["relay", RELAY]], ["ws://127.0.0.1:4444", RELAY], true],
    [[["relay", "ALL_RELAYS"]], [], true],
    [[["relay", "all_relays"]], [RELAY], false],
    [[["r", RELAY]], [RELAY], false],
  ];
  for (const [tags, ownUrls, takes] of cases) {
    const { db, reader } = open();
    const store = new EventStore(db, ownUrls);
    const note = event({});
    add(store, note, request({ tags }));
    assertEquals(idsOf(reader, { kinds: [1] }), takes ? [] : [note.id], JSON.stringify(tags));
    sweep(store);
    assertEquals(idsOf(reader, { kinds: [1] }), takes ? [] : [note.id], JSON.stringify(tags));
  }
});

Deno.test("a request cannot be deleted, a later one reaches further, an earlier one takes nothing back", () => {
  const { store, reader } = open();
  const first = request();
  add(store, first);
  sweep(store);
  add(store, event({ kind: 5, created_at: 3_000, tags: [["e", first.id]] }), event({ created_at: 2_500 }));
  assertEquals(idsOf(reader).length, 3);
  add(store, request({ created_at: 1_500 }));
  assertEquals(add(store, event({ created_at: 1_900 })), ["vanished"]);
  add(store, request({ created_at: 4_000 }));
  assertEquals(idsOf(reader, { kinds: [1, 5] }), []);
  sweep(store);
  assertEquals(idsOf(reader, { kinds: [62] }).length, 3);
  assertEquals(add(store, event({ created_at: 3_900 }), event({ created_at: 4_001 })), [
    "vanished",
    "stored",
  ]);
});

Deno.test("a database of version 1 becomes one that can vanish", () => {
  const { db } = open();
  db.exec(
    `DROP TABLE fresh_event; DROP TABLE fresh_tag; DROP TABLE vanish; ALTER TABLE removal DROP COLUMN age;
     PRAGMA user_version = 1`,
  );
  migrate(db, "x");
  const store = new EventStore(db, [RELAY]);
  assertEquals(add(store, event({}), request()), ["stored", "stored"]);
  assertEquals(sweep(store), 1);
});
