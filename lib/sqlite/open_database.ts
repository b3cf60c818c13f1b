/**
 * The one way in which this program opens a database: everything that a connection is told, by name.
 * A connection belongs to the thread that opened it. What tables a database has is said by its own module.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { refusePrograms } from "./own_schema.ts";

/** What any connection may be told; what is left out stays as `node:sqlite` has it. */
interface Connection {
  /** How long it waits for another connection's lock, ms. */
  readonly busyMs?: number;
  /** Page cache, KiB. */
  readonly cacheKib?: number;
  /** How much of the file is mapped into memory, bytes. */
  readonly mmapBytes?: number;
  /** Whether what a statement puts aside stays in memory. */
  readonly tempInMemory?: boolean;
}

/** What the one connection may be told that writes. */
interface WritingConnection extends Connection {
  /** Refuses a file with triggers or views. For databases whose schema is not compared as a whole. */
  readonly refusesPrograms?: boolean;
  /** Bytes of a page of a new database. */
  readonly pageBytes?: number;
  /** When a commit is safe: after FULL it survives power loss, after NORMAL a crash of the process only. */
  readonly synchronous: "FULL" | "NORMAL";
  /** WAL pages after which a commit also writes them back into the database. */
  readonly checkpointPages?: number;
  /** Bytes that the WAL's file keeps when it begins anew. */
  readonly walKeptBytes?: number;
}

/** What a connection may be told that reads. */
interface ReadingConnection extends Connection {
  /** Refuses statements that write, which a file that is opened for reading would refuse only later. */
  readonly queryOnly?: boolean;
}

/**
 * Opens a database for writing, with a write-ahead log, making the file where there is none. The directory must exist.
 *
 * @throws {SchemaError} if it has triggers or views and is not to have any.
 */
export function openToWrite(path: string, options: WritingConnection): DatabaseSync {
  const db = new DatabaseSync(path);
  return prepared(db, () => {
    setPragmas(db, { busy_timeout: options.busyMs });
    if (options.refusesPrograms) refusePrograms(db, path);
    setPragmas(db, {
      // Before the write-ahead log: that makes the file.
      page_size: options.pageBytes,
      journal_mode: "WAL",
      synchronous: options.synchronous,
      wal_autocheckpoint: options.checkpointPages,
      journal_size_limit: options.walKeptBytes,
      ...memoryPragmas(options),
    });
  });
}

/** Opens a database that exists, and changes nothing of it. */
export function openToRead(path: string, options: ReadingConnection = {}): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true });
  const queryOnly = options.queryOnly ? 1 : undefined;
  return prepared(db, () => {
    setPragmas(db, { busy_timeout: options.busyMs, query_only: queryOnly, ...memoryPragmas(options) });
  });
}

/** A file that is no database is found out only now, and is not to stay open. */
function prepared(db: DatabaseSync, prepare: () => void): DatabaseSync {
  try {
    prepare();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

type Pragmas = Readonly<Record<string, number | string | undefined>>;

function memoryPragmas({ cacheKib, mmapBytes, tempInMemory }: Connection): Pragmas {
  return {
    // SQLite takes a number below 0 for KiB, and one above for pages.
    cache_size: cacheKib === undefined ? undefined : -cacheKib,
    mmap_size: mmapBytes,
    temp_store: tempInMemory ? "MEMORY" : undefined,
  };
}

function setPragmas(db: DatabaseSync, pragmas: Pragmas): void {
  for (const [name, value] of Object.entries(pragmas)) {
    if (value !== undefined) db.exec(`PRAGMA ${name} = ${value}`);
  }
}
