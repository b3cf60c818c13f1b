/**
 * One search as parts of SQL: the words as a parameter of MATCH, the filter's keys as conditions with parameters.
 * Runs on the threads of readers and of the indexer; no state.
 *
 * @module
 */
import { SEARCH_HITS_MAX, SEARCH_RANKED_CLAUSES_MAX } from "../../limits.ts";
import { type Filter, isEmptyFilter } from "../../nostr/filter.ts";
import { isNewestFirst, type SearchConditions, searchConditions } from "../search_conditions.ts";
import { tagTerm } from "../search_fields.ts";
import type { SearchRequest } from "../search_index.ts";
import { parseSearchText, type SearchText } from "../search_text.ts";
import { matchPhrase } from "./words.ts";

/** What a search asks. */
export interface Fts5Query {
  /** In FTS5's query language; empty: no words are asked for. */
  readonly match: string;
  /** Conditions on a row `d` of `document`, and their parameters, in order. */
  readonly where: string;
  readonly parameters: readonly (string | number)[];
  /** Whether the best match comes first; otherwise the newest. */
  readonly isRanked: boolean;
  readonly limit: number;
  /** Null: any. */
  readonly language: string | null;
  /** Whether it asks for events by their ids. */
  readonly asksIds: boolean;
  readonly since: number;
  readonly until: number;
}

/** The query of a search, or null if nothing can match. */
export function fts5Query({ filter, now }: SearchRequest): Fts5Query | null {
  const limit = Math.min(filter.limit, SEARCH_HITS_MAX);
  if (limit <= 0 || isEmptyFilter(filter)) return null;
  const text = parseSearchText(filter.search ?? "");
  const phrases = phrasesOf(text);
  if (phrases === null) return null;
  const asked = searchConditions(text);
  const { conditions, parameters } = filterConditions(filter, now);
  addExtensions(asked, conditions, parameters);
  return {
    match: phrases.join(" AND "),
    where: conditions.join(" AND "),
    parameters,
    // To rank means to count each of the words; what has all of so many is what was meant, whatever its order.
    isRanked: phrases.length > 0 && phrases.length <= SEARCH_RANKED_CLAUSES_MAX && !isNewestFirst(asked),
    limit,
    language: asked.language,
    asksIds: filter.ids !== undefined,
    since: filter.since ?? Number.MIN_SAFE_INTEGER,
    until: filter.until ?? Number.MAX_SAFE_INTEGER,
  };
}

/** All clauses in FTS5's query language, each once; null if what is asked for cannot be found. */
function phrasesOf(text: SearchText): string[] | null {
  if (text.unsearchable) return null;
  const clauses = [...text.terms, ...text.phrases];
  const phrases = clauses.map(matchPhrase).filter((phrase) => phrase !== null);
  return phrases.length === 0 && clauses.length > 0 ? null : [...new Set(phrases)];
}
function addExtensions(
  { language, sentiment, includesSpam, excludesSensitive }: SearchConditions,
  conditions: string[],
  parameters: (string | number)[],
): void {
  if (language !== null) {
    conditions.push("d.language = ?");
    parameters.push(language);
  }
  if (sentiment !== null) {
    conditions.push("d.sentiment = ?");
    parameters.push(sentiment);
  }
  if (!includesSpam) conditions.push("d.is_spam = 0");
  if (excludesSensitive) conditions.push("d.is_sensitive = 0");
}

function filterConditions(
  filter: Filter,
  now: number,
): { conditions: string[]; parameters: (string | number)[] } {
  const conditions = ["(d.expires_at = 0 OR d.expires_at > ?)"];
  const parameters: (string | number)[] = [now];
  const add = (condition: string, parameter: string | number) => {
    conditions.push(condition);
    parameters.push(parameter);
  };
  // Lists travel as JSON: SQLite reads one into a temporary index, whatever its length.
  if (filter.ids) add("d.id IN (SELECT unhex(value) FROM json_each(?))", JSON.stringify(filter.ids));
  if (filter.authors) {
    add("d.pubkey IN (SELECT unhex(value) FROM json_each(?))", JSON.stringify(filter.authors));
  }
  if (filter.kinds) add("d.kind IN (SELECT value FROM json_each(?))", JSON.stringify(filter.kinds));
  if (filter.since !== undefined) add("d.created_at >= ?", filter.since);
  if (filter.until !== undefined) add("d.created_at <= ?", filter.until);
  for (const { letter, values } of filter.tags) {
    add(
      "EXISTS (SELECT 1 FROM document_tag t WHERE t.document = d.number AND +t.tag IN (SELECT value FROM json_each(?)))",
      JSON.stringify(values.map((value) => tagTerm(letter, value.toWellFormed()))),
    );
  }
  return { conditions, parameters };
}
