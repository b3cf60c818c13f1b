/**
 * Opens the search index that the configuration asks for: OpenSearch where its address is given, else the embedded one.
 * Runs on the thread that will own what it opens: the indexer (`openSearchIndex`) or a reader (`openSearchReader`).
 *
 * @module
 */
import { IndexState, openStateDatabase } from "./index_state.ts";
import type { SearchIndex, SearchReader } from "./search_index.ts";
import type { OpenSearchOptions } from "./opensearch/opensearch_index.ts";
import { Fts5Index, Fts5Reader } from "./fts5/fts5_index.ts";

/** What search is made of. */
export interface SearchOptions {
  /** The indexer's own SQLite file: cursors, dead letters, and the embedded index. Its directory must exist. */
  readonly statePath: string;
  /** Lets a thread that searches do other work; at once where it has none. */
  readonly pause?: () => Promise<void>;
  /** Unset, the embedded index serves. */
  readonly openSearch?: OpenSearchOptions;
}

/** The indexer's side. Both are closed together, by {@linkcode OpenedIndex.close}. */
export interface OpenedIndex {
  readonly index: SearchIndex;
  readonly state: IndexState;
  close(): Promise<void>;
}

/** Opens the index for the one thread that fills it. Asks nothing of a server: `prepare` does. */
export async function openSearchIndex({ statePath, openSearch }: SearchOptions): Promise<OpenedIndex> {
  if (!openSearch) {
    const index = new Fts5Index(statePath);
    return { index, state: index.state, close: () => index.close() };
  }
  // The client is loaded only where it is used: it is large.
  const { OpenSearchIndex } = await import("./opensearch/opensearch_index.ts");
  const state = new IndexState(openStateDatabase(statePath));
  const index = new OpenSearchIndex(openSearch);
  return {
    index,
    state,
    async close() {
      state.close();
      await index.close();
    },
  };
}

/** Opens a thread's own way to search. */
export async function openSearchReader(
  { statePath, openSearch, pause = () => Promise.resolve() }: SearchOptions,
): Promise<SearchReader> {
  if (!openSearch) return new Fts5Reader(statePath, pause);
  const { OpenSearchReader } = await import("./opensearch/opensearch_index.ts");
  return new OpenSearchReader(openSearch);
}
