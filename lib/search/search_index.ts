/**
 * What both search backends offer (OpenSearch, and SQLite's FTS5 as the embedded one). One shared suite holds both.
 * An instance belongs to the thread that opened it: the indexer writes, readers search.
 *
 * @module
 */

/** A change to the index: one addition or one removal of the log. */
export type IndexChange =
  | { readonly type: "add"; readonly seq: number; readonly event: IndexedEvent }
  | { readonly type: "remove"; readonly seq: number; readonly id: string };

/** An event as the log holds it (NIP-01), plus the length of its JSON text. */
export interface IndexedEvent {
  readonly id: string;
  readonly pubkey: string;
  readonly created_at: number;
  readonly kind: number;
  readonly tags: readonly (readonly string[])[];
  readonly content: string;
  readonly sig: string;
}

/** What became of a bulk. Items not named in `retry` or `rejected` are durable in the index. */
export interface BulkResult {
  /** Positions of changes refused for a passing reason (429, 503, a block on the index), with the reason. */
  readonly retry: readonly { readonly position: number; readonly reason: string }[];
  /** Positions of changes that will never be taken, with the reason: for the dead-letter table. */
  readonly rejected: readonly { readonly position: number; readonly reason: string }[];
}

/** A search: NIP-50's text with NIP-01's other filter keys, all of which must hold. */
export interface SearchRequest {
  readonly text: string;
  readonly ids?: readonly string[];
  readonly authors?: readonly string[];
  readonly kinds?: readonly number[];
  /** Single letter to values, any of which must be present. */
  readonly tags?: Readonly<Record<string, readonly string[]>>;
  readonly since?: number;
  readonly until?: number;
  /** Seconds since 1970, for what has expired (NIP-40). */
  readonly now: number;
  /** Hits wanted after ranking, at most `SEARCH_HITS_MAX`. */
  readonly limit: number;
}

/** Ids in rank order, best first. */
export interface SearchHits {
  readonly ids: readonly string[];
}

/** A full-text index of the log. Every method rejects with `SearchUnavailableError` while the backend cannot answer. */
export interface SearchIndex {
  /** For the log and `/health`, e.g. `opensearch 2.19.6 at http://127.0.0.1:9200`. */
  readonly description: string;
  /** Creates or migrates what the backend needs. Safe to repeat. */
  prepare(): Promise<void>;
  /** Applies changes in order; one call to the backend. */
  apply(changes: readonly IndexChange[]): Promise<BulkResult>;
  search(request: SearchRequest): Promise<SearchHits>;
  /** Events in the index now, for tests and metrics. */
  count(): Promise<number>;
  close(): Promise<void>;
}

/** The backend did not answer, or answered that it cannot. Clients see `error: search is unavailable`. */
export class SearchUnavailableError extends Error {
  override name = "SearchUnavailableError";
}
