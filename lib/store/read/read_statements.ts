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
import { Bodies, TEXT_ALONG } from "./bodies.ts";
import { type Generation, ofBoth } from "../write/fresh_tables.ts";
import { LAST_SEQ } from "../../log/log_rows.ts";
import type { Source, Stream } from "./plan.ts";
import { returnArrays } from "../../sqlite/return_arrays.ts";

/**
 * What a fetch returns of each row: its text, unless that is long (`TEXT_ALONG`), or only what decides whether the text is
 * worth fetching, kind and author or the kind alone, which the index of tags holds itself; or, of a window, where it is
 * (`WindowRow`), in no order.
 */
export type Columns = "texts" | "keys" | "kinds" | "window";

/** A row of a window: age, id key, seq, and the place of its key in the stream's first list. */
export type WindowRow = [age: number, idKey: number, seq: number, at: number];

/** The columns that lead each source's index, before `age` and `id_key`. */
const LEADING: Record<Source, readonly string[]> = {
  id: ["id_key"],
  tag: ["tag_key"],
  author: ["pubkey_key", "kind"],
  kind: ["kind"],
  time: [],
};

/** The index each source runs along, named so that no statistics can choose another. */
const INDEX: Record<Source, (of: Generation) => string> = {
  id: (of) => `${of}event x INDEXED BY ${of}event_id`,
  tag: (of) => `${of}tag x`,
  author: (of) => `${of}event x INDEXED BY ${of}event_author`,
  kind: (of) => `${of}event x INDEXED BY ${of}event_kind`,
  time: (of) => `${of}event x INDEXED BY ${of}event_time`,
};

/** Prepared statements of one reading connection. */
export class ReadStatements {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  /** `[expires_at, text]` of a seq. */
  readonly body: StatementSync;
  /** Begins and ends the one snapshot of several fetches: without it each takes locks of its own (2.5 µs). */
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  /** The same of several, some of them from memory. */
  readonly bodies: Bodies;
  /** Of the snapshot: `[seq of the newest entry, whether requests to vanish are pending, seq of the newest removal]` */
  readonly lastSeq: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.begin = db.prepare("BEGIN");
    this.commit = db.prepare("COMMIT");
    this.body = returnArrays(db.prepare("SELECT expires_at, text FROM body WHERE seq = ?"));
    this.bodies = new Bodies(db);
    this.lastSeq = returnArrays(
      db.prepare(`SELECT ${LAST_SEQ}, EXISTS (SELECT 1 FROM vanish WHERE is_pending = 1),
                         coalesce((SELECT max(seq) FROM removal), 0)`),
    );
  }

  /**
   * The statement for a stream, whose rows are in the order of the answer. Parameters are a key for each list of the
   * stream, or, of a list of several, a JSON array of keys; then age, id key and seq of the row after which they begin, the
   * highest age, rows wanted. Rows of several ranges end with the place of their key in the first list.
   */
  of({ source, lists }: Pick<Stream, "source" | "lists">, columns: Columns): StatementSync {
    const severals = lists.map((list) => list.length > 1);
    const name = `${source} ${columns} ${severals.join(" ")}`;
    let statement = this.#prepared.get(name);
    if (statement === undefined) {
      const text = columns === "window"
        ? windowText(source, severals)
        : severals.includes(true)
        ? mergedText(source, columns, severals)
        : rangeText(source, columns);
      statement = returnArrays(this.#db.prepare(text));
      this.#prepared.set(name, statement);
    }
    return statement;
  }
}

/**
 * Where a page begins, and the oldest that is wanted; the parameters follow those of the keys. Ids may share a key, so that
 * the seq, which every index ends with, is a part of the place.
 */
function pageOf(keys: number): string {
  return `(x.age, x.id_key, x.seq) > (?${keys + 1}, ?${keys + 2}, ?${keys + 3}) AND x.age <= ?${keys + 4}`;
}

/** The order of the indexes, and as many rows as are wanted. */
function endOf(keys: number): string {
  return `ORDER BY 1, 2, 3 LIMIT ?${keys + 5}+0`;
}

