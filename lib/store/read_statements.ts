/**
 * The statements that scans use, prepared once a connection.
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
  readonly begin: StatementSync;
  readonly end: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.body = returnArrays(db.prepare("SELECT expires_at, text FROM body WHERE seq = ?"));
    this.lastSeq = returnArrays(db.prepare(`SELECT coalesce((SELECT max(seq) FROM event), 0),
                                                        EXISTS (SELECT 1 FROM vanish WHERE is_pending = 1)`));
    this.begin = db.prepare("BEGIN");
    this.end = db.prepare("COMMIT");
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

function textOf(source: Source, columns: Columns): string {
  const selected = columns === "texts"
    ? "b.expires_at, b.text"
    : `x.kind, ${source === "tag" ? "e" : "x"}.pubkey_key`;
  const joined = columns === "texts"
    ? "CROSS JOIN body b ON b.seq = x.seq"
    : source === "tag"
    ? "CROSS JOIN event e ON e.seq = x.seq"
    : "";
  return `SELECT x.age, x.id_key, x.seq, ${selected} FROM ${INDEX[source]} ${joined}
          WHERE ${PREFIX[source]} (x.age, x.id_key) > (?, ?) AND x.age <= ?
          ORDER BY x.age, x.id_key LIMIT ?`;
}
