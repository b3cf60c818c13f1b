/**
 * How far the router is with each target, kept over its death: `router.db`. Beside the cursors it holds the end of the
 * batch that is under way, so that a batch is the same after a restart, the log's own name, and the events set aside.
 * Runs on the router's thread, which owns the file.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { BUSY_MS, FORWARD_REASON_CHARS_MAX, FORWARD_SET_ASIDE_MAX } from "../../lib/limits.ts";
import { DurableCursors } from "../../lib/log/durable_cursor.ts";
import { openToWrite } from "../../lib/sqlite/open_database.ts";
import { storageFault } from "../../lib/sqlite/storage_fault.ts";
import { inTransaction } from "../../lib/sqlite/transaction.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS log_name (name TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS set_aside (
    number INTEGER PRIMARY KEY, target TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL,
    reason TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS set_aside_target ON set_aside (target, number);`;

/** Names of cursors: what a target has, the last entry of its batch, and whether it acknowledges. */
const TAKEN = "target";
const BATCH = "batch";
const ACKNOWLEDGES = "acknowledges";

/** An event that a target refused for good. */
interface SetAside {
  readonly seq: number;
  readonly id: string;
  readonly reason: string;
  /** Seconds since 1970. */
  readonly at: number;
}

/** See the module's text. */
export class Places {
  readonly #db: DatabaseSync;
  readonly #cursors: DurableCursors;
  /** Told once for each time that the disk fails. */
  readonly #onFault: (message: string) => void;
  #isFailing = false;
  /** The name of this log: seqs mean other events in another one. */
  readonly logName: string;

  /** Opens or makes the file. `lastSeq` is the newest entry of the log. */
  constructor(path: string, lastSeq: number, onFault: (message: string) => void) {
    this.#db = openToWrite(path, { refusesPrograms: true, busyMs: BUSY_MS, synchronous: "NORMAL" });
    this.#db.exec(SCHEMA);
    this.#cursors = new DurableCursors(this.#db);
    this.#onFault = onFault;
    // The log has lost its end and gives those numbers to other events. What it still holds was sent before.
    if (this.#cursors.forgetBeyond(lastSeq)) this.#db.exec("DELETE FROM log_name");
    const known = this.#db.prepare("SELECT name FROM log_name").get()?.name as string | undefined;
    this.logName = known ?? crypto.randomUUID();
    if (known === undefined) this.#db.prepare("INSERT INTO log_name VALUES (?)").run(this.logName);
  }

  /** The last entry that a target has; a new target begins after `lastSeq`. */
  begin(target: string, lastSeq: number): number {
    const known = this.#db.prepare("SELECT seq FROM cursor WHERE follower = ? AND generation = ?")
      .get(TAKEN, target)?.seq as number | undefined;
    if (known !== undefined) return known;
    this.taken(target, lastSeq);
    return lastSeq;
  }

  /** A target has everything up to an entry. */
  taken(target: string, seq: number): void {
    this.#write(() => this.#cursors.write({ follower: TAKEN, generation: target, seq }));
  }

  /** A batch is about to be sent for the first time: what is after `after`, up to `last`. */
  opened(target: string, after: number, last: number): void {
    this.#write(() => {
      this.#cursors.write({ follower: TAKEN, generation: target, seq: after });
      this.#cursors.write({ follower: BATCH, generation: target, seq: last });
    });
  }

  /** The last entry of the batch that was under way, or null: none was. */
  openBatch(target: string): number | null {
    const last = this.#cursors.seqOf(BATCH, target);
    return last > this.#cursors.seqOf(TAKEN, target) ? last : null;
  }

  /** Whether a target has ever acknowledged anything. */
  acknowledges(target: string): boolean {
    return this.#cursors.seqOf(ACKNOWLEDGES, target) > 0;
  }

  /** A target has acknowledged for the first time. */
  hasAcknowledged(target: string): void {
    this.#write(() => this.#cursors.write({ follower: ACKNOWLEDGES, generation: target, seq: 1 }));
  }

  /** A target refused an event for good: it has everything up to that one, or will never have it. */
  setAside(target: string, { seq, id, reason, at }: SetAside): void {
    this.#write(() => {
      this.#db.prepare("INSERT INTO set_aside (target, seq, id, reason, at) VALUES (?, ?, ?, ?, ?)")
        .run(target, seq, id, reason.slice(0, FORWARD_REASON_CHARS_MAX), at);
      this.#db.prepare(`DELETE FROM set_aside WHERE target = ?1 AND number <= (
          SELECT number FROM set_aside WHERE target = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)`)
        .run(target, FORWARD_SET_ASIDE_MAX);
      this.#cursors.write({ follower: TAKEN, generation: target, seq });
    });
  }

  /** The newest of those events, and how many are remembered. */
  setAsideOf(target: string, most: number): { readonly count: number; readonly newest: SetAside[] } {
    const { n } = this.#db.prepare("SELECT count(*) AS n FROM set_aside WHERE target = ?").get(target)!;
    const newest = this.#db.prepare(
      "SELECT seq, id, reason, at FROM set_aside WHERE target = ? ORDER BY number DESC LIMIT ?",
    ).all(target, most) as unknown as SetAside[];
    return { count: n as number, newest };
  }

  /** How many are remembered of all targets. */
  get setAsideCount(): number {
    return this.#db.prepare("SELECT count(*) AS n FROM set_aside").get()!.n as number;
  }

  close(): void {
    this.#db.close();
  }

  /** A disk that takes nothing costs repeats after the next start, and no event. */
  #write(work: () => void): void {
    try {
      inTransaction(this.#db, work);
      this.#isFailing = false;
    } catch (error) {
      const fault = storageFault(error);
      if (fault === null || fault === "corrupt") throw error;
      if (!this.#isFailing) this.#onFault(`cannot store how far targets are: ${(error as Error).message}`);
      this.#isFailing = true;
    }
  }
}
