/**
 * How the operator's decisions reach every thread: one thread writes them, with a log of the changes beside them, in a
 * database of their own; all others follow that log. A number in shared memory says how long the log is, so that to look
 * whether anything has changed costs one load, and a thread that has looked knows whatever was answered before.
 *
 * {@linkcode ManagementWriter} belongs to the thread that writes, a {@linkcode ManagementFollower} to each that follows.
 *
 * @module
 */
import { BUSY_MS } from "../limits.ts";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openToRead, openToWrite } from "../sqlite/open_database.ts";
import { inTransaction } from "../sqlite/transaction.ts";
import type { ManagementChange, ManagementState } from "./management_state.ts";
import { SqliteManagementState } from "./state.ts";
import { ManagementView } from "./view.ts";

/** KiB. Decisions are few, and what this brings would go to whoever else reads: connections share one page cache. */
const CACHE_KIB = 128;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS management_change (seq INTEGER PRIMARY KEY, change TEXT NOT NULL) STRICT`;
const LAST = "SELECT coalesce(max(seq), 0) AS seq FROM management_change";

/** Bytes of the shared number. */
export const MANAGEMENT_VERSION_BYTES = 4;

/** What a writer works with. */
interface ManagementWriterOptions {
  readonly nowSeconds: () => number;
  /** Goes on with the log of a writer that died: its followers are still there. */
  readonly continues?: boolean;
}

/** See the module's text. */
export class ManagementWriter {
  readonly #db: DatabaseSync;
  readonly #version: Int32Array;
  readonly #append: StatementSync;
  readonly #nowSeconds: () => number;
  #state: SqliteManagementState;
  #seq = 0;

  /**
   * Opens the database at `path`, making it where there is none. No follower may be open yet, unless it continues.
   *
   * @param version {@linkcode MANAGEMENT_VERSION_BYTES} of shared memory, zero at first.
   */
  constructor(
    path: string,
    version: SharedArrayBuffer,
    { nowSeconds, continues = false }: ManagementWriterOptions,
  ) {
    this.#db = openToWrite(path, {
      refusesPrograms: true,
      busyMs: BUSY_MS,
      synchronous: "FULL",
      cacheKib: CACHE_KIB,
    });
    this.#db.exec(SCHEMA);
    // The state holds all that came before this process, so that a log begins with each.
    if (!continues) this.#db.exec("DELETE FROM management_change");
    this.#version = new Int32Array(version);
    this.#seq = this.#db.prepare(LAST).get()!.seq as number;
    // A predecessor may not have lived to say what it had decided.
    Atomics.store(this.#version, 0, this.#seq);
    this.#append = this.#db.prepare("INSERT INTO management_change VALUES (?, ?)");
    this.#nowSeconds = nowSeconds;
    this.#state = this.#openState();
  }

  /** Runs `decide` as one transaction. When this returns, all of it is on disk and every follower finds it. */
  run<Result>(decide: (state: ManagementState) => Result): Result {
    const before = this.#seq;
    try {
      const result = inTransaction(this.#db, () => decide(this.#state));
      Atomics.store(this.#version, 0, this.#seq);
      return result;
    } catch (error) {
      this.#seq = before;
      this.#state = this.#openState();
      throw error;
    }
  }

  close(): void {
    try {
      // Followers may still have it open, and only the last to close would leave one file, which a plain copy then holds.
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // The disk takes nothing: the next start reads the write-ahead log.
    }
    this.#db.close();
  }

  #openState(): SqliteManagementState {
    const state = new SqliteManagementState(this.#db, this.#nowSeconds);
    state.onChange((change) => this.#append.run(++this.#seq, JSON.stringify(change)));
    return state;
  }
}

/** See the module's text. */
export class ManagementFollower {
  readonly #db: DatabaseSync;
  readonly #version: Int32Array;
  readonly #after: StatementSync;
  #seq: number;
  /** The decisions as of the last {@linkcode ManagementFollower.refresh}; the same object for ever. */
  readonly view: ManagementView;

  /** Opens what a {@linkcode ManagementWriter} has opened before, with its `version`. */
  constructor(path: string, version: SharedArrayBuffer) {
    this.#db = openToRead(path, { busyMs: BUSY_MS, cacheKib: CACHE_KIB });
    this.#version = new Int32Array(version);
    this.#after = this.#db.prepare("SELECT seq, change FROM management_change WHERE seq > ? ORDER BY seq");
    // One snapshot for both, or a change between them would be missed.
    this.#db.exec("BEGIN");
    this.view = new ManagementView(new SqliteManagementState(this.#db, () => 0).everything());
    const { seq } = this.#db.prepare(LAST).get()!;
    this.#db.exec("COMMIT");
    this.#seq = seq as number;
  }

  /** Takes in what has changed. Returns whether anything had. */
  refresh(): boolean {
    if (Atomics.load(this.#version, 0) <= this.#seq) return false;
    for (const { seq, change } of this.#after.all(this.#seq)) {
      this.view.apply(JSON.parse(change as string) as ManagementChange);
      this.#seq = seq as number;
    }
    return true;
  }

  close(): void {
    this.#db.close();
  }
}
