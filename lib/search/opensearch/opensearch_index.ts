/**
 * The search index in OpenSearch. `OpenSearchReader` searches, `OpenSearchIndex` also writes.
 * An instance belongs to the thread that opened it: a reader or the indexer.
 *
 * @module
 */
import { invariant } from "../../invariant.ts";
import { BULK_EVENTS_MAX, OPENSEARCH_BULK_TIMEOUT_MS, SEARCHES_UNANSWERED_MAX } from "../../limits.ts";
import {
  type BulkResult,
  type IndexChange,
  type PreparedIndex,
  type SearchHits,
  type SearchIndex,
  type SearchReader,
  type SearchRequest,
  SearchUnavailableError,
} from "../search_index.ts";
import {
  ANSWER_PARTS,
  type BulkAnswer,
  type BulkOperation,
  bulkOperations,
  readAnswer,
  type Refusals,
} from "./bulk.ts";
import { type ConnectionOptions, OpenSearchConnection, OpenSearchRefusal } from "./connection.ts";
import type { IndexLayout } from "./mapping.ts";
import { ensureIndex, type IndexNames, indexNames, moveSearches } from "./migration.ts";
import { searchBody } from "./query.ts";

/** How to reach OpenSearch, and which index is the relay's. */
export interface OpenSearchOptions extends ConnectionOptions, IndexLayout {
  /** The name that searches use, and the start of the names that belong to it. */
  readonly index: string;
}

/** Searches the index that an {@linkcode OpenSearchIndex} fills. */
export class OpenSearchReader implements SearchReader {
  protected readonly connection: OpenSearchConnection;
  protected readonly names: IndexNames;
  protected version = "";
  #unanswered = 0;

  constructor(options: OpenSearchOptions) {
    this.connection = new OpenSearchConnection(options);
    this.names = indexNames(options.index);
  }

  get description(): string {
    return `opensearch ${this.version}`.trimEnd() + ` at ${this.connection.address}`;
  }

  async search(request: SearchRequest): Promise<SearchHits> {
    const body = searchBody(request);
    if (!body) return { ids: [] };
    if (this.#unanswered >= SEARCHES_UNANSWERED_MAX) {
      throw new SearchUnavailableError(`Cannot search: ${this.#unanswered} searches are unanswered`);
    }
    this.#unanswered++;
    try {
      const answer = await this.connection.ask<SearchAnswer>({
        purpose: "search",
        method: "POST",
        path: `/${this.names.searched}/_search`,
        // Hits of some shards are no answer: the client would take them for all.
        query: {
          allow_partial_search_results: "false",
          filter_path: "timed_out,_shards.failed,hits.hits.sort",
        },
        body,
      });
      if (answer.timed_out !== false || answer._shards?.failed !== 0) {
        throw new SearchUnavailableError("Cannot search: OpenSearch answered for a part of the index only");
      }
      return { ids: (answer.hits?.hits ?? []).map(({ sort }) => sort.at(-1) as string) };
    } finally {
      this.#unanswered--;
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

interface SearchAnswer {
  readonly timed_out?: boolean;
  readonly _shards?: { readonly failed: number };
  readonly hits?: { readonly hits?: readonly { readonly sort: readonly unknown[] }[] };
}

/** Fills the index in OpenSearch, and searches it. */
export class OpenSearchIndex extends OpenSearchReader implements SearchIndex {
  readonly #layout: IndexLayout;
  #searched = false;

  constructor(options: OpenSearchOptions) {
    super(options);
    this.#layout = options;
  }

  async prepare(): Promise<PreparedIndex> {
    const { version } = await this.connection.ask<{ version?: { number?: string } }>({
      purpose: "read the version",
      method: "GET",
      path: "/",
    });
    this.version = version?.number ?? "";
    const { uuid, searched } = await ensureIndex(this.connection, this.names, this.#layout);
    this.#searched = searched;
    return { generation: `opensearch:${this.names.index}:${uuid}` };
  }

  async apply(changes: readonly IndexChange[]): Promise<BulkResult> {
    invariant(changes.length <= BULK_EVENTS_MAX, "a bulk holds at most BULK_EVENTS_MAX changes");
    if (changes.length === 0) return { retry: [], rejected: [], cursorStored: false };
    return { ...await this.#send(bulkOperations(changes)), cursorStored: false };
  }

  async #send(
    operations: readonly BulkOperation[],
  ): Promise<Refusals> {
    try {
      const answer = await this.connection.ask<BulkAnswer>({
        purpose: "write",
        method: "POST",
        path: `/${this.names.written}/_bulk`,
        query: { require_alias: "true", filter_path: ANSWER_PARTS },
        body: operations.map((operation) => operation.lines).join(""),
        timeoutMs: OPENSEARCH_BULK_TIMEOUT_MS,
      });
      return readAnswer(answer, operations);
    } catch (error) {
      const isTooLong = error instanceof OpenSearchRefusal && error.status === 413;
      if (!isTooLong) throw error;
      return await this.#sendHalves(operations, error.message);
    }
  }

  /** OpenSearch, or a proxy before it, takes shorter requests only: halves find the length that passes. */
  async #sendHalves(
    operations: readonly BulkOperation[],
    reason: string,
  ): Promise<Refusals> {
    if (operations.length === 1) {
      return { retry: [], rejected: [{ position: operations[0]!.position, reason }] };
    }
    const middle = operations.length >> 1;
    const first = await this.#send(operations.slice(0, middle));
    const second = await this.#send(operations.slice(middle));
    return {
      retry: [...first.retry, ...second.retry],
      rejected: [...first.rejected, ...second.rejected],
    };
  }

  async finishRebuild(): Promise<void> {
    if (this.#searched) return;
    await moveSearches(this.connection, this.names);
    this.#searched = true;
  }

  async refresh(): Promise<void> {
    await this.connection.ask({ purpose: "refresh", method: "POST", path: `/${this.names.index}/_refresh` });
  }

  async count(): Promise<number> {
    const { count } = await this.connection.ask<{ count: number }>({
      purpose: "count",
      method: "GET",
      path: `/${this.names.index}/_count`,
    });
    return count;
  }
}
