/**
 * Chooses how a filter is answered: a few ranges of indexes (streams), each in the order of the answer, whose merge is
 * the answer's superset, and the conditions that are left to check.
 * Belongs to the thread whose connection it asks.
 *
 * The most selective index wins: ids, then tag values or authors (a bounded probe decides where both are named), then
 * kinds, then time alone. A stream per value keeps the order, so that a hundred authors cost a merge, not a sort.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  PLAN_KINDS_OF_AUTHOR_MAX,
  PLAN_PROBE_ROWS,
  PLAN_RAREST_CONDITIONS_MAX,
  PLAN_RAREST_ROWS_MAX,
  PLAN_RAREST_VALUES_MAX,
  PLAN_SHARED_KINDS_AUTHORS_MIN,
  PLAN_STREAMS_MAX,
} from "../limits.ts";
import type { Filter, TagCondition } from "../nostr/filter.ts";
import { idKey, pubkeyKey, tagKey } from "../nostr/keys.ts";
import { hasId, hasPubkey, holdsQuoted } from "./exact.ts";
import type { HeadSource } from "./read_statements.ts";

/** The indexes a stream can run along. */
export type Source = "id" | "tag" | "author" | "kind" | "time";

/** One range of one index. */
export interface Stream {
  readonly source: Source;
  /** The equal columns that lead the index. */
  readonly prefix: readonly number[];
  /** Checks an event's text against what the 52-bit key stands for; null where the key is exact. */
  readonly exact: ((text: string) => boolean) | null;
}

/** The conditions that the streams do not already imply. */
export interface Residual {
  readonly kinds: ReadonlySet<number> | null;
  /** Keys of authors; the text decides in the end. */
  readonly authorKeys: ReadonlySet<number> | null;
  readonly authors: ReadonlySet<string> | null;
  readonly tags: readonly { readonly letter: string; readonly values: ReadonlySet<string> }[];
}

/** Streams that are the product of lists, by which they can be opened together. */
export interface Product {
  readonly source: HeadSource;
  /** One list a prefix column; stream number = position in the first × length of the second + position in it. */
  readonly lists: readonly (readonly number[])[];
}

/** A plan: streams to merge, conditions left. */
export interface Plan {
  readonly streams: readonly Stream[];
  /** Null where the streams are no product. */
  readonly product: Product | null;
  readonly residual: Residual;
}

/** Plans filters on one connection. */
export class Planner {
  readonly #kinds: StatementSync;
  readonly #allKinds: StatementSync;
  readonly #probeTag: StatementSync;

