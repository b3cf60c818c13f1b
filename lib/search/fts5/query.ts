/**
 * One search as SQL: the words as a parameter of MATCH, the filter's keys as conditions with parameters.
 * Runs on the threads of readers and of the indexer; no state.
 *
 * @module
 */
import { SEARCH_CANDIDATES_MAX, SEARCH_HITS_MAX } from "../../limits.ts";
import { type Filter, isEmptyFilter } from "../../nostr/filter.ts";
import { isNewestFirst, type SearchConditions, searchConditions } from "../search_conditions.ts";
import { KIND_WEIGHTS, tagTerm, TEXT_FIELD_WEIGHTS } from "../search_fields.ts";
import type { SearchRequest } from "../search_index.ts";
import { parseSearchText, type SearchText } from "../search_text.ts";
import { matchPhrase } from "./words.ts";

/** A statement and its parameters, in order. */
export interface Fts5Query {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

/** bm25 is lower for better matches and never positive, so a weight above 1 raises a match. */
const SCORE = `bm25(document_text, ${Object.values(TEXT_FIELD_WEIGHTS).join(", ")}) * CASE d.kind ${
  [...KIND_WEIGHTS].map(([kind, weight]) => `WHEN ${kind} THEN ${weight}`).join(" ")
} ELSE 1 END`;

/** The query of a search, or null if nothing can match. */
export function fts5Query({ filter, now }: SearchRequest): Fts5Query | null {
  const limit = Math.min(filter.limit, SEARCH_HITS_MAX);
  if (limit <= 0 || isEmptyFilter(filter)) return null;
  const text = parseSearchText(filter.search ?? "");
  const match = matchExpression(text);
  if (match === null) return null;
  const asked = searchConditions(text);
  const { conditions, parameters } = filterConditions(filter, now);
  addExtensions(asked, conditions, parameters);
  const where = conditions.join(" AND ");
  if (match === "") {
    return {
      sql:
        `SELECT lower(hex(id)) AS id FROM document d WHERE ${where} ORDER BY d.created_at DESC, d.id LIMIT ?+0`,
      parameters: [...parameters, limit],
    };
  }
  const order = isNewestFirst(asked) ? "" : "score,";
  // CROSS JOIN makes SQLite begin with the words. The inner limit ends the walk, newest first, in a huge index.
  return {
    sql: `SELECT lower(hex(id)) AS id FROM (
        SELECT d.id AS id, d.created_at AS created_at, ${SCORE} AS score
        FROM document_text CROSS JOIN document d ON d.number = document_text.rowid
        WHERE document_text MATCH ? AND ${where}
        ORDER BY document_text.rowid DESC LIMIT ${SEARCH_CANDIDATES_MAX}
      ) AS hit ORDER BY ${order} created_at DESC, hit.id LIMIT ?+0`,
    parameters: [match, ...parameters, limit],
  };
}

/** All clauses in FTS5's query language; empty if there are none, null if what is asked for cannot be found. */
function matchExpression(text: SearchText): string | null {
  if (text.unsearchable) return null;
  const clauses = [...text.terms, ...text.phrases];
  const phrases = clauses.map(matchPhrase).filter((phrase) => phrase !== null);
  return phrases.length === 0 && clauses.length > 0 ? null : phrases.join(" AND ");
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
      "EXISTS (SELECT 1 FROM document_tag t WHERE t.document = d.number AND t.tag IN (SELECT value FROM json_each(?)))",
      JSON.stringify(values.map((value) => tagTerm(letter, value.toWellFormed()))),
    );
  }
  return { conditions, parameters };
}
