/**
 * One reading of the log for many streams that go up: the stretch that was read last is kept, because streams that keep
 * pace ask for the same rows one after another.
 * Belongs to the thread whose connection it reads.
 *
 * @module
 */
import { UPSTREAM_ROWS_KEPT_CHARS_MAX } from "../limits.ts";
import type { LogSource } from "../log/follower.ts";
import type { IdRow, TextRow } from "../log/log_reader.ts";
import type { LogRange, LogSink } from "../log/log_rows.ts";

/** An entry of the log. */
type Row = { readonly type: "add"; readonly row: TextRow } | { readonly type: "remove"; readonly row: IdRow };

/** See the module's text. When the log has gone on, rows are read anew: an event may have been removed. */
export class RecentRows implements LogSource<TextRow, IdRow> {
  readonly #log: LogSource<TextRow, IdRow>;
  /** Entries after `#after` up to `#end`, in their order. */
  #rows: Row[] = [];
  #after = 0;
  #end = 0;
  /** The end of the log when they were read. */
  #to = 0;

  constructor(log: LogSource<TextRow, IdRow>) {
    this.#log = log;
  }

  get lastSeq(): number {
    return this.#log.lastSeq;
  }

  give(range: LogRange, sink: LogSink<TextRow, IdRow>): number {
    const isKept = range.to === this.#to && range.after >= this.#after && range.after < this.#end;
    if (!isKept) return this.#read(range, sink);
    let seen = 0;
    let last = range.after;
    for (const { type, row } of this.#rows) {
      if (row[0] <= range.after) continue;
      if (seen++ === range.max) return last;
      if (type === "add") sink.add(row);
      else sink.remove(row);
      last = row[0];
    }
    return this.#end;
  }

  #read(range: LogRange, sink: LogSink<TextRow, IdRow>): number {
    const rows: Row[] = [];
    let chars = 0;
    const end = this.#log.give(range, {
      add: (row) => {
        chars += row[1].length;
        rows.push({ type: "add", row });
        sink.add(row);
      },
      remove: (row) => {
        rows.push({ type: "remove", row });
        sink.remove(row);
      },
    });
    // Long texts are read again by each stream rather than kept.
    const isKept = chars <= UPSTREAM_ROWS_KEPT_CHARS_MAX;
    this.#rows = isKept ? rows : [];
    this.#after = range.after;
    this.#to = range.to;
    this.#end = isKept ? end : range.after;
    return end;
  }
}
