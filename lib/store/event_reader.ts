/**
 * The reading side of the store: one connection, its statements, its planner.
 * Belongs to the thread that opened the connection: a gateway (bounded queries) or a reader (the rest).
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Filter, isEmptyFilter } from "../nostr/filter.ts";
import { idKey } from "../nostr/keys.ts";
import { hasId } from "./exact.ts";
import { ofBoth } from "./fresh_tables.ts";
import { NewestTimes } from "./newest_times.ts";
import { Planner } from "./plan.ts";
import { ReadStatements } from "./read_statements.ts";
import { returnArrays } from "./return_arrays.ts";
import { IdLookup, isIdLookup } from "./id_lookup.ts";
import { type EventScan, Scan, type ScanOptions } from "./scan.ts";
import { VanishedAuthors } from "./vanished_authors.ts";

/** An event as it is stored. */
export interface EventRow {
  readonly seq: number;
  readonly text: string;
}

/** Answers queries on one connection. */
export class EventReader {
  readonly statements: ReadStatements;
  readonly #planner: Planner;
  readonly #times: NewestTimes;
  readonly #byIdKey: StatementSync;
  readonly #vanished: VanishedAuthors;
  readonly #version: (() => number) | null;
  #seenVersion = NaN;
  #lastSeq = 0;

  /**
   * @param version A number that changes after each commit, before anybody hears of it: then `refresh` costs a comparison
   * where nothing was stored. Null: `refresh` always asks the database.
   */
  constructor(db: DatabaseSync, version: (() => number) | null = null) {
    this.#version = version;
    this.statements = new ReadStatements(db);
    this.#times = new NewestTimes(db);
    this.#planner = new Planner(db, this.#times);
    this.#vanished = new VanishedAuthors(db);
    this.#byIdKey = returnArrays(
      db.prepare(
        ofBoth((of) =>
          `SELECT e.seq, b.expires_at, b.text FROM ${of}event e JOIN body b ON b.seq = e.seq WHERE e.id_key = ?1`
        ),
      ),
    );
  }

  /**
   * Looks who has asked to vanish since: their events are in no answer from then on. Whoever goes on with a scan after a
   * while calls it before.
   *
   * @returns the newest entry of the log that this connection sees. A scan with this `seqMax` needs no snapshot over its
   * statements: what is stored later is not part of it, and what is replaced meanwhile comes back as a later entry.
   */
  refresh(): number {
    // Looked at before the database: what is committed in between changes it again.
    const version = this.#version === null ? NaN : this.#version();
    if (version === this.#seenVersion) return this.#lastSeq;
    const [lastSeq, isAnyPending] = this.statements.lastSeq.get() as unknown as [number, number];
    this.#vanished.refresh(isAnyPending === 1);
    this.#seenVersion = version;
    return this.#lastSeq = lastSeq;
  }

  /** Begins to answer one filter. */
  scan(filter: Filter, options: ScanOptions): EventScan {
    if (isIdLookup(filter) && options.position === undefined) return new IdLookup(this, filter, options);
    // Who wants live events only needs no plan.
    const plan = filter.limit === 0 || isEmptyFilter(filter)
      ? NOTHING
      : this.#planner.plan(filter, options.seqMax);
    return new Scan(
      { statements: this.statements, vanished: this.#vanished, times: this.#times },
      plan,
      filter,
      options,
    );
  }

  /** The text of the event that the log has here; null: it has left the store. */
  textOf(seq: number): string | null {
    const row = this.statements.body.get(seq) as unknown as [number, string] | undefined;
    return row?.[1] ?? null;
  }

  /** The event with this id, unless it is not here or expired at `now`. */
  rowOf(id: string, now: number): EventRow | null {
    for (const row of this.#byIdKey.all(idKey(id))) {
      const [seq, expiresAt, text] = row as unknown as [number, number, string];
      if (!hasId(text, id)) continue;
      const isGone = (expiresAt > 0 && expiresAt <= now) || this.#vanished.hide(text);
      return isGone ? null : { seq, text };
    }
    return null;
  }
}

const NOTHING = {
  streams: [],
  residual: { kinds: null, authorKeys: null, authors: null, tags: [] },
};
