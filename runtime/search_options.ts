/**
 * What the configuration says about search, as `lib/search/open.ts` takes it.
 * Runs on the indexer's thread (to fill the index) and on readers' threads (to search it); no state.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import type { SearchOptions } from "../lib/search/open.ts";
import { searchPath } from "./data_paths.ts";
import { textOfSetting } from "./settings_file.ts";

/** Reads the certificate, if one is named, and leaves out what is not set. */
export async function searchOptions(config: Config): Promise<SearchOptions> {
  const statePath = searchPath(config.DATA_DIR);
  if (config.OPENSEARCH_URL === null) return { statePath };
  const openSearch = {
    url: config.OPENSEARCH_URL,
    index: config.OPENSEARCH_INDEX,
    ...(config.OPENSEARCH_USER === null ? {} : { user: config.OPENSEARCH_USER }),
    ...(config.OPENSEARCH_PASSWORD === null ? {} : { password: config.OPENSEARCH_PASSWORD }),
    ...(config.OPENSEARCH_CA === null
      ? {}
      : { ca: await textOfSetting("OPENSEARCH_CA", config.OPENSEARCH_CA) }),
  };
  return { statePath, openSearch };
}
