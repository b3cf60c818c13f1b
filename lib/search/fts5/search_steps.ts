/**
 * A search of the embedded index, step by step: a step is one call of SQLite over a part of the index, or over so many
 * documents, and takes milliseconds. Between two steps the thread does other work.
 * Belongs to the thread whose connection it reads; holds no snapshot between two steps.
 *
 * @module
 */
import { SEARCH_CANDIDATES_MAX, SEARCH_STEP_DOCUMENTS } from "../../limits.ts";
import { KIND_WEIGHTS, TEXT_FIELD_WEIGHTS } from "../search_fields.ts";
import type { SearchRequest } from "../search_index.ts";
import { type Part, partsOf, tableOf } from "./parts.ts";
import { type Fts5Query, fts5Query } from "./query.ts";
import type { Statements } from "./statements.ts";

/** A document that was found. */
interface Hit {
  readonly id: string;
  readonly created_at: number;
  /** The lower, the better; 0 where nobody ranks. */
  readonly score: number;
  /** How many its part has, those beyond the limit among them. */
  readonly matches: number;
}

/** Places in the order of time: newest first, of one second those indexed last. */
interface Place {
  readonly created_at: number;
  readonly number: number;
}

const KIND_FACTOR = `CASE d.kind ${
  [...KIND_WEIGHTS].map(([kind, weight]) => `WHEN ${kind} THEN ${weight}`).join(" ")
} ELSE 1 END`;

/**
 * Searches. Yields after each step the most documents that it has looked at; returns the ids in rank order.
 */
export function* searchSteps(statements: Statements, request: SearchRequest): Generator<number, string[]> {
  const query = fts5Query(request);
  if (query === null) return [];
  const hits = query.match !== ""
    ? yield* wordSteps(statements, query)
    : query.asksIds
    ? ofIds(statements, query)
    : yield* timeSteps(statements, query);
  return hits.sort(inOrder).slice(0, query.limit).map(({ id }) => id);
}

/** Each part after the other, the newest first, until there are enough matches to rank. */
function* wordSteps(statements: Statements, query: Fts5Query): Generator<number, Hit[]> {
  let hits: Hit[] = [];
  let matches = 0;
  for (const part of partsOf(statements.db)) {
    const found = statements.of(wordSql(part, query)).all(
      query.match,
      ...query.parameters,
      SEARCH_CANDIDATES_MAX - matches,
      query.limit,
    ) as unknown as Hit[];
    yield part.documents;
    matches += found[0]?.matches ?? 0;
    if (found.length > 0) hits = hits.concat(found).sort(inOrder).slice(0, query.limit);
    if (matches >= SEARCH_CANDIDATES_MAX) break;
  }
  return hits;
}

function wordSql(part: Part, { where, isRanked }: Fts5Query): string {
  const table = tableOf(part);
  const weights = Object.values(TEXT_FIELD_WEIGHTS).join(", ");
  // bm25 is lower for better matches and never positive, so a weight above 1 raises a match.
  const score = isRanked ? `bm25(${table}, ${weights}) * ${KIND_FACTOR}` : "0";
  // CROSS JOIN makes SQLite begin with the words. The inner limit ends the walk, newest first.
  return `SELECT lower(hex(id)) AS id, created_at, score, count(*) OVER () AS matches FROM (
      SELECT d.id AS id, d.created_at AS created_at, ${score} AS score
      FROM ${table} CROSS JOIN document d ON d.number = ${table}.rowid
      WHERE ${table} MATCH ? AND ${where}
      ORDER BY ${table}.rowid DESC LIMIT ?+0
    ) AS hit ORDER BY score, created_at DESC, hit.id LIMIT ?+0`;
}

/** Without words documents are looked at newest first, so many a step. */
function* timeSteps(statements: Statements, query: Fts5Query): Generator<number, Hit[]> {
  const { language, since, until, limit } = query;
  const among = language === null
    ? "INDEXED BY document_created_at WHERE"
    : "INDEXED BY document_language WHERE d.language = ? AND";
  const given = language === null ? [] : [language];
  const last = statements.of(
    `SELECT d.created_at, d.number FROM document d ${among} (d.created_at, d.number) < (?, ?) AND d.created_at >= ?
     ORDER BY d.created_at DESC, d.number DESC LIMIT 1 OFFSET ${SEARCH_STEP_DOCUMENTS - 1}`,
  );
  const matching = statements.of(
    `SELECT lower(hex(d.id)) AS id, d.created_at, 0 AS score FROM document d ${among}
       (d.created_at, d.number) < (?, ?) AND (d.created_at, d.number) >= (?, ?) AND ${query.where}`,
  );
  const hits: Hit[] = [];
  let from: Place = { created_at: until, number: Number.MAX_SAFE_INTEGER };
  while (true) {
    const found = last.get(...given, from.created_at, from.number, since) as unknown as Place | undefined;
    const to = found ?? { created_at: since, number: Number.MIN_SAFE_INTEGER };
    const window = [from.created_at, from.number, to.created_at, to.number];
    hits.push(...matching.all(...given, ...window, ...query.parameters) as unknown as Hit[]);
    yield SEARCH_STEP_DOCUMENTS;
    if (found === undefined || hits.length >= SEARCH_CANDIDATES_MAX) return hits;
    // Of one second the lowest ids come first: all of it is looked at.
    if (hits.length >= limit && hits.sort(inOrder)[limit - 1]!.created_at > to.created_at) return hits;
    from = to;
  }
}

function ofIds(statements: Statements, { where, parameters }: Fts5Query): Hit[] {
  const sql = `SELECT lower(hex(d.id)) AS id, d.created_at, 0 AS score FROM document d WHERE ${where}`;
  return statements.of(sql).all(...parameters) as unknown as Hit[];
}

function inOrder(a: Hit, b: Hit): number {
  if (a.score !== b.score) return a.score - b.score;
  if (a.created_at !== b.created_at) return b.created_at - a.created_at;
  return a.id < b.id ? -1 : 1;
}
