/**
 * Opens the store's database: one connection that writes, any number that read.
 * Each connection belongs to the thread that opened it.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { BUSY_MS, FOLLOWER_CACHE_BYTES } from "../../limits.ts";
import { openToRead, openToWrite } from "../../sqlite/open_database.ts";
import { migrate } from "./schema.ts";

/** When a commit is safe: after `full` it survives power loss, after `normal` a crash of the process only. */
type Durability = "full" | "normal";

/** How to open the one connection that writes. */
interface WriteOptions {
  readonly durability: Durability;
  /** Page cache of this connection, MiB. */
  readonly cacheMebibytes: number;
}

/** Bytes of a page of a new database. A commit costs two system calls a page: 8 KiB beat 4 KiB and 16 KiB. */
const PAGE_BYTES = 8192;
/** WAL pages after which a commit also writes them back into the database: 64 MiB, more than a merge takes. */
const CHECKPOINT_PAGES = 8192;
/** Bytes that the WAL's file keeps when it begins anew. */
const WAL_KEPT_BYTES = CHECKPOINT_PAGES * PAGE_BYTES;
/** What every reading connection is told. */
const READING = { busyMs: BUSY_MS, queryOnly: true, tempInMemory: true };

/** Opens the database for writing, making or migrating it. Throws `SchemaError`. */
export function openForWriting(path: string, options: WriteOptions): DatabaseSync {
  const db = openToWrite(path, {
    busyMs: BUSY_MS,
    pageBytes: PAGE_BYTES,
    synchronous: options.durability === "full" ? "FULL" : "NORMAL",
    cacheKib: options.cacheMebibytes * 1024,
    checkpointPages: CHECKPOINT_PAGES,
    walKeptBytes: WAL_KEPT_BYTES,
    tempInMemory: true,
  });
  migrate(db, path);
  return db;
}

/** Opens the database for queries. It must exist. */
export function openForReading(path: string, cacheMebibytes: number): DatabaseSync {
  return openToRead(path, { ...READING, cacheKib: cacheMebibytes * 1024, mmapBytes: 1 << 30 });
}

/** Opens the database for somebody who reads it through once, as it grows: a cache or a mapping would hold all of it. */
export function openForFollowing(path: string): DatabaseSync {
  return openToRead(path, { ...READING, cacheKib: FOLLOWER_CACHE_BYTES / 1024, mmapBytes: 0 });
}
