/**
 * What both search backends offer (OpenSearch, and SQLite's FTS5 as the embedded one). One shared suite holds both.
 * An instance belongs to the thread that opened it: the indexer writes, readers search.
 *
 * @module
 */
import type { Cursor } from "../log/durable_cursor.ts";
import type { Filter } from "../nostr/filter.ts";
import type { SearchDocument } from "./search_fields.ts";

/** A change to the index: one addition or one removal of the log. */
export type IndexChange =
  | { readonly type: "add"; readonly seq: number; readonly id: string; readonly document: SearchDocument }
  | { readonly type: "remove"; readonly seq: number; readonly id: string };

/** A change that was not taken, by its position in the bulk. */
export interface RefusedChange {
  readonly position: number;
  readonly reason: string;
}

/** A change that was not taken for a passing reason. */
export interface DelayedChange extends RefusedChange {
  /** Whether the reason may be the change itself: it is set aside after some attempts. Otherwise it waits. */
  readonly isSuspect: boolean;
}

/** What became of a bulk. Changes named neither in `retry` nor in `rejected` are durable in the index. */
export interface BulkResult {
  /**
   * Changes refused for a passing reason (429, 503, a block on the index). They come first in the next bulk, in their
   * order: the index then ends as the log does, whatever else happened to the same ids.
   */
  readonly retry: readonly DelayedChange[];
  /** Changes that will never be taken: for the dead letters. */
  readonly rejected: readonly RefusedChange[];
  /** Whether the cursor given to `apply` became durable in the same transaction as the changes. */
  readonly cursorStored: boolean;
}

/** A search: NIP-50's text with NIP-01's other filter keys, all of which must hold. */
export interface SearchRequest {
  /** Its `search` is the text; its `limit` counts after ranking, at most `SEARCH_HITS_MAX`. */
  readonly filter: Filter;
  /** Seconds since 1970: what has expired by then (NIP-40) is not found. */
  readonly now: number;
  /** Whether nobody waits for the answer any more: then the rest of a search that takes steps is left. */
  readonly isOver?: () => boolean;
}

/**
 * Ids in rank order, best first: by score, then newest first, then lowest id. Newest first from the start where the
 * search asks for an order that begins with time (`sort:new`, and those that the store's counts complete).
 */
export interface SearchHits {
  readonly ids: readonly string[];
}

/** What a thread that searches needs. Every method rejects with {@linkcode SearchUnavailableError} at an outage. */
export interface SearchReader {
  /** For the log and `/health`, e.g. `opensearch 2.19.6 at http://127.0.0.1:9200`. */
  readonly description: string;
  search(request: SearchRequest): Promise<SearchHits>;
  close(): Promise<void>;
}

/** What `prepare` found or made. */
export interface PreparedIndex {
  /**
   * Names this very index: a new one (first start, another mapping, an index that was deleted) has another name.
   * A cursor counts for the generation that it was stored with, so a new index is filled from the log's start.
   */
  readonly generation: string;
}

/** What takes changes: an index, or the one that will take its place. */
export interface ChangeTarget {
  /**
   * Applies changes in order, in one call to the backend (at most `BULK_EVENTS_MAX`). Repeating is harmless.
   * If it rejects, any part of the changes may be in the index, and the cursor is not stored.
   *
   * @param cursor Stored with the changes by a backend that keeps its documents beside the index state.
   */
  apply(changes: readonly IndexChange[], cursor?: Cursor): Promise<BulkResult>;
}

/** An index that is filled anew beside the one that serves. */
export interface SuccessorIndex extends ChangeTarget {
  /** As in {@linkcode PreparedIndex}; it stays the index's own when it has taken the other's place. */
  readonly generation: string;
}

/** What somebody else may have changed in an index. */
export interface IndexLook {
  readonly generation: string;
  /** Documents that searches see. */
  readonly documents: number;
}

/** A full-text index of the log, for the one thread that fills it. */
export interface SearchIndex extends SearchReader, ChangeTarget {
  /**
   * Creates or migrates what the backend needs. Safe to repeat, and to be repeated after each
   * {@linkcode SearchUnavailableError} of `apply`: the index may have been lost with the backend.
   */
  prepare(): Promise<PreparedIndex>;
  /** Whether a rebuild empties this index; otherwise a successor is filled beside it. */
  readonly rebuildsInPlace: boolean;
  /** Looks whether it is still the index that was prepared; null where nobody else can reach it. */
  look(): Promise<IndexLook | null>;
  /**
   * Opens the index that will take this one's place: the one of `generation` if it is there, else a new one that holds
   * nothing. Null: the index is rebuilt in place; unless it was begun already, it holds nothing now.
   */
  openSuccessor(generation: string): Promise<SuccessorIndex | null>;
  /** Lets searches use the successor that was opened last, in one step; what it replaces goes. */
  succeed(): Promise<void>;
  /** Tells that the index holds the whole log: searches move to it, and what it replaces goes. Cheap to repeat. */
  finishRebuild(): Promise<void>;
  /** Makes searches see what was applied, which otherwise takes up to a second. For tests. */
  refresh(): Promise<void>;
  /** Events in the index that searches see, for tests and metrics. */
  count(): Promise<number>;
}

/** The backend did not answer, or answered that it cannot. Clients see `error: search is unavailable`. */
export class SearchUnavailableError extends Error {
  override name = "SearchUnavailableError";
}
