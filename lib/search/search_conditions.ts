/**
 * What the extensions of a search ask for (NIP-50, and `sort` of its proposal). A value that means nothing is ignored
 * like a key that nobody knows.
 * Runs on any thread; no state.
 *
 * @module
 */
import { type Sentiment, SENTIMENTS } from "./search_fields.ts";
import type { SearchText } from "./search_text.ts";

/** The orders besides the best match first. */
const SORT_ORDERS = ["new", "top", "hot", "rising"] as const;
export type SortOrder = typeof SORT_ORDERS[number];

/** See the module's text. */
export interface SearchConditions {
  /** ISO 639-1, or null: any. */
  readonly language: string | null;
  readonly sentiment: Sentiment | null;
  readonly includesSpam: boolean;
  readonly excludesSensitive: boolean;
  /** Null: the best match first. */
  readonly sort: SortOrder | null;
}

/** Reads the extensions. */
export function searchConditions({ extensions }: SearchText): SearchConditions {
  const value = (name: Parameters<typeof extensions.get>[0]) => extensions.get(name)?.toLowerCase();
  const oneOf = <Word extends string>(words: readonly Word[], given: string | undefined): Word | null =>
    words.find((word) => word === given) ?? null;
  return {
    language: value("language")?.match(/^[a-z]{2}$/)?.[0] ?? null,
    sentiment: oneOf(SENTIMENTS, value("sentiment")),
    includesSpam: value("include") === "spam",
    excludesSensitive: value("nsfw") === "false",
    sort: oneOf(SORT_ORDERS, value("sort")),
  };
}

/** Whether an index has to put newest first what it finds: the order itself, or the matches that are ranked elsewhere. */
export function isNewestFirst({ sort }: SearchConditions): boolean {
  return sort === "new" || sort === "hot" || sort === "rising";
}