/** The two generations are in order each, so that SQLite merges them without sorting. */
function rangeText(source: Source, columns: Columns): string {
  const leading = LEADING[source];
  const selected = columns === "texts"
    ? `b.expires_at, ${TEXT_ALONG}`
    : columns === "kinds"
    ? "x.kind, 0"
    : `x.kind, ${source === "tag" ? "e" : "x"}.pubkey_key`;
  const keys = leading.map((column, number) => `x.${column} = ?${number + 1} AND`).join(" ");
  const half = (of: Generation) => {
    const joined = columns === "texts"
      ? "CROSS JOIN body b ON b.seq = x.seq"
      : source === "tag" && columns === "keys"
      ? `CROSS JOIN ${of}event e ON e.seq = x.seq`
      : "";
    return `SELECT x.age, x.id_key, x.seq, ${selected} FROM ${INDEX[source](of)} ${joined}
            WHERE ${keys} ${pageOf(leading.length)}`;
  };
  return `${ofBoth(half)} ${endOf(leading.length)}`;
}

/**
 * Many ranges in one call, because calls cost more than seeks. SQLite's sorter holds no more rows than are wanted, and
 * leaves a range, which is in order itself, at its first row that comes after all of them: a range that adds nothing costs
 * one seek. Texts are fetched for what is left. A list is read once, not once for each key of the other: that takes as long
 * as the seek.
 */
function mergedText(source: Source, columns: Columns, severals: readonly boolean[]): string {
  const leading = LEADING[source];
  const [selected, joined] = columns === "texts"
    ? [`b.expires_at, ${TEXT_ALONG}`, "CROSS JOIN body b ON b.seq = t.seq"]
    : columns === "kinds"
    ? ["t.kind, 0", ""]
    : [
      "coalesce(f.kind, e.kind), coalesce(f.pubkey_key, e.pubkey_key)",
      "LEFT JOIN fresh_event f ON f.seq = t.seq LEFT JOIN event e ON e.seq = t.seq AND f.seq IS NULL",
    ];
  const { lists, loops, keys, at } = rangesText(leading, severals);
  const kind = columns === "kinds" ? ", x.kind AS kind" : "";
  const half = (of: Generation) =>
    `SELECT * FROM (SELECT x.age, x.id_key, x.seq, ${at} AS at${kind} FROM ${loops} ${INDEX[source](of)}
     WHERE ${keys} ${pageOf(leading.length)} ${endOf(leading.length)})`;
  return `${lists} SELECT t.age, t.id_key, t.seq, ${selected}, t.at FROM (${ofBoth(half)} ${
    endOf(leading.length)
  }) t ${joined}`;
}

/**
 * All rows of many ranges between two ages, without texts, as far as they are no more than are wanted: of a few hundred
 * rows SQLite's sorter costs three times what the seeks do.
 */
function windowText(source: Source, severals: readonly boolean[]): string {
  const leading = LEADING[source];
  const { lists, loops, keys, at } = rangesText(leading, severals);
  const half = (of: Generation) =>
    `SELECT x.age, x.id_key, x.seq, ${at} FROM ${loops} ${INDEX[source](of)}
     WHERE ${keys} ${pageOf(leading.length)}`;
  return `${lists} ${ofBoth(half)} LIMIT ?${leading.length + 5}+0`;
}

/** The parts of a statement that loop over the ranges of a stream some of whose lists hold several keys. */
function rangesText(leading: readonly string[], severals: readonly boolean[]) {
  const places = leading.map((_, n) => n).filter((n) => severals[n]);
  const lists = places.map((n) =>
    `k${n} (value, at) AS MATERIALIZED (SELECT value, key FROM json_each(?${n + 1}))`
  );
  return {
    lists: `WITH ${lists.join(", ")}`,
    loops: places.map((n) => `k${n} CROSS JOIN`).join(" "),
    keys: leading.map((column, n) => `x.${column} = ${severals[n] ? `k${n}.value` : `?${n + 1}`} AND`).join(
      " ",
    ),
    at: severals[0] ? "k0.at" : "0",
  };
}
