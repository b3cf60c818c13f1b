/**
 * One bulk call: the operations of a list of changes, and what OpenSearch says of each.
 * Runs on the indexer's thread; no state.
 *
 * @module
 */
import {
  type BulkResult,
  type DelayedChange,
  type IndexChange,
  type RefusedChange,
  SearchUnavailableError,
} from "../search_index.ts";
import { documentSource } from "./mapping.ts";

/** One operation of a bulk. */
export interface BulkOperation {
  /** Of the change, in the list that the caller applies. */
  readonly position: number;
  /** Its line or lines, each ended. */
  readonly lines: string;
}

/** The parts of the answer that count; the request asks for no others. */
export interface BulkAnswer {
  readonly items: readonly Readonly<Record<string, BulkItem>>[];
}

interface BulkItem {
  readonly status: number;
  readonly error?: {
    readonly type: string;
    readonly reason?: string;
    readonly caused_by?: { readonly reason?: string };
  };
}

/** What to ask of the answer: the whole of it is as long as a tenth of the request. */
export const ANSWER_PARTS =
  "items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason";

/** Statuses of an item that say something about the index or the node, not about the document. */
const OUTAGES = new Set([401, 403, 429, 503]);

/**
 * The operations of the changes. Of several changes to one id only the last counts, so a change that must be repeated
 * never undoes a later one of the same bulk.
 */
export function bulkOperations(changes: readonly IndexChange[]): BulkOperation[] {
  const last = new Map<string, number>();
  changes.forEach((change, position) => last.set(change.id, position));
  const operations: BulkOperation[] = [];
  changes.forEach((change, position) => {
    const { id } = change;
    if (last.get(id) !== position) return;
    const lines = change.type === "remove"
      ? `{"delete":{"_id":"${id}"}}\n`
      : `{"index":{"_id":"${id}"}}\n${documentSource(change.document)}\n`;
    operations.push({ position, lines });
  });
  return operations;
}

/** The changes that one bulk call did not take. */
export type Refusals = Pick<BulkResult, "retry" | "rejected">;

/**
 * Sorts an answer's failures into those to repeat and those never to repeat.
 *
 * @throws {SearchUnavailableError} if the failures are an outage: no operation was taken, or the index is gone
 */
export function readAnswer(
  answer: BulkAnswer,
  operations: readonly BulkOperation[],
): Refusals {
  const items = answer.items ?? [];
  if (items.length !== operations.length) {
    throw new SearchUnavailableError(
      `Cannot read OpenSearch's answer to a bulk: ${items.length} items for ${operations.length} operations`,
    );
  }
  const retry: DelayedChange[] = [];
  const rejected: RefusedChange[] = [];
  let outages = 0;
  items.forEach((item, index) => {
    const { status, error } = Object.values(item)[0]!;
    // A removal of what is not there has status 404 and no error.
    if (status < 300 || !error) return;
    const reason = [`${status} ${error.type}`, error.reason, error.caused_by?.reason].filter(Boolean).join(
      ": ",
    );
    if (error.type === "index_not_found_exception") {
      throw new SearchUnavailableError(`Cannot write to OpenSearch: ${reason}`);
    }
    const { position } = operations[index]!;
    const isOutage = OUTAGES.has(status);
    if (isOutage) outages++;
    if (isOutage || status === 408 || status === 409 || status >= 500) {
      retry.push({ position, reason, isSuspect: !isOutage });
    } else rejected.push({ position, reason });
  });
  if (outages > 0 && outages === operations.length) {
    throw new SearchUnavailableError(`Cannot write to OpenSearch: ${retry[0]!.reason}`);
  }
  return { retry, rejected };
}
