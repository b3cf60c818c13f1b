/**
 * Writes an event's rows of the tag index, several in one statement: a call into SQLite costs as much as a row.
 * The store's thread owns it.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { idKey } from "../../nostr/keys.ts";
import type { EventFacts, PackedEvent } from "../../nostr/packed_event.ts";

/** Rows in the longest statement. Most events have fewer tags; longer lists take several statements. */
const ROWS_MAX = 8;

/** Inserts and removes tag rows; see the module's text. */
export class TagWriter {
  readonly #inserts: StatementSync[] = [];
  readonly #deleteFresh: StatementSync;
  readonly #delete: StatementSync;
  readonly #values: number[][] = [];

  constructor(db: DatabaseSync) {
    for (let rows = 1; rows <= ROWS_MAX; rows++) {
      const places = Array.from({ length: rows }, (_, row) => `(?${row + 5}, ?1, ?2, ?3, ?4)`).join(", ");
      // OR FAIL: the group is undone as a whole, so that no statement needs a journal of the pages it changes.
      this.#inserts[rows] = db.prepare(
        `INSERT OR FAIL INTO fresh_tag (tag_key, age, id_key, seq, kind) VALUES ${places}`,
      );
      this.#values[rows] = Array(rows + 4).fill(0);
    }
    [this.#deleteFresh, this.#delete] = (["fresh_tag", "tag"] as const).map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE tag_key = ? AND age = ? AND id_key = ? AND seq = ?`)
    ) as [StatementSync, StatementSync];
  }

  /** Inserts a row for each of the event's tag keys. */
  insert(event: PackedEvent, age: number, seq: number): void {
    const count = event.tagCount;
    for (let first = 0; first < count; first += ROWS_MAX) {
      const rows = Math.min(ROWS_MAX, count - first);
      const values = this.#values[rows]!;
      values[0] = age;
      values[1] = event.idKey;
      values[2] = seq;
      values[3] = event.kind;
      for (let row = 0; row < rows; row++) values[row + 4] = event.tagKey(first + row);
      this.#inserts[rows]!.run(...values);
    }
  }

  /** Removes the rows of an event that leaves the store. */
  remove(facts: EventFacts, seq: number): void {
    const { event } = facts;
    for (const key of facts.tagKeys) {
      const row = [key, -event.created_at, idKey(event.id), seq];
      if (this.#deleteFresh.run(...row).changes === 0) this.#delete.run(...row);
    }
  }
}
