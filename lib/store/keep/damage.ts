/**
 * Looks at the start whether the store is whole, at a price that does not grow with it.
 * Runs on the store's thread before it writes; no state.
 *
 * What is looked at: the header, the size and the schema against what this program makes; a small database as a whole
 * (`quick_check`); of a larger one the ends of every index, and events at random places in it, which must parse, have the
 * keys that their text gives, and be found by every index. What is damaged elsewhere is met where it is read: then a query
 * ends in CLOSED, and a backup fails its check.
 *
 * @module
 */
import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { START_CHECK_BYTES_MAX, START_CHECK_EVENTS } from "../../limits.ts";
import { eventParts, idText, idTextVerbatim, type NostrEvent } from "../../nostr/event.ts";
import { idKey, pubkeyKey } from "../../nostr/keys.ts";
import { eventFacts } from "../../nostr/packed_event.ts";
import { eventOf } from "../../nostr/exact.ts";
import { openToRead } from "../../sqlite/open_database.ts";
import type { Generation } from "../write/fresh_tables.ts";
import { foreignPart, FRESH_SINCE_VERSION, SchemaError, versionOf } from "./schema.ts";

/** The store is damaged; the message says where, and how its events come back. */
export class StoreDamagedError extends Error {
  override name = "StoreDamagedError";
}

/** What the check takes from outside. */
interface CheckOptions {
  /** A number from 0 up to 1, excluded. */
  random(): number;
  /** False once the check has taken long enough. */
  hasTime(): boolean;
}

/**
 * Checks the store at `path`, which exists. In an empty file there is nothing to be checked.
 *
 * @throws {StoreDamagedError} if it is damaged.
 * @throws {SchemaError} if it is another program's, or newer.
 */
export function checkStore(path: string, options: CheckOptions): void {
  const db = openToRead(path);
  try {
    const version = versionOf(db, path);
    if (version === 0) return;
    const foreign = foreignPart(db, version);
    if (foreign !== null) throw new Error(foreign);
    if (sizeOf(db) <= START_CHECK_BYTES_MAX) checkPages(db);
    // It is checked before it is brought to this program's version: an older one has no fresh tables yet.
    const generations: Generation[] = version < FRESH_SINCE_VERSION ? [""] : ["", "fresh_"];
    checkEnds(db, generations);
    for (const of of generations) checkSamples(db, of, options);
  } catch (error) {
    if (error instanceof SchemaError) throw error;
    const reason = error instanceof Error ? error.message.replaceAll("\n", " ") : String(error);
    throw new StoreDamagedError(
      `Cannot open store "${path}": it is damaged: ${reason}; put a backup into an empty DATA_DIR ` +
        `(deno task restore), or save what can be read (deno task export)`,
    );
  } finally {
    db.close();
  }
}

function sizeOf(db: DatabaseSync): number {
  const pages = db.prepare("PRAGMA page_count").get()!.page_count as number;
  return pages * (db.prepare("PRAGMA page_size").get()!.page_size as number);
}

function checkPages(db: DatabaseSync): void {
  const [first] = db.prepare("PRAGMA quick_check(1)").all();
  if (first?.quick_check !== "ok") throw new Error(String(first?.quick_check));
}

/** A tree, and what it is ordered by. */
type End = readonly [table: string, index: string | null, columns: string];

function endsOf(of: Generation): End[] {
  return [
    [`${of}event`, null, "seq"],
    [`${of}event`, `${of}event_id`, "id_key"],
    [`${of}event`, `${of}event_time`, "age, id_key"],
    [`${of}event`, `${of}event_kind`, "kind, age, id_key"],
    [`${of}event`, `${of}event_author`, "pubkey_key, kind, age, id_key"],
    [`${of}tag`, null, "tag_key, age, id_key, seq"],
  ];
}

/** The first and the last entry of each tree: a file that was cut off has lost one of them. */
function checkEnds(db: DatabaseSync, generations: readonly Generation[]): void {
  const ends: readonly End[] = [
    ...generations.flatMap(endsOf),
    ["body", null, "seq"],
    ["address", null, "address_key, seq"],
    ["deletion", null, "target_key, pubkey_key, by_seq"],
    ["removal", null, "seq"],
  ];
  for (const [table, index, columns] of ends) {
    const from = index === null ? table : `${table} INDEXED BY ${index}`;
    for (const order of ["ASC", "DESC"]) {
      const by = columns.split(", ").map((column) => `${column} ${order}`).join(", ");
      db.prepare(`SELECT * FROM ${from} ORDER BY ${by} LIMIT 1`).all();
    }
  }
}

/** Events at random places: their rows, their text, and their entries in every index say the same. */
function checkSamples(db: DatabaseSync, of: Generation, { random, hasTime }: CheckOptions): void {
  const { least, most } = db.prepare(`SELECT min(seq) AS least, max(seq) AS most FROM ${of}event`).get()!;
  if (least === null) return;
  const sql = (text: string) => db.prepare(text);
  const row = sql(
    `SELECT seq, id_key, pubkey_key, kind, age FROM ${of}event WHERE seq >= ? ORDER BY seq LIMIT 1`,
  );
  const body = sql("SELECT text FROM body WHERE seq = ?");
  const tag = sql(`SELECT 1 FROM ${of}tag WHERE tag_key = ? AND age = ? AND id_key = ? AND seq = ?`);
  const indexes = ["event_id", "event_time", "event_kind", "event_author"].map((name) =>
    sql(
      `SELECT 1 FROM ${of}event INDEXED BY ${of}${name}
       WHERE id_key = ? AND pubkey_key = ? AND kind = ? AND age = ? AND seq = ?`,
    )
  );
  const span = (most as number) - (least as number) + 1;
  for (let n = 0; n < START_CHECK_EVENTS && hasTime(); n++) {
    const event = row.get((least as number) + Math.floor(random() * span)) as unknown as Row;
    const text = body.get(event.seq)?.text;
    if (typeof text !== "string") throw new Error(`event ${event.seq} has no text`);
    const facts = factsOf(text, event.seq);
    const { id, pubkey, kind, created_at } = facts.event;
    const isItsOwn = idKey(id) === event.id_key && pubkeyKey(pubkey) === event.pubkey_key &&
      kind === event.kind && -created_at === event.age;
    if (!isItsOwn) {
      throw new Error(`event ${event.seq} has another event's text`);
    }
    if (!hasOwnId(facts.event)) throw new Error(`event ${event.seq} has not the id of its text`);
    const values = [event.id_key, event.pubkey_key, event.kind, event.age, event.seq];
    const isIndexed = indexes.every((statement) => statement.get(...values) !== undefined) &&
      facts.tagKeys.every((key) => tag.get(key, event.age, event.id_key, event.seq) !== undefined);
    if (!isIndexed) throw new Error(`event ${event.seq} is missing in an index`);
  }
}

/** Whether the id is the hash of what the event says. */
function hasOwnId(event: NostrEvent): boolean {
  const text = idText(event, eventParts(event));
  if (hash("sha256", text, "hex") === event.id) return true;
  const verbatim = idTextVerbatim(text);
  return verbatim !== null && hash("sha256", verbatim, "hex") === event.id;
}

interface Row {
  readonly seq: number;
  readonly id_key: number;
  readonly pubkey_key: number;
  readonly kind: number;
  readonly age: number;
}

function factsOf(text: string, seq: number) {
  try {
    return eventFacts(eventOf(text));
  } catch {
    throw new Error(`the text of event ${seq} is no event`);
  }
}
