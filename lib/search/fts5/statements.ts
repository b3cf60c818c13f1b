/**
 * Statements of a connection that searches, by their SQL: a search asks each part of the index the same, and to prepare
 * that takes three times as long as to find that a part has nothing.
 * Belongs to the thread whose connection it is.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { SEARCH_STATEMENTS_MAX } from "../../limits.ts";

/** See the module's text. */
export class Statements {
  readonly db: DatabaseSync;
  readonly #prepared = new LRUCache<string, StatementSync>({ max: SEARCH_STATEMENTS_MAX });

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  of(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}
