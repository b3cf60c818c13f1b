/**
 * Chooses the search backend by the configuration: OpenSearch where `OPENSEARCH_URL` is set, else the embedded index.
 * Called on the indexer's thread (to fill) and on readers' threads (to search); each owns what it opened.
 *
 * @module
 */
import type { Config } from "../../lib/config.ts";
import { Fts5Index, Fts5Reader } from "../../lib/search/fts5/fts5_index.ts";
import { IndexState, openStateDatabase } from "../../lib/search/index_state.ts";
import {
  OpenSearchIndex,
  type OpenSearchOptions,
  OpenSearchReader,
} from "../../lib/search/opensearch/opensearch_index.ts";
import type { SearchIndex, SearchReader } from "../../lib/search/search_index.ts";
import { searchPath } from "../store/paths.ts";

/** What the indexer fills, and where it remembers how far it is. */
export interface Backend {
  readonly index: SearchIndex;
  readonly state: IndexState;
}

/** Opens the backend for filling. */
export async function openBackend(config: Config): Promise<Backend> {
  const path = searchPath(config.DATA_DIR);
  if (config.OPENSEARCH_URL === null) {
    const index = new Fts5Index(path);
    return { index, state: index.state };
  }
  return {
    index: new OpenSearchIndex(await optionsOf(config)),
    state: new IndexState(openStateDatabase(path)),
  };
}

/** Opens the backend for searching. */
export async function openSearchReader(config: Config): Promise<SearchReader> {
  if (config.OPENSEARCH_URL === null) return new Fts5Reader(searchPath(config.DATA_DIR));
  return new OpenSearchReader(await optionsOf(config));
}

async function optionsOf(config: Config): Promise<OpenSearchOptions> {
  return {
    url: config.OPENSEARCH_URL!,
    index: config.OPENSEARCH_INDEX,
    ...(config.OPENSEARCH_USER === null ? {} : { user: config.OPENSEARCH_USER }),
    ...(config.OPENSEARCH_PASSWORD === null ? {} : { password: config.OPENSEARCH_PASSWORD }),
    ...(config.OPENSEARCH_CA === null ? {} : { ca: await Deno.readTextFile(config.OPENSEARCH_CA) }),
  };
}
