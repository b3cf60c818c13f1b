/**
 * Opens the store's database: one connection that writes, any number that read.
 * Each connection belongs to the thread that opened it.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { FOLLOWER_CACHE_BYTES } from "../../limits.ts";
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
/** WAL pages after which a commit also writes them back into the database: 64 MiB, more than settling takes. */
const CHECKPOINT_PAGES = 8192;
/** Bytes that the WAL's file keeps when it begins anew. */
const WAL_KEPT_BYTES = CHECKPOINT_PAGES * PAGE_BYTES;
/** How long a connection waits for another one's lock, ms. Only start, backup and import without a relay meet one. */
const BUSY_MS = 5_000;

/** Opens the database for writing, making or migrating it. Throws `SchemaError`. */
export function openForWriting(path: string, options: WriteOptions): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA page_size = ${PAGE_BYTES}; PRAGMA temp_store = MEMORY`);
  db.exec("PRAGMA journal_mode = WAL");
  db.exec(`PRAGMA synchronous = ${options.durability === "full" ? "FULL" : "NORMAL"}`);
  db.exec(`PRAGMA cache_size = ${-options.cacheMebibytes * 1024}`);
  db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`);
  migrate(db, path);
  return db;
}

/** Opens the database for queries. It must exist. */
export function openForReading(path: string, cacheMebibytes: number): DatabaseSync {
  const db = openReadOnly(path);
  db.exec(`PRAGMA cache_size = ${-cacheMebibytes * 1024}; PRAGMA mmap_size = ${1 << 30}`);
  return db;
}

/** Opens the database for somebody who reads it through once, as it grows: a cache or a mapping would hold all of it. */
export function openForFollowing(path: string): DatabaseSync {
  const db = openReadOnly(path);
  db.exec(`PRAGMA cache_size = ${-FOLLOWER_CACHE_BYTES / 1024}; PRAGMA mmap_size = 0`);
  return db;
}

function openReadOnly(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true });
  db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA query_only = 1; PRAGMA temp_store = MEMORY`);
  return db;
}
