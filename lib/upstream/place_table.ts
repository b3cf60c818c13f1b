/**
 * How far each stream is with each relay, kept over restarts: the moment up to which its live subscription is certain, and
 * the stretches of time that are still to be fetched. A place is written only after the events before it are certainly
 * stored, so that an older place is a safe one: what is noted here may become durable a little later, many at a time.
 * Belongs to the thread whose connection it uses; each worker has the places of its own relays.
 *
 * @module
 */
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

/** See the module's text. */
export class PlaceTable {
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #forget: StatementSync;
  /** What was noted and is not written, by the JSON of its key. */
  readonly #noted = new Map<string, readonly [StreamKey, string, Place]>();

  /** Makes the table where there is none. */
  constructor(db: DatabaseSync) {
    db.exec(`
      CREATE TABLE IF NOT EXISTS place (
        stream TEXT NOT NULL, url TEXT NOT NULL, filter TEXT NOT NULL, at INTEGER NOT NULL, gaps TEXT NOT NULL,
        PRIMARY KEY (stream, url)
      ) STRICT, WITHOUT ROWID;
    `);
    this.#read = db.prepare("SELECT filter, at, gaps FROM place WHERE stream = ? AND url = ?");
    this.#write = db.prepare(
      `INSERT INTO place VALUES (?, ?, ?, ?, ?) ON CONFLICT (stream, url)
       DO UPDATE SET filter = excluded.filter, at = excluded.at, gaps = excluded.gaps`,
    );
    this.#forget = db.prepare("DELETE FROM place WHERE stream = ? AND url = ?");
  }

  /** The place of a stream with this filter. One that selects less than before keeps it, any other begins anew: null. */
  placeOf(key: StreamKey, filter: StreamFilter): Place | null {
    const noted = this.#noted.get(keyText(key));
    const row = noted === undefined ? this.#rowOf(key) : { filter: noted[1], place: noted[2] };
    if (row === null || !isWithin(filter, JSON.parse(row.filter))) return null;
    return row.place;
  }

  /** Notes how far a stream is. {@linkcode PlaceTable.flush} makes it durable. */
  note(key: StreamKey, filter: StreamFilter, place: Place): void {
    this.#noted.set(keyText(key), [key, canonicalFilter(filter), place]);
  }

  /** Writes what was noted, inside a transaction of the caller. */
  flush(): void {
    for (const [{ stream, url }, filter, { at, gaps }] of this.#noted.values()) {
      this.#write.run(stream, url, filter, Math.floor(at), JSON.stringify(gaps));
    }
    this.#noted.clear();
  }

  /** Forgets a stream that has ended. */
  forget(key: StreamKey): void {
    this.#noted.delete(keyText(key));
    this.#forget.run(key.stream, key.url);
  }

  #rowOf({ stream, url }: StreamKey): { filter: string; place: Place } | null {
    const row = this.#read.get(stream, url);
    if (row === undefined) return null;
    const gaps = JSON.parse(row.gaps as string) as TimeRange[];
    return { filter: row.filter as string, place: { at: row.at as number, gaps } };
  }
}

function keyText({ stream, url }: StreamKey): string {
  return JSON.stringify([stream, url]);
}
