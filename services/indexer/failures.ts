/**
 * What the indexer makes of errors: which of them pass, and how long it waits before it tries again.
 * Runs on the indexer's thread; no state.
 *
 * @module
 */
import { OPENSEARCH_BACKOFF_MS_MAX, OPENSEARCH_BACKOFF_MS_MIN } from "../../lib/limits.ts";
import { SearchUnavailableError } from "../../lib/search/search_index.ts";
import { storageFault } from "../../lib/sqlite/storage_fault.ts";

/** Whether an error says that the file of the search index is no sound database. */
export function isDamaged(error: unknown): boolean {
  return storageFault(error) === "corrupt" ||
    (error instanceof SearchUnavailableError && storageFault(error.cause) === "corrupt");
}

/** Whether the same may succeed later: the index did not answer, or the disk is full. */
export function isPassing(error: unknown): boolean {
  return !isDamaged(error) && (error instanceof SearchUnavailableError || storageFault(error) !== null);
}

/** Doubles with each failure up to a bound; half of it by chance, so that relays do not knock in step. */
export function backoffMs(failures: number): number {
  const whole = Math.min(OPENSEARCH_BACKOFF_MS_MAX, OPENSEARCH_BACKOFF_MS_MIN * 2 ** (failures - 1));
  return whole / 2 + Math.random() * whole / 2;
}
