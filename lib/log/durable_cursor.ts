/**
 * How far followers are, kept over their death: one table, in the database in which a follower keeps what it makes of the
 * log, so that both become durable in one transaction. A follower that starts again goes on from there and repeats nothing.
 * Belongs to the thread whose connection it uses.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** How far one follower is. */
export interface Cursor {
  readonly follower: string;
  /** What it fills: a follower that fills something new begins with the log. Empty where there is only one. */
  readonly generation: string;
  /** The last entry that was taken; 0 means none. */
  readonly seq: number;
}

/** See the module's text. */
export class DurableCursors {
  readonly #db: DatabaseSync;
  readonly #read: StatementSync;
  readonly #write: StatementSync;

  /** Makes the table where there is none. */
  constructor(db: DatabaseSync) {
    this.#db = db;
    db.exec(`
      CREATE TABLE IF NOT EXISTS cursor (
        follower TEXT NOT NULL, generation TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (follower, generation)
      ) STRICT, WITHOUT ROWID;
    `);
    this.#read = db.prepare("SELECT seq FROM cursor WHERE follower = ? AND generation = ?");
    this.#write = db.prepare(
      "INSERT INTO cursor VALUES (?, ?, ?) ON CONFLICT (follower, generation) DO UPDATE SET seq = excluded.seq",
    );
  }

  /** The last entry that was taken; 0 if none was. */
  seqOf(follower: string, generation = ""): number {
    return (this.#read.get(follower, generation)?.seq as number | undefined) ?? 0;
  }

  /** Stores a cursor, inside a transaction of the caller where there is one. */
  write({ follower, generation, seq }: Cursor): void {
    this.#write.run(follower, generation, seq);
  }

  /** Has every follower of this database begin with the log. */
  forgetAll(): void {
    this.#db.exec("DELETE FROM cursor");
  }

  /**
   * Forgets cursors that are ahead of the log, which has lost its end: by a power failure without `DURABILITY=full`, or
   * because an older copy of the store was put back. The log will use those numbers again, for other events.
   *
   * @returns whether there were any.
   */
  forgetBeyond(lastSeq: number): boolean {
    return this.#db.prepare("DELETE FROM cursor WHERE seq > ?").run(lastSeq).changes > 0;
  }
}
