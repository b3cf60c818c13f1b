/**
 * Copies a database while others write it, and looks whether a copy is whole.
 * Runs on the thread that asks for it (the process of a command); no state.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { openToRead } from "../../sqlite/open_database.ts";

/** How long a copy waits for another connection's lock, ms. */
const COPY_BUSY_MS = 30_000;
/** Faults that one check names, at most. */
const FAULTS_MAX = 10;

/**
 * Writes the database at `from`, as it is at this moment, into a new file at `to`. Connections that write go on
 * meanwhile: one snapshot is read. The copy is compact and one file; it is not on disk before the caller's `fsync`.
 *
 * @throws {Error} if `to` exists, or there is no room for it.
 */
export function copyDatabase(from: string, to: string): void {
  const db = openToRead(from, { busyMs: COPY_BUSY_MS });
  try {
    db.prepare("VACUUM INTO ?").run(to);
  } catch (error) {
    throw new Error(`Cannot copy database "${from}": ${(error as Error).message}`);
  } finally {
    db.close();
  }
}

/**
 * Reads a whole database and compares its tables with their indexes. Takes as long as reading the file.
 *
 * @throws {Error} if anything is wrong; the message names the first faults.
 */
export function checkDatabase(path: string): void {
  const faults = faultsOf(path);
  if (faults.length > 0) throw new Error(`Cannot trust database "${path}": ${faults.join("; ")}`);
}

function faultsOf(path: string): string[] {
  let db: DatabaseSync | null = null;
  try {
    db = openToRead(path);
    const rows = db.prepare(`PRAGMA integrity_check(${FAULTS_MAX})`).all();
    return rows.map((row) => (row.integrity_check as string).replaceAll("\n", " ")).filter((text) =>
      text !== "ok"
    );
  } catch (error) {
    return [(error as Error).message];
  } finally {
    db?.close();
  }
}
