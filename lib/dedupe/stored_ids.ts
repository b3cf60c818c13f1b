/**
 * The ids of stored events: whether one is there, and the newest ones, with which deduplication is warmed.
 * Belongs to the upstream thread whose read-only connection it uses.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { DEDUPE_WARM_IDS } from "../limits.ts";
import { TEXT_ID_AT } from "../nostr/event.ts";
import { idKey } from "../nostr/keys.ts";
import { returnArrays } from "../sqlite/return_arrays.ts";
import { ofBoth } from "../store/write/fresh_tables.ts";

const ID = `substr(text, ${TEXT_ID_AT + 1}, 64)`;

/** See the module's text. */
export class StoredIds {
  readonly #byKey: StatementSync;
  readonly #before: StatementSync;

  constructor(db: DatabaseSync) {
    this.#byKey = returnArrays(
      db.prepare(
        ofBoth((of) => `SELECT ${ID} FROM ${of}event e JOIN body b ON b.seq = e.seq WHERE e.id_key = ?1`),
      ),
    );
    this.#before = returnArrays(
      db.prepare(`SELECT seq, ${ID} FROM body WHERE seq < ? ORDER BY seq DESC LIMIT ${DEDUPE_WARM_IDS}`),
    );
  }

  /** Whether the event with this id is stored: a look-up in the index, and one row. */
  has(id: string): boolean {
    return (this.#byKey.all(idKey(id)) as unknown as [string][]).some(([stored]) => stored === id);
  }

  /** All ids, the newest first, in slices of `DEDUPE_WARM_IDS`; each slice is one statement, read when it is asked for. */
  *newest(): Generator<string[]> {
    let before = Number.MAX_SAFE_INTEGER;
    for (;;) {
      const rows = this.#before.all(before) as unknown as [number, string][];
      if (rows.length === 0) return;
      before = rows.at(-1)![0];
      yield rows.map(([, id]) => id);
    }
  }
}
