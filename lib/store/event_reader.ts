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
import { Planner } from "./plan.ts";
import { ReadStatements, returnArrays } from "./read_statements.ts";
import { Scan, type ScanOptions } from "./scan.ts";

/** Answers queries on one connection. */
export class EventReader {
  readonly statements: ReadStatements;
  readonly #planner: Planner;
  readonly #byIdKey: StatementSync;

  constructor(db: DatabaseSync) {
    this.statements = new ReadStatements(db);
    this.#planner = new Planner(db);
    this.#byIdKey = returnArrays(db.prepare(
      "SELECT e.seq, b.expires_at, b.text FROM event e JOIN body b ON b.seq = e.seq WHERE e.id_key = ?",
    ));
  }

  /**
   * The newest entry of the log that this connection sees. A scan with this `seqMax` needs no snapshot over its
   * statements: what is stored later is not part of it, and what is replaced meanwhile comes back as a later entry.
   */
  get lastSeq(): number {
    return (this.statements.lastSeq.get() as unknown as [number])[0];
  }

  /** Begins to answer one filter. */
  scan(filter: Filter, options: ScanOptions): Scan {
    const plan = isEmptyFilter(filter) ? NOTHING : this.#planner.plan(filter);
    return new Scan(this.statements, plan, filter, options);
  }

  /** The event with this id, unless it is not here or expired at `now`. */
  rowOf(id: string, now: number): { readonly seq: number; readonly text: string } | null {
    for (const row of this.#byIdKey.all(idKey(id))) {
      const [seq, expiresAt, text] = row as unknown as [number, number, string];
      if (hasId(text, id)) return expiresAt > 0 && expiresAt <= now ? null : { seq, text };
    }
    return null;
  }
}

const NOTHING = {
  streams: [],
  product: null,
  residual: { kinds: null, authorKeys: null, authors: null, tags: [] },
};
