/**
 * Ids of stored events: whether one is there, and the newest ones.
 * Belongs to the thread whose connection it reads.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { TEXT_ID_AT } from "../../nostr/event.ts";
import { hasId } from "../../nostr/exact.ts";
import { idKey } from "../../nostr/keys.ts";
import { returnArrays } from "../../sqlite/return_arrays.ts";
import { ofBoth } from "../write/fresh_tables.ts";

/** See the module's text. */
export class StoredIds {
  readonly #byIdKey: StatementSync;
  readonly #newest: StatementSync;

  constructor(db: DatabaseSync) {
    this.#byIdKey = returnArrays(
      db.prepare(
        ofBoth((of) => `SELECT b.text FROM ${of}event e JOIN body b ON b.seq = e.seq WHERE e.id_key = ?1`),
      ),
    );
    this.#newest = returnArrays(
      db.prepare(
        `SELECT seq, substr(text, ${
          TEXT_ID_AT + 1
        }, 64) FROM body WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2+0`,
      ),
    );
  }

  /** Whether the event is stored. `id` is 64 lowercase hex characters. */
  has(id: string): boolean {
    const rows = this.#byIdKey.all(idKey(id)) as unknown as [string][];
    return rows.some(([text]) => hasId(text, id));
  }

  /** The ids of all events in slices of at most `sliceMax`, those that were stored last first. */
  *newest(sliceMax: number): Generator<string[]> {
    for (let before = Number.MAX_SAFE_INTEGER;;) {
      const rows = this.#newest.all(before, sliceMax) as unknown as [number, string][];
      if (rows.length === 0) return;
      yield rows.map(([, id]) => id);
      before = rows.at(-1)![0];
    }
  }
}
