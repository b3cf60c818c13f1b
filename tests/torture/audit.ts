/**
 * Looks at a data directory from outside, with SQLite alone: are the databases whole, do the tables agree with each other,
 * does the search index hold what the store holds?
 * Runs in the process of whoever asks; opens the files and closes them again. No relay may run on them.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { eventFacts } from "../../lib/nostr/packed_event.ts";
import { eventOf } from "../../lib/nostr/exact.ts";
import { idKey, pubkeyKey } from "../../lib/nostr/keys.ts";
import { searchPath, storePath } from "../../runtime/data_paths.ts";
import type { TestEvent } from "../support/sign.ts";

/** Fresh events and settled ones together. */
const BOTH_GENERATIONS = `
  CREATE TEMP VIEW any_event AS SELECT * FROM event UNION ALL SELECT * FROM fresh_event;
  CREATE TEMP VIEW any_tag AS SELECT * FROM tag UNION ALL SELECT * FROM fresh_tag;`;

/** What must give no row, and what it means if it does. */
const STORE_CONTRADICTIONS: Record<string, string> = {
  "an event without its text": "SELECT seq FROM any_event WHERE seq NOT IN (SELECT seq FROM body)",
  "a text without its event": "SELECT seq FROM body WHERE seq NOT IN (SELECT seq FROM any_event)",
  "a settled tag of no settled event": "SELECT seq FROM tag WHERE seq NOT IN (SELECT seq FROM event)",
  "a fresh tag of no fresh event": "SELECT seq FROM fresh_tag WHERE seq NOT IN (SELECT seq FROM fresh_event)",
  "an event in both generations": "SELECT seq FROM event WHERE seq IN (SELECT seq FROM fresh_event)",
  "an address of no event": "SELECT seq FROM address WHERE seq NOT IN (SELECT seq FROM any_event)",
  "a deletion by no event":
    "SELECT by_seq FROM deletion WHERE by_seq NOT IN (SELECT seq FROM any_event WHERE kind = 5)",
  "a removal of an event that is there":
    "SELECT event_seq FROM removal WHERE event_seq IN (SELECT seq FROM any_event)",
  "a number used twice": "SELECT seq FROM removal WHERE seq IN (SELECT seq FROM any_event)",
  "an event removed twice": "SELECT event_seq FROM removal GROUP BY event_seq HAVING count(*) > 1",
};

const SEARCH_CONTRADICTIONS: Record<string, string> = {
  "a tag of no document":
    "SELECT document FROM document_tag WHERE document NOT IN (SELECT number FROM document)",
};

/** What a store holds, and what is wrong with it. */
interface StoreAudit {
  readonly events: ReadonlyMap<string, TestEvent>;
  readonly mistakes: string[];
}

/** Reads a store through. */
export function auditStore(dataDir: string): StoreAudit {
  using db = new DatabaseSync(storePath(dataDir), { readOnly: true });
  db.exec(BOTH_GENERATIONS);
  const mistakes = integrityOf(db, "events.db").concat(contradictionsOf(db, STORE_CONTRADICTIONS));
  const events = new Map<string, TestEvent>();
  const rows = db.prepare("SELECT e.*, b.expires_at, b.text FROM any_event e JOIN body b ON b.seq = e.seq")
    .iterate();
  const tagCounts = countsOf(db, "any_tag");
  const addressCounts = countsOf(db, "address");
  for (const row of rows) {
    const event = eventOf(row.text as string);
    const facts = eventFacts(event);
    if (events.has(event.id)) mistakes.push(`${event.id} is there twice`);
    events.set(event.id, event as TestEvent);
    const isIndexed = row.id_key === idKey(event.id) && row.pubkey_key === pubkeyKey(event.pubkey) &&
      row.kind === event.kind && row.age === -event.created_at && row.expires_at === facts.expiresAt &&
      (tagCounts.get(row.seq) ?? 0) === facts.tagKeys.length &&
      (addressCounts.get(row.seq) ?? 0) === (facts.flags & 1 ? 1 : 0);
    if (!isIndexed) mistakes.push(`${event.id} is not indexed as its text says`);
  }
  return { events, mistakes };
}

/** Holds the embedded search index against the events of its store; its cursor has reached the end of the log. */
export function auditSearch(dataDir: string, events: ReadonlyMap<string, unknown>): string[] {
  using db = new DatabaseSync(searchPath(dataDir), { readOnly: true });
  const parts = db.prepare("SELECT part FROM document_part").all();
  const texts = parts.map(({ part }) => [
    `a text in part ${part} of no document`,
    `SELECT rowid FROM document_text_${part} WHERE rowid NOT IN (SELECT number FROM document)`,
  ]);
  const contradictions = { ...SEARCH_CONTRADICTIONS, ...Object.fromEntries(texts) };
  const mistakes = integrityOf(db, "search.db").concat(contradictionsOf(db, contradictions));
  const documents = new Set(
    db.prepare("SELECT lower(hex(id)) AS id FROM document").all().map((row) => row.id as string),
  );
  for (const id of events.keys()) if (!documents.has(id)) mistakes.push(`${id} is not in the search index`);
  for (const id of documents) {
    if (!events.has(id)) mistakes.push(`${id} is in the search index and not in the store`);
  }
  return mistakes;
}

/** Rows of a table by the event that they belong to. */
function countsOf(db: DatabaseSync, table: "any_tag" | "address"): ReadonlyMap<unknown, number> {
  const rows = db.prepare(`SELECT seq, count(*) AS n FROM ${table} GROUP BY seq`).all();
  return new Map(rows.map((row) => [row.seq, row.n as number]));
}

function integrityOf(db: DatabaseSync, name: string): string[] {
  const lines = db.prepare("PRAGMA integrity_check").all().map((row) => row.integrity_check as string);
  return lines.filter((line) => line !== "ok").map((line) => `${name} is damaged: ${line}`);
}

function contradictionsOf(db: DatabaseSync, queries: Record<string, string>): string[] {
  return Object.entries(queries).flatMap(([what, sql]) => {
    const rows = db.prepare(`${sql} LIMIT 3`).all();
    return rows.map((row) => `${what}: ${JSON.stringify(row)}`);
  });
}
