/**
 * `domain:` of NIP-50 before either search backend: the authors who were verified for the domain become a condition of
 * the search. A search without it passes as it is.
 * Belongs to the thread that searches.
 *
 * @module
 */
import {
  type SearchHits,
  type SearchReader,
  type SearchRequest,
  SearchUnavailableError,
} from "../search/search_index.ts";
import { parseSearchText } from "../search/search_text.ts";
import { readDomain } from "./identifier.ts";
import type { VerifiedAuthors } from "./identities.ts";

/** See the module's text. */
export class DomainSearch implements SearchReader {
  readonly description: string;
  readonly #inner: SearchReader;
  readonly #authors: VerifiedAuthors;

  constructor(inner: SearchReader, authors: VerifiedAuthors) {
    this.description = inner.description;
    this.#inner = inner;
    this.#authors = authors;
  }

  async search(request: SearchRequest): Promise<SearchHits> {
    const { filter } = request;
    const asked = parseSearchText(filter.search ?? "").extensions.get("domain");
    if (asked === undefined) return await this.#inner.search(request);
    const domain = readDomain(asked.toLowerCase());
    const authors = domain === null ? [] : this.#verified(domain, filter.authors);
    return authors.length === 0
      ? { ids: [] }
      : await this.#inner.search({ ...request, filter: { ...filter, authors } });
  }

  #verified(domain: string, among: readonly string[] | undefined): string[] {
    try {
      return this.#authors.of(domain, among);
    } catch (error) {
      this.#authors.close();
      throw new SearchUnavailableError(
        `Cannot read authors of domain "${domain}": ${(error as Error).message}`,
      );
    }
  }

  async close(): Promise<void> {
    this.#authors.close();
    await this.#inner.close();
  }
}
