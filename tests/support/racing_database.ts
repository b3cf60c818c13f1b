/**
 * A database in which something happens between two statements of a reader, for tests of readers that use several.
 * Runs on a test's thread; the caller owns the database.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";

/** A view of a database, and the race: it happens once, after the next `all` of a statement with `text` in it. */
export function racingDatabase(
  db: DatabaseSync,
  text: string,
  race: () => void,
): { readonly racing: DatabaseSync; readonly arm: () => void } {
  let isArmed = false;
  const racing = new Proxy(db, {
    get(target, name) {
      if (name !== "prepare") return Reflect.get(target, name);
      return function prepare(sql: string) {
        const statement = target.prepare(sql);
        if (!sql.includes(text)) return statement;
        const all = statement.all.bind(statement) as (...parameters: unknown[]) => Record<string, never>[];
        statement.all = (...parameters) => {
          const rows = all(...parameters);
          if (isArmed) {
            isArmed = false;
            race();
          }
          return rows;
        };
        return statement;
      };
    },
  });
  return { racing, arm: () => void (isArmed = true) };
}
