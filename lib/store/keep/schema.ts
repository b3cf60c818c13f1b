/**
 * The tables of the store, their version, and how an older one becomes a newer one.
 * Runs on whichever thread opens the database; writes only on the store's.
 *
 * Why it looks as it does:
 * - `event` holds integers only, so that indexes and checks touch little; `body` holds the text that is sent.
 * - `age` is minus `created_at`: newest first is then ascending, as is the tie rule (lowest id first), and the next page
 *   of a scan is one comparison of row values, `(age, id_key) > (?, ?)`, that an index answers.
 * - Keys are 52-bit integers (`lib/nostr/keys.ts`). None is unique; what is found is checked against its text.
 * - The newest events are in `fresh_event` and `fresh_tag`, all others in `event` and `tag` (`fresh_tables.ts`).
 * - An addition's entry in the log is its own row: `seq` is the key of its event and of `body`. Removals have rows.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { SchemaError, schemaFault } from "../../sqlite/own_schema.ts";

export { SchemaError };

/** The schema this program writes; kept in SQLite's `user_version`. */
export const SCHEMA_VERSION = 4;
/** The first version that has fresh tables. */
export const FRESH_SINCE_VERSION = 4;

/** Marks the file as ours in SQLite's `application_id`: "SLCE". */
const APPLICATION_ID = 0x534c4345;

/** What each version adds to the one before; index 0 makes version 1. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE event (
     seq INTEGER PRIMARY KEY,
     id_key INTEGER NOT NULL,
     pubkey_key INTEGER NOT NULL,
     kind INTEGER NOT NULL,
     age INTEGER NOT NULL
   );
   CREATE INDEX event_id ON event (id_key);
   CREATE INDEX event_time ON event (age, id_key);
   CREATE INDEX event_kind ON event (kind, age, id_key);
   CREATE INDEX event_author ON event (pubkey_key, kind, age, id_key);
   CREATE TABLE body (seq INTEGER PRIMARY KEY, expires_at INTEGER NOT NULL, text TEXT NOT NULL);
   CREATE INDEX body_expires ON body (expires_at) WHERE expires_at > 0;
   CREATE TABLE tag (
     tag_key INTEGER NOT NULL,
     age INTEGER NOT NULL,
     id_key INTEGER NOT NULL,
     seq INTEGER NOT NULL,
     kind INTEGER NOT NULL,
     PRIMARY KEY (tag_key, age, id_key, seq)
   ) WITHOUT ROWID;
   CREATE TABLE address (
     address_key INTEGER NOT NULL,
     seq INTEGER NOT NULL,
     PRIMARY KEY (address_key, seq)
   ) WITHOUT ROWID;
   CREATE TABLE deletion (
     target_key INTEGER NOT NULL,
     pubkey_key INTEGER NOT NULL,
     by_seq INTEGER NOT NULL,
     PRIMARY KEY (target_key, pubkey_key, by_seq)
   ) WITHOUT ROWID;
   CREATE TABLE removal (
     seq INTEGER PRIMARY KEY,
     event_seq INTEGER NOT NULL,
     id TEXT NOT NULL,
     reason TEXT NOT NULL
   );`,
  // Requests to vanish (NIP-62): one row an author, for good; `until` is the request's created_at.
  `CREATE TABLE vanish (
     pubkey TEXT PRIMARY KEY,
     until INTEGER NOT NULL,
     is_pending INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX vanish_pending ON vanish (is_pending) WHERE is_pending = 1;`,
  // Where in the order of time the event was that left: followers that keep that order find it by its age. Null: it left
  // before this version.
  "ALTER TABLE removal ADD COLUMN age INTEGER;",
  // The same as `event` and `tag`, for the newest events (`fresh_tables.ts`).
  `CREATE TABLE fresh_event (
     seq INTEGER PRIMARY KEY,
     id_key INTEGER NOT NULL,
     pubkey_key INTEGER NOT NULL,
     kind INTEGER NOT NULL,
     age INTEGER NOT NULL
   );
   CREATE INDEX fresh_event_id ON fresh_event (id_key);
   CREATE INDEX fresh_event_time ON fresh_event (age, id_key);
   CREATE INDEX fresh_event_kind ON fresh_event (kind, age, id_key);
   CREATE INDEX fresh_event_author ON fresh_event (pubkey_key, kind, age, id_key);
   CREATE TABLE fresh_tag (
     tag_key INTEGER NOT NULL,
     age INTEGER NOT NULL,
     id_key INTEGER NOT NULL,
     seq INTEGER NOT NULL,
     kind INTEGER NOT NULL,
     PRIMARY KEY (tag_key, age, id_key, seq)
   ) WITHOUT ROWID;`,
];

/**
 * Brings a database to {@linkcode SCHEMA_VERSION}, in one transaction.
 *
 * @throws {SchemaError} if the file belongs to another program or to a newer version of this one.
 */
export function migrate(db: DatabaseSync, path: string): void {
  const version = versionOf(db, path);
  const foreign = version === 0 ? null : foreignPart(db, version);
  if (foreign !== null) throw new SchemaError(`Cannot open store "${path}": ${foreign}`);
  if (version === SCHEMA_VERSION) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const statements of MIGRATIONS.slice(version)) db.exec(statements);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/**
 * The version of a database's schema; 0 where it is empty. Changes nothing.
 *
 * @throws {SchemaError} if the file belongs to another program or to a newer version of this one.
 */
export function versionOf(db: DatabaseSync, path: string): number {
  const version = pragma(db, "user_version");
  const application = pragma(db, "application_id");
  const empty = version === 0 && db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!.n === 0;
  if (!empty && application !== APPLICATION_ID) {
    throw new SchemaError(`Cannot open store "${path}": the file is a database of another program`);
  }
  if (version > SCHEMA_VERSION) {
    throw new SchemaError(
      `Cannot open store "${path}": its schema is version ${version}, this program knows up to ${SCHEMA_VERSION}`,
    );
  }
  return version;
}

/**
 * What of a database's schema is not as the migrations up to `version` make it, or null.
 *
 * @param version What {@linkcode versionOf} says, at least 1.
 */
export function foreignPart(db: DatabaseSync, version: number): string | null {
  return schemaFault(db, (fresh) => {
    for (const statements of MIGRATIONS.slice(0, version)) fresh.exec(statements);
  });
}

function pragma(db: DatabaseSync, name: string): number {
  return Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0] as number;
}
