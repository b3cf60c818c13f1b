/**
 * Whether a database holds what this program makes and nothing else. A trigger, a view, or a table that only has a
 * familiar name can change or hide rows behind every statement, and whoever gives somebody a backup chooses its schema.
 * Runs on the thread that opens the database; no state.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

/** The database is not one this program can serve; the message says why and what to do. */
export class SchemaError extends Error {
  override name = "SchemaError";
}

/** Objects by `type name`, with how they are made. */
type Objects = ReadonlyMap<string, string>;

/**
 * What differs from a database that `make` has made, or null. What SQLite adds by itself (statistics) does not count.
 *
 * @param isWhole Whether everything that `make` makes has to be there.
 */
export function schemaFault(
  db: DatabaseSync,
  make: (fresh: DatabaseSync) => void,
  isWhole = true,
): string | null {
  // In memory there is nothing to be told to a connection.
  const fresh = new DatabaseSync(":memory:");
  make(fresh);
  const own = objectsOf(fresh);
  fresh.close();
  const present = objectsOf(db);
  for (const [name, sql] of present) {
    if (!own.has(name)) return `${name} is none of this program's`;
    if (own.get(name) !== sql) return `${name} is not as this program makes it`;
  }
  const missing = isWhole ? [...own.keys()].find((name) => !present.has(name)) : undefined;
  return missing === undefined ? null : `${missing} is missing`;
}

/**
 * Refuses a database that has what acts by itself. For one whose tables are made anew where they are older.
 *
 * @throws {SchemaError}
 */
export function refusePrograms(db: DatabaseSync, path: string): void {
  const row = db.prepare(
    "SELECT type || ' ' || name AS name FROM sqlite_schema WHERE type IN ('trigger', 'view') LIMIT 1",
  ).get();
  if (row === undefined) return;
  throw new SchemaError(
    `Cannot open database "${path}": ${row.name} is none of this program's; remove the file`,
  );
}

function objectsOf(db: DatabaseSync): Objects {
  const rows = db.prepare("SELECT type, name, tbl_name AS owner, sql FROM sqlite_schema").all();
  return new Map(
    rows.filter(({ name }) => !(name as string).startsWith("sqlite_stat")).map((
      { type, name, owner, sql },
    ) => [
      `${type} ${name}`,
      `${owner} ${String(sql ?? "").replaceAll(/\s+/g, " ").trim()}`,
    ]),
  );
}
