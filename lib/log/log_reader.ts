/**
 * Reads the log from SQLite: what a follower does at its start and whenever the tail overtook it.
 * Belongs to the thread whose connection it reads.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { returnArrays } from "../sqlite/return_arrays.ts";

/**
 * The newest entry of the log, as an expression of SQL. An addition alone would not say: it is gone once its event was
 * removed, and the entry that tells of that is a newer one. No entry of a removal ever goes, so that this never goes back.
 */
export const LAST_SEQ = `max(coalesce((SELECT max(seq) FROM body), 0),
                             coalesce((SELECT max(seq) FROM removal), 0))`;

/** One entry of the log. */
export type LogEntry =
  | { readonly type: "add"; readonly seq: number; readonly text: string }
  | { readonly type: "remove"; readonly seq: number; readonly id: string };

/** The log as one connection sees it. */
export class LogReader {
  readonly #additions: StatementSync;
  readonly #removals: StatementSync;
  readonly #last: StatementSync;

  constructor(db: DatabaseSync) {
    this.#additions = returnArrays(
      db.prepare("SELECT seq, text FROM body WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?+0"),
    );
    this.#removals = returnArrays(
      db.prepare("SELECT seq, id FROM removal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?+0"),
    );
    this.#last = db.prepare(`SELECT ${LAST_SEQ} AS seq`);
  }

  /** The newest entry. */
  get lastSeq(): number {
    return this.#last.get()!.seq as number;
  }

  /**
   * At most `max` entries after `cursor`, in order. An event that was removed since is no entry any more; its removal is.
   */
  read(cursor: number, max: number): LogEntry[] {
    // Each statement sees a moment of its own. What is stored between them waits for the next read; else an entry of one
    // list could let the cursor pass an older one of the other.
    const last = this.lastSeq;
    const removals = this.#removals.all(cursor, last, max) as unknown as [number, string][];
    const additions = this.#additions.all(cursor, last, max) as unknown as [number, string][];
    return merge(additions, removals, max);
  }
}

function merge(additions: [number, string][], removals: [number, string][], max: number): LogEntry[] {
  // Where one list was cut at `max`, entries of the other beyond its end must wait for the next read.
  const horizon = Math.min(
    additions.length === max ? additions.at(-1)![0] : Infinity,
    removals.length === max ? removals.at(-1)![0] : Infinity,
  );
  const entries: LogEntry[] = [];
  let a = 0, r = 0;
  while (entries.length < max) {
    const addition = additions[a];
    const removal = removals[r];
    const takeAddition = addition !== undefined && (removal === undefined || addition[0] < removal[0]);
    const seq = takeAddition ? addition[0] : removal?.[0];
    if (seq === undefined || seq > horizon) break;
    entries.push(
      takeAddition ? { type: "add", seq, text: addition[1] } : { type: "remove", seq, id: removal![1] },
    );
    if (takeAddition) a++;
    else r++;
  }
  return entries;
}
