/**
 * What SQLite's errors say about the disk. Deno gives no error codes, so they are told by SQLite's own fixed texts
 * (sqlite3ErrStr). Runs on any thread; no state.
 *
 * @module
 */

/** What is wrong with the disk or with the file on it. */
export const STORAGE_FAULTS = ["full", "read-only", "io", "corrupt"] as const;
/** One of {@linkcode STORAGE_FAULTS}. */
export type StorageFault = typeof STORAGE_FAULTS[number];

const TEXTS: readonly (readonly [RegExp, StorageFault])[] = [
  [/database or disk is full/, "full"],
  [/readonly database/, "read-only"],
  [/disk I\/O error|unable to open database file/, "io"],
  [/malformed|file is not a database/, "corrupt"],
];

/** The fault that an error tells of; null where it is none of the disk's. */
export function storageFault(error: unknown): StorageFault | null {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_SQLITE_ERROR") return null;
  return TEXTS.find(([text]) => text.test(error.message))?.[1] ?? null;
}
