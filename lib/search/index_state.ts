/**
 * What the indexer remembers, in a SQLite file of its own: cursors, dead letters, and whether the index is built anew.
 * The embedded index keeps its documents in the same file, so that a cursor and what it stands for become durable together.
 * Belongs to the indexer's thread; `deno task reindex` asks by it for an index that is built anew, and looks how far it is.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { BUSY_MS, DEAD_LETTERS_MAX } from "../limits.ts";
import { type Cursor, DurableCursors } from "../log/durable_cursor.ts";
import { openToWrite } from "../sqlite/open_database.ts";
import { inTransaction } from "../sqlite/transaction.ts";

/** The name under which the indexer keeps its cursors. */
export const FOLLOWER = "search";

/** A change that the index will never take. */
export interface DeadLetter {
  readonly seq: number;
  readonly id: string;
  readonly reason: string;
  /** When it was set aside, seconds since 1970. */
  readonly at: number;
}

/** Opens the file of the index state, for the one thread that writes it. The directory must exist. */
export function openStateDatabase(path: string): DatabaseSync {
  // NORMAL is enough: after power loss cursor and documents are of the same moment, and the log tells the rest.
  return openToWrite(path, { refusesPrograms: true, busyMs: BUSY_MS, synchronous: "NORMAL" });
}

/** Cursors and dead letters. */
export class IndexState {
  /** How far each generation of the index is; the generation is what {@linkcode SearchIndex.prepare} returned. */
  readonly cursors: DurableCursors;
  readonly #db: DatabaseSync;
  readonly #setAside: StatementSync;
  readonly #trim: StatementSync;
  readonly #letters: StatementSync;
  readonly #count: StatementSync;
  readonly #rebuild: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.cursors = new DurableCursors(db);
    db.exec(`
      CREATE TABLE IF NOT EXISTS dead_letter (
        number INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL UNIQUE, id TEXT NOT NULL, reason TEXT NOT NULL,
        at INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS rebuild (
        one INTEGER PRIMARY KEY CHECK (one = 1), generation TEXT NOT NULL, letters INTEGER NOT NULL
      ) STRICT;
    `);
    this.#rebuild = db.prepare("SELECT generation FROM rebuild");
    this.#setAside = db.prepare(
      "INSERT OR REPLACE INTO dead_letter (seq, id, reason, at) VALUES (?, ?, ?, ?)",
    );
    this.#trim = db.prepare(
      "DELETE FROM dead_letter WHERE number <= (SELECT max(number) FROM dead_letter) - ?",
    );
    this.#letters = db.prepare("SELECT seq, id, reason, at FROM dead_letter ORDER BY number DESC LIMIT ?");
    this.#count = db.prepare("SELECT count(*) AS letters FROM dead_letter");
  }

  /** Stores a cursor together with the changes that were set aside on the way to it. */
  advance(cursor: Cursor, letters: readonly DeadLetter[] = []): void {
    this.transaction(() => {
      this.cursors.write(cursor);
      for (const { seq, id, reason, at } of letters) this.#setAside.run(seq, id, reason, at);
      if (letters.length > 0) this.#trim.run(DEAD_LETTERS_MAX);
    });
  }

  /** Asks for an index that is built anew; one that is being built goes on. */
  askRebuild(): void {
    this.#db.exec("INSERT OR IGNORE INTO rebuild VALUES (1, '', 0)");
  }

  /** The generation that is being built; empty: it is asked for and not begun; null: none is. */
  get rebuild(): string | null {
    return (this.#rebuild.get()?.generation as string | undefined) ?? null;
  }

  /** Remembers which index is being built, at its beginning. */
  beginRebuild(generation: string): void {
    this.#db.prepare(
      "UPDATE rebuild SET generation = ?, letters = (SELECT coalesce(max(number), 0) FROM dead_letter)",
    ).run(generation);
  }

  /** The index is whole. What was set aside before it was begun was tried again, and is kept no longer. */
  endRebuild(): void {
    this.transaction(() => {
      this.#db.exec(
        "DELETE FROM dead_letter WHERE number <= (SELECT letters FROM rebuild); DELETE FROM rebuild",
      );
    });
  }

  /** The changes set aside last, newest first. */
  deadLetters(limit: number): DeadLetter[] {
    return this.#letters.all(limit).map((row) => ({ ...row }) as unknown as DeadLetter);
  }

  deadLetterCount(): number {
    return this.#count.get()!.letters as number;
  }

  /** Runs `work` in one transaction; if it throws, nothing of it stays. */
  transaction(work: () => void): void {
    inTransaction(this.#db, work);
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
