/**
 * Reads the log from SQLite as texts of events and ids of what was removed.
 * Belongs to the thread whose connection it reads.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { LogRows } from "./log_rows.ts";

/** An event that was stored. */
export type TextRow = readonly [seq: number, text: string];
/** An event that was removed. */
export type IdRow = readonly [seq: number, id: string];

/** One entry of the log. */
export type LogEntry =
  | { readonly type: "add"; readonly seq: number; readonly text: string }
  | { readonly type: "remove"; readonly seq: number; readonly id: string };

/** See the module's text. */
export class LogReader extends LogRows<TextRow, IdRow> {
  constructor(db: DatabaseSync) {
    super(db, {
      additions: "SELECT seq, text FROM body WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3+0",
      removals: "SELECT seq, id FROM removal WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3+0",
    });
  }

  /** At most `max` entries after `cursor`, in order. */
  read(cursor: number, max: number): LogEntry[] {
    const entries: LogEntry[] = [];
    this.give({ after: cursor, to: this.lastSeq, max }, {
      add: ([seq, text]) => entries.push({ type: "add", seq, text }),
      remove: ([seq, id]) => entries.push({ type: "remove", seq, id }),
    });
    return entries;
  }
}
