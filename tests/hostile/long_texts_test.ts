/**
 * Queries over long events: what one step reads of them and parses is bounded in characters, whatever it hands out.
 * Counted on a reader's own connection, at the budgets of a gateway and of a reader.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { packed } from "../support/pack_event.ts";
import { key, plainEvent } from "../support/plain_event.ts";
import {
  GATEWAY_QUERY_ROWS_MAX,
  SCAN_CHUNK_ROWS_MAX,
  SCAN_ROW_CHARS,
  SCAN_TEXT_ALONG_BYTES_MAX,
  SLICE_BYTES_MAX,
  TEXT_CACHE_CHUNK_BYTES,
} from "../../lib/limits.ts";
import { type Filter, parseFilter } from "../../lib/nostr/filter.ts";
import { EventReader } from "../../lib/store/read/event_reader.ts";
import { EventStore } from "../../lib/store/write/event_store.ts";
import { TextCache } from "../../lib/store/read/text_cache.ts";
import { migrate } from "../../lib/store/keep/schema.ts";

const EVENTS = 400;
const CONTENT_CHARS = 103_000;
const NOW = 2_000;
const LIMITS = { limitMax: 5_000, limitDefault: 500 };

/** Characters that SQLite has returned. */
let read = 0;

/** The database, with what its statements return counted. */
function counting(db: DatabaseSync): DatabaseSync {
  const count = (row: unknown) => {
    for (const value of Object.values(row ?? {})) if (typeof value === "string") read += value.length;
  };
  const wrap = (statement: StatementSync) => {
    const { all, get } = statement;
    statement.all = ((...values: unknown[]) => {
      const rows: unknown[] = Reflect.apply(all, statement, values);
      rows.forEach(count);
      return rows;
    }) as StatementSync["all"];
    statement.get = ((...values: unknown[]) => {
      const row: unknown = Reflect.apply(get, statement, values);
      count(row);
      return row;
    }) as StatementSync["get"];
    return statement;
  };
  return new Proxy(db, {
    get: (target, name) =>
      name === "prepare"
        ? (text: string) => wrap(target.prepare(text))
        : Reflect.get(target, name)?.bind?.(target),
  });
}

function fill(db: DatabaseSync, tags: string[][]): void {
  const store = new EventStore(db);
  store.begin();
  for (let n = 0; n < EVENTS; n++) {
    const id = (Math.imul(n + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0").repeat(8);
    const content = "x".repeat(CONTENT_CHARS);
    store.add(
      packed(plainEvent({ id, content, created_at: 1_000 + (n >> 3), tags: [["t", "there"], ...tags] })),
    );
  }
  store.commit();
}

/** The most that a step has read and parsed, in characters, and how many events came. */
function most(reader: EventReader, filter: Filter, rows: number) {
  const options = { seqMax: reader.refresh(), now: NOW };
  const scan = reader.cachedScan(filter, options) ?? reader.scan(filter, options);
  const { parse } = JSON;
  let [parsed, mostRead, mostParsed, events] = [0, 0, 0, 0];
  JSON.parse = (text: string) => {
    parsed += text.length;
    return parse(text);
  };
  try {
    for (let step = "more", steps = 0; step === "more"; steps++) {
      assert(steps < 2_000, "it ends");
      [read, parsed] = [0, 0];
      step = scan.step({ rows, bytes: SLICE_BYTES_MAX }, () => events++);
      mostRead = Math.max(mostRead, read);
      mostParsed = Math.max(mostParsed, parsed);
    }
  } finally {
    JSON.parse = parse;
  }
  return { read: mostRead, parsed: mostParsed, events };
}

const many = Array.from({ length: 600 }, (_, n) => n.toString(16).padStart(64, "0"));
const FILTERS: Record<string, [filter: object, events: number]> = {
  "a tag that no event has": [{ kinds: [1], "#t": ["there"], "&t": ["nowhere"] }, 0],
  "a condition of many values": [{ "&t": ["there"], "#p": many }, 0],
  "an author by the tag index": [{ "#t": ["there"], authors: many }, 0],
  "kinds by the tag index": [{ "#t": ["there"], kinds: [7, 1], "#e": many }, 0],
  "ids, none of that kind": [{ ids: [...many], kinds: [7] }, 0],
  "a window of authors": [{ authors: [...many, key("a")] }, EVENTS],
  "everything": [{ limit: 5_000 }, EVENTS],
  "one kind": [{ kinds: [1], limit: 5_000 }, EVENTS],
};

for (const rows of [GATEWAY_QUERY_ROWS_MAX, 100]) {
  Deno.test(`a step of ${rows} rows reads no more long texts than they count for`, () => {
    const db = new DatabaseSync(":memory:");
    migrate(db, ":memory:");
    fill(db, []);
    const reader = new EventReader(counting(db), null, new TextCache(TEXT_CACHE_CHUNK_BYTES, "strings"));
    const bound = rows * SCAN_ROW_CHARS + SCAN_CHUNK_ROWS_MAX * SCAN_TEXT_ALONG_BYTES_MAX + 2 * CONTENT_CHARS;
    for (const [name, [asked, events]] of Object.entries(FILTERS)) {
      const used = most(reader, parseFilter(asked, LIMITS), rows);
      assertEquals(used.events, events, name);
      assert(used.read <= bound, `${name}: read ${used.read} characters`);
      assert(used.parsed < CONTENT_CHARS, `${name}: parsed ${used.parsed} characters`);
    }
  });
}

Deno.test("what has expired and is long is looked at within the budget, behind the limit too", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  fill(db, [["expiration", String(NOW)]]);
  const reader = new EventReader(counting(db), null, new TextCache(TEXT_CACHE_CHUNK_BYTES, "strings"));
  const bound = 2 * GATEWAY_QUERY_ROWS_MAX * SCAN_ROW_CHARS + 2 * CONTENT_CHARS;
  for (const asked of [{}, { kinds: [1] }, { authors: [key("a")] }, { authors: [key("a")], limit: 1 }]) {
    const used = most(reader, parseFilter(asked, LIMITS), GATEWAY_QUERY_ROWS_MAX);
    assertEquals(used.events, 0);
    assert(used.read <= bound, `${JSON.stringify(asked)}: read ${used.read} characters`);
  }
});
