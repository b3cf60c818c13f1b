/**
 * What is remembered of upstream relays, in a SQLite file of its own (`upstream.db`): the relays and their states, how far
 * each stream is, and the cursors of the streams that go up. Several workers write, each with a connection of its own, in
 * short transactions; one that meets another's waits.
 * Belongs to the thread that opened it.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { BUSY_MS } from "../limits.ts";
import { DurableCursors } from "../log/durable_cursor.ts";
import { openToWrite } from "../sqlite/open_database.ts";
import { inTransaction } from "../sqlite/transaction.ts";
import { PlaceTable } from "./place_table.ts";
import { RelayTable } from "./relay_table.ts";

/** See the module's text. */
export class UpstreamStore {
  readonly relays: RelayTable;
  readonly places: PlaceTable;
  /** Of streams that go up: the follower is the stream, the generation the relay's URL. */
  readonly cursors: DurableCursors;
  readonly #db: DatabaseSync;
  readonly #cursor: StatementSync;

  /**
   * Opens the file, making it where there is none. The directory must exist.
   *
   * @throws {SchemaError} if it has triggers or views.
   */
  constructor(path: string) {
    // NORMAL is enough: after power loss a place is an older one, and what follows it is fetched or sent again.
    this.#db = openToWrite(path, { refusesPrograms: true, busyMs: BUSY_MS, synchronous: "NORMAL" });
    const [relays, places, cursors] = inTransaction(this.#db, () =>
      [
        new RelayTable(this.#db),
        new PlaceTable(this.#db),
        new DurableCursors(this.#db),
      ] as const);
    this.relays = relays;
    this.places = places;
    this.cursors = cursors;
    this.#cursor = this.#db.prepare("SELECT seq FROM cursor WHERE follower = ? AND generation = ?");
  }

  /**
   * The entry of our log after which a stream goes up to a relay. A stream that is new begins after `lastSeq`, and that is
   * kept: what is stored from now on goes up, though the relay may be reached much later.
   */
  upCursor(stream: string, url: string, lastSeq: number): number {
    const row = this.#cursor.get(stream, url);
    if (row !== undefined) return row.seq as number;
    this.cursors.write({ follower: stream, generation: url, seq: lastSeq });
    return lastSeq;
  }

  /** Runs `work` in one transaction; if it throws, nothing of it stays. */
  transaction(work: () => void): void {
    inTransaction(this.#db, work);
  }

  /** Writes the places that were noted. */
  flush(): void {
    this.transaction(() => this.places.flush());
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
