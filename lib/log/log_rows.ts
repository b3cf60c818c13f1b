/**
 * Entries of the log in their order, read from SQLite: additions lie in one table, removals in another, and this merges
 * them. Which columns are read of an entry is the caller's choice.
 * Belongs to the thread whose connection it reads.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { invariant } from "../invariant.ts";
import { returnArrays } from "../sqlite/return_arrays.ts";

/**
 * The newest entry of the log, as an expression of SQL. An addition alone would not say: it is gone once its event was
 * removed, and the entry that tells of that is a newer one. No entry of a removal ever goes, so that this never goes back.
 */
export const LAST_SEQ = `max(coalesce((SELECT max(seq) FROM body), 0),
                             coalesce((SELECT max(seq) FROM removal), 0))`;

/** What is read of an entry: its place in the log, then the columns of the caller. */
export type LogRow = readonly [seq: number, ...columns: unknown[]];

/**
 * How entries are read, as SQL that returns the seq first. Parameters: rows begin after `?1` and end with `?2`, in the
 * order of seq, at most `?3+0` of them. Null: the caller has no use for that kind of entry.
 */
interface LogStatements {
  readonly additions: string | null;
  readonly removals: string | null;
}

/** Who takes entries, one after another, in the order of the log. */
export interface LogSink<Addition extends LogRow, Removal extends LogRow> {
  add(row: Addition): void;
  remove(row: Removal): void;
}

/** A stretch of the log. */
export interface LogRange {
  /** It begins after this entry. */
  readonly after: number;
  /** It ends with this one, which the connection can see. */
  readonly to: number;
  /** Or before, after so many rows. */
  readonly max: number;
}

/** The log as one connection sees it. An event that was removed since is no entry any more; its removal is. */
export class LogRows<Addition extends LogRow, Removal extends LogRow> {
  readonly #additions: StatementSync | null;
  readonly #removals: StatementSync | null;
  readonly #last: StatementSync;

  constructor(db: DatabaseSync, { additions, removals }: LogStatements) {
    this.#additions = additions === null ? null : returnArrays(db.prepare(additions));
    this.#removals = removals === null ? null : returnArrays(db.prepare(removals));
    this.#last = returnArrays(db.prepare(`SELECT ${LAST_SEQ}`));
  }

  /** The newest entry. */
  get lastSeq(): number {
    return (this.#last.get() as unknown as [number])[0];
  }

  /**
   * Gives a stretch of the log to `sink`.
   *
   * @returns the entry up to which it was given: `to`, or a lesser one where there are more than `max` rows.
   */
  give({ after, to, max }: LogRange, sink: LogSink<Addition, Removal>): number {
    invariant(max > 0, "a stretch of the log has room for a row");
    // Each statement sees a moment of its own: what is stored between them lies beyond `to`, or it would let the cursor
    // pass an older entry of the other table.
    const removals = (this.#removals?.all(after, to, max) ?? []) as unknown as Removal[];
    const additions = (this.#additions?.all(after, to, max) ?? []) as unknown as Addition[];
    // Where one list was cut, entries of the other beyond its end wait.
    const end = Math.min(to, cutAt(additions, max), cutAt(removals, max));
    for (let a = 0, r = 0; a + r < max;) {
      const addition = additions[a];
      const removal = removals[r];
      const isAddition = addition !== undefined && (removal === undefined || addition[0] < removal[0]);
      const seq = isAddition ? addition[0] : removal?.[0];
      if (seq === undefined || seq > end) return end;
      if (isAddition) {
        sink.add(addition);
        a++;
      } else {
        sink.remove(removal!);
        r++;
      }
      after = seq;
    }
    return after;
  }
}

function cutAt(rows: readonly LogRow[], max: number): number {
  return rows.length === max ? rows[max - 1]![0] : Infinity;
}
