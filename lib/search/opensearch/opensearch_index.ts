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
  type IndexLook,
  type PreparedIndex,
  type SearchHits,
  type SearchIndex,
  type SearchReader,
  type SearchRequest,
  SearchUnavailableError,
  type SuccessorIndex,
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
import {
  type BegunIndex,
  ensureIndex,
  type IndexNames,
  indexNames,
  moveSearches,
  openSuccessor,
} from "./migration.ts";
import { searchBody } from "./query.ts";

/** How to reach OpenSearch, and which index is the relay's. */
export interface OpenSearchOptions extends ConnectionOptions, IndexLayout {
  /** The name that searches use, and the start of the names that belong to it. */
  readonly index: string;
}

/** Searches the index that an {@linkcode OpenSearchIndex} fills. */
export class OpenSearchReader implements SearchReader {
  protected readonly connection: OpenSearchConnection;
  /** The name that searches use. */
  protected readonly searched: string;
  protected version = "";
  #unanswered = 0;

  constructor(options: OpenSearchOptions) {
    this.connection = new OpenSearchConnection(options);
    this.searched = options.index;
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
        path: `/${this.searched}/_search`,
        // Hits of some shards are no answer: the client would take them for all.
        query: {
          allow_partial_search_results: "false",
          filter_path: "timed_out,terminated_early,_shards.failed,hits.hits.sort",
        },
        body,
      });
      const isPart = answer.timed_out !== false || answer.terminated_early === true;
      if (isPart || answer._shards?.failed !== 0) {
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
  readonly terminated_early?: boolean;
  readonly _shards?: { readonly failed: number };
  readonly hits?: { readonly hits?: readonly { readonly sort: readonly unknown[] }[] };
}

/** Fills the index in OpenSearch, and searches it. */
export class OpenSearchIndex extends OpenSearchReader implements SearchIndex {
  readonly rebuildsInPlace = false;
  readonly #layout: IndexLayout;
  #names: IndexNames;
  #isSearched = false;
  #successor: IndexNames | null = null;

  constructor(options: OpenSearchOptions) {
    super(options);
    this.#layout = options;
    this.#names = indexNames(options.index);
  }

  async prepare(): Promise<PreparedIndex> {
    const { version } = await this.connection.ask<{ version?: { number?: string } }>({
      purpose: "read the version",
      method: "GET",
      path: "/",
    });
    this.version = version?.number ?? "";
    const { names, uuid, searched } = await ensureIndex(this.connection, this.searched, this.#layout);
    this.#names = names;
    this.#isSearched = searched;
    return { generation: generationOf(names, uuid) };
  }

  async look(): Promise<IndexLook> {
    const rows = await this.connection.ask<readonly { uuid: string; "docs.count": string }[]>({
      purpose: "look at the index",
      method: "GET",
      path: `/_cat/indices/${this.#names.index}`,
      query: { format: "json", h: "uuid,docs.count" },
    });
    const [row] = rows;
    if (row === undefined) throw new SearchUnavailableError("Cannot look at the index: it is gone");
    return { generation: generationOf(this.#names, row.uuid), documents: Number(row["docs.count"]) };
  }

  async apply(changes: readonly IndexChange[]): Promise<BulkResult> {
    return await this.#apply(this.#names, changes);
  }

  async openSuccessor(generation: string): Promise<SuccessorIndex> {
    const { names, uuid } = await openSuccessor(this.connection, this.#names, {
      layout: this.#layout,
      begun: begunIndexOf(generation),
    });
    this.#successor = names;
    return {
      generation: generationOf(names, uuid),
      apply: (changes) => this.#apply(names, changes),
    };
  }

  async succeed(): Promise<void> {
    const names = this.#successor;
    invariant(names, "openSuccessor() comes before succeed()");
    await moveSearches(this.connection, names);
    this.#names = names;
    this.#isSearched = true;
    this.#successor = null;
  }

  async #apply(names: IndexNames, changes: readonly IndexChange[]): Promise<BulkResult> {
    invariant(changes.length <= BULK_EVENTS_MAX, "a bulk holds at most BULK_EVENTS_MAX changes");
    if (changes.length === 0) return { retry: [], rejected: [], cursorStored: false };
    return { ...await this.#send(names, bulkOperations(changes)), cursorStored: false };
  }

  async #send(
    names: IndexNames,
    operations: readonly BulkOperation[],
  ): Promise<Refusals> {
    try {
      const answer = await this.connection.ask<BulkAnswer>({
        purpose: "write",
        method: "POST",
        path: `/${names.written}/_bulk`,
        query: { require_alias: "true", filter_path: ANSWER_PARTS },
        body: operations.map((operation) => operation.lines).join(""),
        timeoutMs: OPENSEARCH_BULK_TIMEOUT_MS,
      });
      return readAnswer(answer, operations);
    } catch (error) {
      const isTooLong = error instanceof OpenSearchRefusal && error.status === 413;
      if (!isTooLong) throw error;
      return await this.#sendHalves(names, operations, error.message);
    }
  }

  /** OpenSearch, or a proxy before it, takes shorter requests only: halves find the length that passes. */
  async #sendHalves(
    names: IndexNames,
    operations: readonly BulkOperation[],
    reason: string,
  ): Promise<Refusals> {
    if (operations.length === 1) {
      return { retry: [], rejected: [{ position: operations[0]!.position, reason }] };
    }
    const middle = operations.length >> 1;
    const first = await this.#send(names, operations.slice(0, middle));
    const second = await this.#send(names, operations.slice(middle));
    return {
      retry: [...first.retry, ...second.retry],
      rejected: [...first.rejected, ...second.rejected],
    };
  }

  async finishRebuild(): Promise<void> {
    if (this.#isSearched) return;
    await moveSearches(this.connection, this.#names);
    this.#isSearched = true;
  }

  async refresh(): Promise<void> {
    await this.connection.ask({ purpose: "refresh", method: "POST", path: `/${this.#names.index}/_refresh` });
  }

  async count(): Promise<number> {
    const { count } = await this.connection.ask<{ count: number }>({
      purpose: "count",
      method: "GET",
      path: `/${this.#names.index}/_count`,
    });
    return count;
  }
}

function generationOf({ index }: IndexNames, uuid: string): string {
  return `opensearch:${index}:${uuid}`;
}

function begunIndexOf(generation: string): BegunIndex | null {
  const [backend, index, uuid] = generation.split(":");
  return backend === "opensearch" && index !== undefined && uuid !== undefined ? { index, uuid } : null;
}
