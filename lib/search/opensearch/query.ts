/**
 * One search in OpenSearch's query language. What a client wrote appears only as values, never as syntax.
 * Runs on a reader's thread; no state.
 *
 * @module
 */
import { OPENSEARCH_MATCHES_MAX, OPENSEARCH_SEARCH_MS_MAX, SEARCH_HITS_MAX } from "../../limits.ts";
import { type Filter, isEmptyFilter } from "../../nostr/filter.ts";
import { isNewestFirst, type SearchConditions, searchConditions } from "../search_conditions.ts";
import { KIND_WEIGHTS, tagTerm, TEXT_FIELD_WEIGHTS, TEXT_FIELDS } from "../search_fields.ts";
import type { SearchRequest } from "../search_index.ts";
import { parseSearchText, type SearchClause } from "../search_text.ts";
import { CJK_RUNS, cjkField } from "./mapping.ts";

const FIELDS = TEXT_FIELDS.map((field) => `${field}^${TEXT_FIELD_WEIGHTS[field]}`);
const CJK_FIELDS = TEXT_FIELDS.map((field) => `${cjkField(field)}^${TEXT_FIELD_WEIGHTS[field]}`);
const SEVERAL_RUNS = /[\s\p{P}]/u;
const KIND_FUNCTIONS = [...KIND_WEIGHTS].map(([kind, weight]) => ({ filter: { term: { kind } }, weight }));

/** The body of a search, or null if nothing can match. */
export function searchBody({ filter, now }: SearchRequest): object | null {
  const size = Math.min(filter.limit, SEARCH_HITS_MAX);
  if (size <= 0 || isEmptyFilter(filter)) return null;
  const text = parseSearchText(filter.search ?? "");
  if (text.unsearchable) return null;
  const must = [...text.terms, ...text.phrases].map(clauseQuery);
  const conditions = searchConditions(text);
  const query = {
    bool: {
      must,
      filter: [...filterQueries(filter), ...wantedQueries(conditions)],
      must_not: [{ range: { expires_at: { lte: now } } }, ...unwantedQueries(conditions)],
    },
  };
  const isRanked = must.length > 0 && !isNewestFirst(conditions);
  const newestFirst = [{ created_at: "desc" }, { id: "asc" }];
  return {
    size,
    // Whoever waits gives up a little later; what is found by then is a part, and no answer.
    timeout: `${OPENSEARCH_SEARCH_MS_MAX}ms`,
    terminate_after: OPENSEARCH_MATCHES_MAX,
    // The id comes as the last sort value: to read a hit's `_id` means to unpack its document.
    stored_fields: "_none_",
    track_total_hits: false,
    query: isRanked
      ? { function_score: { query, functions: KIND_FUNCTIONS, score_mode: "first", boost_mode: "multiply" } }
      : query,
    sort: isRanked ? [{ _score: "desc" }, ...newestFirst] : newestFirst,
  };
}

/** A term is a phrase too: `cash.app` has two words, and a run of CJK characters has many pairs. */
function clauseQuery({ text, cjk }: SearchClause): object {
  const phrase = { query: text, type: "phrase" };
  if (!cjk) return { multi_match: { ...phrase, fields: FIELDS } };
  const analyzer = SEVERAL_RUNS.test(text) ? { analyzer: CJK_RUNS } : {};
  return { multi_match: { ...phrase, ...analyzer, fields: CJK_FIELDS } };
}

function wantedQueries({ language, sentiment }: SearchConditions): object[] {
  return [
    ...language === null ? [] : [{ term: { language } }],
    ...sentiment === null ? [] : [{ term: { sentiment } }],
  ];
}

function unwantedQueries({ includesSpam, excludesSensitive }: SearchConditions): object[] {
  return [
    ...includesSpam ? [] : [{ term: { is_spam: true } }],
    ...excludesSensitive ? [{ term: { is_sensitive: true } }] : [],
  ];
}

function filterQueries(filter: Filter): object[] {
  const queries: object[] = [];
  if (filter.ids) queries.push({ ids: { values: filter.ids } });
  if (filter.authors) queries.push({ terms: { pubkey: filter.authors } });
  if (filter.kinds) queries.push({ terms: { kind: filter.kinds } });
  for (const { letter, values } of filter.tags) {
    queries.push({ terms: { tags: values.map((value) => tagTerm(letter, value.toWellFormed())) } });
  }
  const { since, until } = filter;
  if (since !== undefined || until !== undefined) {
    const bounds = {
      ...(since === undefined ? {} : { gte: since }),
      ...(until === undefined ? {} : { lte: until }),
    };
    queries.push({ range: { created_at: bounds } });
  }
  return queries;
}