  constructor(db: DatabaseSync) {
    this.#kinds = db.prepare(
      `WITH RECURSIVE k (kind) AS (
         SELECT min(kind) FROM event WHERE pubkey_key = ?1
         UNION ALL
         SELECT (SELECT min(kind) FROM event WHERE pubkey_key = ?1 AND kind > k.kind) FROM k WHERE k.kind IS NOT NULL
       )
       SELECT kind FROM k WHERE kind IS NOT NULL LIMIT ?2+0`,
    );
    this.#allKinds = db.prepare(
      `WITH RECURSIVE k (kind) AS (
         SELECT min(kind) FROM event
         UNION ALL
         SELECT (SELECT min(kind) FROM event WHERE kind > k.kind) FROM k WHERE k.kind IS NOT NULL
       )
       SELECT kind FROM k WHERE kind IS NOT NULL LIMIT ?1+0`,
    );
    this.#probeTag = db.prepare("SELECT count(*) AS n FROM (SELECT 1 FROM tag WHERE tag_key = ? LIMIT ?+0)");
  }

  /** Plans a filter that can match something. */
  plan(filter: Filter): Plan {
    if (filter.ids) {
      const product = { source: "id" as const, lists: [filter.ids.map(idKey)] };
      return plan(filter.ids.map(idStream), product, residualOf(filter, {}));
    }
    const byTag = this.#tagStreams(filter);
    if (byTag) return byTag;
    const byAuthor = filter.authors && this.#authorStreams(filter, filter.authors);
    if (byAuthor) return byAuthor;
    if (filter.kinds) return plan(filter.kinds.map(kindStream), null, residualOf(filter, { kinds: true }));
    return plan([{ source: "time", prefix: [], exact: null }], null, residualOf(filter, {}));
  }

  #tagStreams(filter: Filter): Plan | null {
    const condition = this.#rarest(filter.tags);
    if (condition === undefined) return null;
    if (filter.authors && this.#rowsOf(condition, PLAN_PROBE_ROWS) >= PLAN_PROBE_ROWS) {
      const byAuthor = this.#authorStreams(filter, filter.authors);
      if (byAuthor) return byAuthor;
    }
    const streams = condition.values.map((value) => tagStream(condition.letter, value));
    const product = { source: "tag" as const, lists: [streams.map((stream) => stream.prefix[0]!)] };
    return plan(streams, product, residualOf(filter, { tag: condition }));
  }

  /** The condition with the fewest rows, as far as a bounded look tells; of long lists, the one with the fewest values. */
  #rarest(tags: readonly TagCondition[]): TagCondition | undefined {
    const byLength = tags.toSorted((a, b) => a.values.length - b.values.length);
    const short = byLength.slice(0, PLAN_RAREST_CONDITIONS_MAX)
      .filter(({ values }) => values.length <= PLAN_RAREST_VALUES_MAX);
    if (short.length < 2) return byLength[0];
    let rarest = short[0]!;
    let fewest = PLAN_RAREST_ROWS_MAX;
    for (const condition of short) {
      // Nothing that has as many rows as the rarest so far needs to be counted further.
      const rows = this.#rowsOf(condition, fewest);
      if (rows >= fewest) continue;
      rarest = condition;
      fewest = rows;
    }
    return rarest;
  }

  /** Rows of a condition's values, counted up to `most`. */
  #rowsOf({ letter, values }: TagCondition, most: number): number {
    let rows = 0;
    for (const value of values) {
      if (rows >= most) break;
      rows += this.#probeTag.get(tagKey(letter, value), most - rows)!.n as number;
    }
    return rows;
  }

  /** A stream for each author and kind; null where they would be too many. */
  #authorStreams(filter: Filter, authors: readonly string[]): Plan | null {
    const shared = filter.kinds ??
      (authors.length >= PLAN_SHARED_KINDS_AUTHORS_MIN ? this.#kindsOfAll() : null);
    if (authors.length * (shared?.length ?? 1) > PLAN_STREAMS_MAX) return null;
    const streams: Stream[] = [];
    for (const pubkey of authors) {
      const key = pubkeyKey(pubkey);
      const kinds = shared ?? this.#kindsOf(key);
      if (kinds === null || streams.length + kinds.length > PLAN_STREAMS_MAX) return null;
      const exact = (text: string) => hasPubkey(text, pubkey);
      for (const kind of kinds) streams.push({ source: "author", prefix: [key, kind], exact });
    }
    const product = shared === null
      ? null
      : { source: "author" as const, lists: [authors.map(pubkeyKey), shared] };
    return plan(streams, product, residualOf(filter, { kinds: true, authors: true }));
  }

  /** The kinds there are at all; null where they are too many. */
  #kindsOfAll(): readonly number[] | null {
    const rows = this.#allKinds.all(PLAN_KINDS_OF_AUTHOR_MAX + 1);
    return rows.length > PLAN_KINDS_OF_AUTHOR_MAX ? null : rows.map((row) => row.kind as number);
  }

  /** The kinds an author has events of, by one seek each; null where they are too many. */
  #kindsOf(author: number): number[] | null {
    const rows = this.#kinds.all(author, PLAN_KINDS_OF_AUTHOR_MAX + 1);
    return rows.length > PLAN_KINDS_OF_AUTHOR_MAX ? null : rows.map((row) => row.kind as number);
  }
}

function plan(streams: readonly Stream[], product: Product | null, residual: Residual): Plan {
  return { streams, product, residual };
}

function idStream(id: string): Stream {
  return { source: "id", prefix: [idKey(id)], exact: (text) => hasId(text, id) };
}

function kindStream(kind: number): Stream {
  return { source: "kind", prefix: [kind], exact: null };
}

function tagStream(letter: string, value: string): Stream {
  const quoted = JSON.stringify(value);
  return { source: "tag", prefix: [tagKey(letter, value)], exact: (text) => holdsQuoted(text, quoted) };
}

/** What the streams leave open. Ids imply nothing else; all else is checked. */
function residualOf(
  filter: Filter,
  implied: { kinds?: boolean; authors?: boolean; tag?: TagCondition },
): Residual {
  const authors = implied.authors ? undefined : filter.authors;
  return {
    kinds: filter.kinds && !implied.kinds ? new Set(filter.kinds) : null,
    authorKeys: authors ? new Set(authors.map(pubkeyKey)) : null,
    authors: authors ? new Set(authors) : null,
    tags: filter.tags.filter((condition) => condition !== implied.tag)
      .map(({ letter, values }) => ({ letter, values: new Set(values) })),
  };
}
