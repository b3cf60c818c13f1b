/**
 * One transaction around what a caller does.
 * Belongs to the thread whose connection it uses; no state.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";

/** Runs `work` in one transaction that writes; if it throws, nothing of it stays. */
export function inTransaction<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors (a full disk).
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
