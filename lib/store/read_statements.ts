/**
 * The statements that scans use, prepared once a connection.
 *
 * A bare `LIMIT ?` is never written here: SQLite looks at the value when it plans, so that each binding makes it parse
 * and plan the statement anew (6 to 12 µs). `LIMIT ?+0` it leaves alone.
 *
 * Belongs to the thread whose connection it is; a statement serves one scan's fetch at a time, to its end.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Source } from "./plan.ts";

/** What a fetch returns of each row: its text, or only what decides whether the text is worth fetching. */
export type Columns = "texts" | "keys";

/** Makes a statement return arrays, not objects. (The method is newer than the types of `node:sqlite` at hand.) */
export function returnArrays(statement: StatementSync): StatementSync {
  (statement as StatementSync & { setReturnArrays(enabled: boolean): void }).setReturnArrays(true);
  return statement;
}

const PREFIX: Record<Source, string> = {
  id: "x.id_key = ? AND",
  tag: "x.tag_key = ? AND",
  author: "x.pubkey_key = ? AND x.kind = ? AND",
  kind: "x.kind = ? AND",
  time: "",
};

/** The index each source runs along, named so that no statistics can choose another. */
const INDEX: Record<Source, string> = {
  id: "event x INDEXED BY event_id",
  tag: "tag x",
  author: "event x INDEXED BY event_author",
  kind: "event x INDEXED BY event_kind",
  time: "event x INDEXED BY event_time",
};

/** Prepared statements of one reading connection. */
export class ReadStatements {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  /** `[expires_at, text]` of a seq. */
  readonly body: StatementSync;
  /** `[seq of the newest addition that the snapshot holds, whether requests to vanish are pending]` */
  readonly lastSeq: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.body = returnArrays(db.prepare("SELECT expires_at, text FROM body WHERE seq = ?"));
    this.lastSeq = returnArrays(db.prepare(`SELECT coalesce((SELECT max(seq) FROM event), 0),
                                                        EXISTS (SELECT 1 FROM vanish WHERE is_pending = 1)`));
  }

  /**
   * The first rows of many streams in one call. Parameters are one JSON array for each prefix column (the streams are
   * their product), age, id key, the highest age; rows are a `keys` row with the positions in the arrays behind it.
   */
  heads(source: HeadSource): StatementSync {
    const name = source + "heads";
    let statement = this.#prepared.get(name);
    if (statement === undefined) {
      statement = returnArrays(this.#db.prepare(HEADS[source]));
      this.#prepared.set(name, statement);
    }
    return statement;
  }

  /** The statement for a source: parameters are the stream's prefix, age, id key, the highest age, rows wanted. */
  of(source: Source, columns: Columns): StatementSync {
    const name = source + columns;
    let statement = this.#prepared.get(name);
    if (statement === undefined) {
      statement = returnArrays(this.#db.prepare(textOf(source, columns)));
      this.#prepared.set(name, statement);
    }
    return statement;
  }
}

/** Sources whose streams can be opened together. */
export type HeadSource = "author" | "tag" | "id";

/** For each stream one seek for its newest row; the row's columns come from `event` by its key. */
const HEADS: Record<HeadSource, string> = {
  author: `SELECT e.age, e.id_key, e.seq, e.kind, e.pubkey_key, h.a, h.b FROM (
             SELECT p.key AS a, k.key AS b, (
               SELECT x.seq FROM event x INDEXED BY event_author
               WHERE x.pubkey_key = p.value AND x.kind = k.value AND (x.age, x.id_key) > (?3, ?4) AND x.age <= ?5
               ORDER BY x.age, x.id_key LIMIT 1
             ) AS seq FROM json_each(?1) p CROSS JOIN json_each(?2) k
           ) h CROSS JOIN event e ON e.seq = h.seq`,
  tag: `SELECT e.age, e.id_key, e.seq, e.kind, e.pubkey_key, h.a FROM (
          SELECT t.key AS a, (
            SELECT x.seq FROM tag x
            WHERE x.tag_key = t.value AND (x.age, x.id_key) > (?2, ?3) AND x.age <= ?4
            ORDER BY x.age, x.id_key LIMIT 1
          ) AS seq FROM json_each(?1) t
        ) h CROSS JOIN event e ON e.seq = h.seq`,
  // Ids have no more than their head, and it is wanted: its text comes along.
  id: `SELECT e.age, e.id_key, e.seq, b.expires_at, b.text, i.key FROM json_each(?1) i
       CROSS JOIN event e INDEXED BY event_id ON e.id_key = i.value CROSS JOIN body b ON b.seq = e.seq
       WHERE (e.age, e.id_key) > (?2, ?3) AND e.age <= ?4`,
};

function textOf(source: Source, columns: Columns): string {
  const selected = columns === "texts"
    ? "b.expires_at, b.text"
    : `x.kind, ${source === "tag" ? "e" : "x"}.pubkey_key`;
  const joined = columns === "texts"
    ? "CROSS JOIN body b ON b.seq = x.seq"
    : source === "tag"
    ? "CROSS JOIN event e ON e.seq = x.seq"
    : "";
  // A key of an id has one row, or a few that collide: sorting them would cost more than finding them.
  const order = source === "id" ? "" : "ORDER BY x.age, x.id_key";
  return `SELECT x.age, x.id_key, x.seq, ${selected} FROM ${INDEX[source]} ${joined}
          WHERE ${PREFIX[source]} (x.age, x.id_key) > (?, ?) AND x.age <= ? ${order} LIMIT ?+0`;
}
