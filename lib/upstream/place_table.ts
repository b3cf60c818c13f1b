/**
 * How far each stream is with each relay, kept over restarts: the moment up to which its live subscription is certain, and
 * the stretches of time that are still to be fetched. A place is written only after the events before it are certainly
 * stored, so that an older place is a safe one: what is noted here may become durable a little later, many at a time.
 * Belongs to the thread whose connection it uses; each worker has the places of its own relays.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { TimeRange } from "./gaps.ts";
import { canonicalFilter, isWithin, type StreamFilter } from "./stream_filter.ts";

/** How far a stream is that comes down. */
export interface Place {
  /** What came to the relay before this moment is here, or in a gap; seconds since 1970. */
  readonly at: number;
  readonly gaps: readonly TimeRange[];
}

/** One stream with one relay. */
interface StreamKey {
  readonly stream: string;
  readonly url: string;
}

/** A filter in one spelling, and what stands for it. */
interface KnownFilter {
  readonly text: string;
  readonly hash: string;
}

/** A place that is not written yet. */
interface NotedPlace {
  readonly key: StreamKey;
  readonly filter: KnownFilter;
  readonly place: Place;
}

/** See the module's text. */
export class PlaceTable {
  readonly #db: DatabaseSync;
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #forget: StatementSync;
  readonly #readFilter: StatementSync;
  readonly #writeFilter: StatementSync;
  /** What was noted and is not written, by the JSON of its key. */
  readonly #noted = new Map<string, NotedPlace>();
  /** Many places have one filter, which may list thousands of keys. */
  readonly #filters = new WeakMap<StreamFilter, KnownFilter>();

  /** Makes the tables where there are none. */
  constructor(db: DatabaseSync) {
    this.#db = db;
    db.exec(`
      CREATE TABLE IF NOT EXISTS place (
        stream TEXT NOT NULL, url TEXT NOT NULL, filter TEXT NOT NULL, at INTEGER NOT NULL, gaps TEXT NOT NULL,
        PRIMARY KEY (stream, url)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS place_filter (hash TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
      DELETE FROM place_filter WHERE hash NOT IN (SELECT filter FROM place);
    `);
    this.#read = db.prepare("SELECT filter, at, gaps FROM place WHERE stream = ? AND url = ?");
    this.#write = db.prepare(
      `INSERT INTO place VALUES (?, ?, ?, ?, ?) ON CONFLICT (stream, url)
       DO UPDATE SET filter = excluded.filter, at = excluded.at, gaps = excluded.gaps`,
    );
    this.#forget = db.prepare("DELETE FROM place WHERE stream = ? AND url = ?");
    this.#readFilter = db.prepare("SELECT text FROM place_filter WHERE hash = ?");
    this.#writeFilter = db.prepare("INSERT OR IGNORE INTO place_filter VALUES (?, ?)");
  }

  /** The place of a stream with this filter. One that selects less than before keeps it, any other begins anew: null. */
  placeOf(key: StreamKey, filter: StreamFilter): Place | null {
    const noted = this.#noted.get(keyText(key));
    const row = noted === undefined ? this.#rowOf(key) : { hash: noted.filter.hash, place: noted.place };
    if (row === null) return null;
    if (row.hash === this.#known(filter).hash) return row.place;
    const text = noted?.filter.text ?? this.#readFilter.get(row.hash)?.text as string | undefined;
    return text !== undefined && isWithin(filter, JSON.parse(text)) ? row.place : null;
  }

  /** Notes how far a stream is. {@linkcode PlaceTable.flush} makes it durable. */
  note(key: StreamKey, filter: StreamFilter, place: Place): void {
    this.#noted.set(keyText(key), { key, filter: this.#known(filter), place });
  }

  /** Writes what was noted, inside a transaction of the caller. */
  flush(): void {
    const written = new Set<string>();
    for (
      const { key: { stream, url }, filter: { hash, text }, place: { at, gaps } } of this.#noted.values()
    ) {
      // Another worker may have removed it when it began, with the last place that had it.
      if (!written.has(hash)) this.#writeFilter.run(hash, text);
      written.add(hash);
      this.#write.run(stream, url, hash, Math.floor(at), JSON.stringify(gaps));
    }
    this.#noted.clear();
  }

  /** Has all streams begin anew. */
  forgetAll(): void {
    this.#noted.clear();
    this.#db.exec("DELETE FROM place");
  }

  /** Forgets a stream that has ended. */
  forget(key: StreamKey): void {
    this.#noted.delete(keyText(key));
    this.#forget.run(key.stream, key.url);
  }

  #known(filter: StreamFilter): KnownFilter {
    const known = this.#filters.get(filter);
    if (known !== undefined) return known;
    const text = canonicalFilter(filter);
    const made = { text, hash: createHash("sha256").update(text).digest("hex") };
    this.#filters.set(filter, made);
    return made;
  }

  #rowOf({ stream, url }: StreamKey): { hash: string; place: Place } | null {
    const row = this.#read.get(stream, url);
    if (row === undefined) return null;
    const gaps = JSON.parse(row.gaps as string) as TimeRange[];
    return { hash: row.filter as string, place: { at: row.at as number, gaps } };
  }
}

function keyText({ stream, url }: StreamKey): string {
  return JSON.stringify([stream, url]);
}
