/**
 * The data directory: made where it is missing, and held by one relay at a time.
 * Runs on the main thread, which owns the lock; the system gives it back when the process ends, however it ends.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import { lockPath } from "./data_paths.ts";

/** The lock while it is held. */
export interface DataDirLock {
  release(): void;
}

/**
 * Takes the data directory for this process.
 *
 * @throws {Error} if another process holds it, or it cannot be written.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const lock = await tryLockDataDir(dataDir);
  if (lock !== null) return lock;
  const holder = (await Deno.readTextFile(lockPath(dataDir))).trim();
  throw new Error(
    `Cannot use DATA_DIR "${dataDir}": a relay is running on it, process ${holder || "unknown"}`,
  );
}

/**
 * The same, or null if another process holds it.
 *
 * @throws {Error} if the directory cannot be written.
 */
export async function tryLockDataDir(dataDir: string): Promise<DataDirLock | null> {
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(dataDir, { recursive: true });
    file = await Deno.open(lockPath(dataDir), { create: true, read: true, write: true });
  } catch (error) {
    throw new Error(`Cannot use DATA_DIR "${dataDir}": ${(error as Error).message}`);
  }
  if (!await file.tryLock(true)) {
    file.close();
    return null;
  }
  await file.truncate(0);
  await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  return { release: () => file.close() };
}

/** Free bytes of the disk that the directory is on; 0 where nobody can tell. */
export function freeBytesOf(dataDir: string): number {
  try {
    const { bavail, bsize } = statfsSync(dataDir);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
