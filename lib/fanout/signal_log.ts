/**
 * Where the signals of registered bots are in the log, and how far the fan-out has looked: both in one transaction, in
 * `DATA_DIR/fanout.db`. A follower that was away is served from here, with the texts that the store still has, so that
 * nothing waits for anybody, and what was deleted since is not sent.
 * Belongs to the thread of the fan-out, which owns the connection.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { BUSY_MS, FANOUT_CURSOR_ENTRIES, FANOUT_SIGNALS_KEPT, FANOUT_SIGNALS_TRIM_EVERY } from "../limits.ts";
import { DurableCursors } from "../log/durable_cursor.ts";
import { openToWrite } from "../sqlite/open_database.ts";
import { inTransaction } from "../sqlite/transaction.ts";

const FOLLOWER = "fanout";

/** Where a signal is. */
export interface SignalPlace {
  readonly bot: string;
  readonly seq: number;
  /** When it was found in the log, ms since 1970. */
  readonly at: number;
}

/** A part of one bot's signals. */
interface SignalRange {
  readonly after: number;
  readonly max: number;
}

/** See the module's text. */
export class SignalLog {
  readonly #db: DatabaseSync;
  readonly #cursors: DurableCursors;
  readonly #add: StatementSync;
  readonly #trim: StatementSync;
  readonly #forget: StatementSync;
  readonly #after: StatementSync;
  #cursor = 0;
  /** The cursor that is durable. */
  #written = 0;

  /** Makes the tables where there are none. */
  constructor(path: string) {
    // NORMAL is enough: after power loss cursor and signals are of the same moment, and the log tells the rest.
    this.#db = openToWrite(path, { refusesPrograms: true, busyMs: BUSY_MS, synchronous: "NORMAL" });
    this.#cursors = new DurableCursors(this.#db);
    this.#db.exec(`
      CREATE TABLE IF NOT EXISTS signal (
        bot TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (bot, seq)
      ) STRICT, WITHOUT ROWID;
    `);
    this.#add = this.#db.prepare("INSERT OR IGNORE INTO signal VALUES (?, ?, ?)");
    this.#trim = this.#db.prepare(`DELETE FROM signal WHERE bot = ?1 AND seq <=
      (SELECT seq FROM signal WHERE bot = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)`);
    this.#forget = this.#db.prepare("DELETE FROM signal WHERE bot = ?");
    this.#after = this.#db.prepare(
      "SELECT bot, seq, at FROM signal WHERE bot = ? AND seq > ? ORDER BY seq LIMIT ?",
    );
  }

  /** The last entry of the log that was looked at. */
  get cursor(): number {
    return this.#cursor;
  }

  /**
   * Finds out where to go on. Who begins anew begins with what is still to come. A log that has lost its end will use its
   * numbers again, and signals that had them are forgotten.
   */
  open(lastSeq: number): void {
    inTransaction(this.#db, () => {
      const isNew = this.#db.prepare("SELECT 1 FROM cursor WHERE follower = ?").get(FOLLOWER) === undefined;
      this.#cursor = isNew ? lastSeq : Math.min(this.#cursors.seqOf(FOLLOWER), lastSeq);
      this.#db.prepare("DELETE FROM signal WHERE seq > ?").run(this.#cursor);
      this.#cursors.write({ follower: FOLLOWER, generation: "", seq: this.#cursor });
      this.#written = this.#cursor;
    });
  }

  /**
   * Everything up to `cursor` was looked at, and these are its signals. Where there are none, the cursor is kept in memory
   * for a while: whoever begins again looks at some entries twice, and finds none either.
   */
  advance(cursor: number, signals: readonly SignalPlace[]): void {
    this.#cursor = cursor;
    if (signals.length > 0 || cursor - this.#written >= FANOUT_CURSOR_ENTRIES) this.#write(signals);
  }

  /** A bot was removed: should it come back, what it said before is nobody's any more. */
  forget(bot: string): void {
    this.#forget.run(bot);
  }

  /** A bot's signals, in the order of the log. */
  signalsOf(bot: string, { after, max }: SignalRange): SignalPlace[] {
    return this.#after.all(bot, after, max) as unknown as SignalPlace[];
  }

  close(): void {
    if (!this.#db.isOpen) return;
    this.#write([]);
    this.#db.close();
  }

  #write(signals: readonly SignalPlace[]): void {
    inTransaction(this.#db, () => {
      for (const { bot, seq, at } of signals) {
        this.#add.run(bot, seq, at);
        if (seq % FANOUT_SIGNALS_TRIM_EVERY === 0) this.#trim.run(bot, FANOUT_SIGNALS_KEPT);
      }
      this.#cursors.write({ follower: FOLLOWER, generation: "", seq: this.#cursor });
    });
    this.#written = this.#cursor;
  }
}
