/**
 * A log in memory, for tests of streams: texts in the store's spelling, as far as the place of the id goes.
 * Runs on a test's thread; the test owns it.
 *
 * @module
 */
import type { LogRange, LogSink } from "../../lib/log/log_rows.ts";
import type { IdRow, TextRow } from "../../lib/log/log_reader.ts";
import { type ModelEvent, modelText } from "./model_relay.ts";

/** See the module's text. */
export class ModelLog {
  readonly texts = new Map<string, string>();
  readonly #rows: (TextRow | IdRow)[] = [];

  get lastSeq(): number {
    return this.#rows.length;
  }

  /** Adds an event. Returns whether it is new. */
  add(event: ModelEvent): boolean {
    if (this.texts.has(event.id)) return false;
    const text = modelText(event);
    this.texts.set(event.id, text);
    this.#rows.push([this.lastSeq + 1, text]);
    return true;
  }

  /** Adds an event whose id is its place in the log. Returns the id. */
  write(kind = 1): string {
    const id = (this.lastSeq + 1).toString(16).padStart(64, "0");
    this.add({ id, created_at: 1_700_000_000, kind });
    return id;
  }

  remove(id: string): void {
    this.#rows.push([this.lastSeq + 1, id]);
    this.texts.delete(id);
  }

  /** As `LogRows` does: an event that was removed is no row. */
  give({ after, to, max }: LogRange, sink: LogSink<TextRow, IdRow>): number {
    const end = Math.min(to, after + max);
    for (const row of this.#rows.slice(after, end)) {
      if (!row[1].startsWith("{")) sink.remove(row);
      else if (this.texts.has(JSON.parse(row[1]).id)) sink.add(row);
    }
    return end;
  }
}
