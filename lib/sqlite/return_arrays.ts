/**
 * How a statement of `node:sqlite` is made to return rows as arrays.
 * Runs on any thread; no state.
 *
 * @module
 */
import type { StatementSync } from "node:sqlite";

/** Makes a statement return arrays, not objects. (The method is newer than the types of `node:sqlite` at hand.) */
export function returnArrays(statement: StatementSync): StatementSync {
  (statement as StatementSync & { setReturnArrays(enabled: boolean): void }).setReturnArrays(true);
  return statement;
}
