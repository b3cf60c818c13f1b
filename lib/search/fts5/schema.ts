/**
 * The tables of the embedded index, in the file of the index state.
 * Runs on the indexer's thread.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";

/** Raised when tables, fields or the form of words change: an index of another version is filled anew. */
export const SCHEMA_VERSION = 4;

/**
 * Creates the tables if they are missing or of another version. Inside a transaction of the caller.
 *
 * Returns whether the index is empty now.
 */
export function migrate(db: DatabaseSync): boolean {
  db.exec("CREATE TABLE IF NOT EXISTS search_schema (version INTEGER NOT NULL) STRICT");
  const version = db.prepare("SELECT version FROM search_schema").get()?.version;
  if (version === SCHEMA_VERSION) return false;
  makeTables(db);
  return true;
}

/**
 * Creates the tables, empty, whatever was there. Inside a transaction of the caller.
 *
 * The words are in parts (`parts.ts`). The text itself is not kept (`content=''`): the store has it. `contentless_delete`
 * still lets a row go by its number.
 */
export function makeTables(db: DatabaseSync): void {
  const texts = db.prepare(
    "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE document_text%'",
  );
  for (const { name } of texts.all()) db.exec(`DROP TABLE ${name}`);
  db.exec(`
    DROP TABLE IF EXISTS document_part;
    DROP TABLE IF EXISTS document_tag;
    DROP TABLE IF EXISTS document;
    DELETE FROM search_schema;
    INSERT INTO search_schema VALUES (${SCHEMA_VERSION});
    CREATE TABLE document (
      number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, pubkey BLOB NOT NULL, kind INTEGER NOT NULL,
      created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, language TEXT NOT NULL, sentiment TEXT NOT NULL,
      is_spam INTEGER NOT NULL, is_sensitive INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX document_created_at ON document (created_at, number);
    CREATE INDEX document_language ON document (language, created_at, number);
    CREATE TABLE document_tag (document INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (document, tag))
      STRICT, WITHOUT ROWID;
    CREATE TABLE document_part (
      part INTEGER PRIMARY KEY, first INTEGER NOT NULL, documents INTEGER NOT NULL, characters INTEGER NOT NULL
    ) STRICT;
  `);
}
