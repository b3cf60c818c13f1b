/**
 * Chooses how a filter is answered: ranges of one index, gathered into streams that are each in the order of the answer,
 * whose merge is the answer's superset, and the conditions that are left to check.
 * Belongs to the thread whose connection it asks.
 *
 * The most selective index wins: ids, then tag values or authors (a bounded probe decides where both are named), then
 * kinds, then time alone. A range per value keeps the order, so that a hundred authors cost a merge, not a sort.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  PLAN_FIRST_AUTHORS,
  PLAN_KINDS_OF_AUTHOR_MAX,
  PLAN_PROBE_ROWS,
  PLAN_RANGES_MAX,
  PLAN_RAREST_CONDITIONS_MAX,
  PLAN_RAREST_ROWS_MAX,
  PLAN_RAREST_VALUES_MAX,
  PLAN_SHARED_KINDS_AUTHORS_MIN,
  PLAN_TIMED_AUTHORS_MIN,
  SCAN_RANGES_MAX,
} from "../../limits.ts";
import { ChosenTexts } from "../../nostr/chosen_texts.ts";
import type { Filter, TagCondition } from "../../nostr/filter.ts";
import { idKey, pubkeyKeys, tagKey } from "../../nostr/keys.ts";
import { SortedKeys } from "../../nostr/sorted_keys.ts";
import { hasPubkey, holdsTag, idOf, pubkeyOf, tagStart } from "../../nostr/exact.ts";
import { ofBoth } from "../write/fresh_tables.ts";
import { ANY_AGE, type NewestTimes, NO_AGE } from "./newest_times.ts";
import { holdsConditions, soughtTags, type TagValues } from "./tag_conditions.ts";

/** The indexes a stream can run along. */
export type Source = "id" | "tag" | "author" | "kind" | "time";

/** A part of an index: the rows whose leading columns are in these lists, each list's product a range of its own. */
export interface Stream {
  readonly source: Source;
  /** A list of keys for each column that leads the index. */
  readonly lists: readonly (readonly number[])[];
  /**
   * Checks an event's text against what its 52-bit key stands for; null where the key is exact. `at` is the key's place in
   * the first list: the value there is tried first, and decides nothing alone, because another value may have the same key.
   */
  readonly exact: ((text: string, at: number) => boolean) | null;
  /** The first age that belongs to it: until the answer is that far, nothing of it is sought. */
  readonly ageMin: number;
  /** The last one. */
  readonly ageMax: number;
}

/** The ranges of a stream: each is a seek. */
export function rangesOf({ lists }: Stream): number {
  return lists.reduce((product, list) => product * list.length, 1);
}

/** The conditions that the streams do not already imply. */
export interface Residual {
  readonly kinds: ReadonlySet<number> | null;
  /** Keys of authors; the text decides in the end. */
  readonly authorKeys: SortedKeys | null;
  readonly authors: ReadonlySet<string> | null;
  readonly tags: readonly TagValues[];
  /** For each of the conditions on tags how a tag of each value begins; null where the values are many. */
  readonly tagStarts: readonly (readonly string[])[] | null;
}

/** A plan: streams to merge, conditions left. */
export interface Plan {
  readonly streams: readonly Stream[];
  readonly residual: Residual;
}

/** Plans filters on one connection. */
export class Planner {
  readonly #kinds: StatementSync;
  readonly #allKinds: StatementSync;
  readonly #probeTag: StatementSync;
  readonly #times: NewestTimes;

  constructor(db: DatabaseSync, times: NewestTimes) {
    this.#times = times;
    this.#kinds = db.prepare(
      `WITH RECURSIVE k (kind) AS (
         ${leastKind("pubkey_key = ?1")}
         UNION ALL
         SELECT (${leastKind("pubkey_key = ?1 AND kind > k.kind")}) FROM k WHERE k.kind IS NOT NULL
       )
       SELECT kind FROM k WHERE kind IS NOT NULL LIMIT ?2+0`,
    );
    this.#allKinds = db.prepare(
      `WITH RECURSIVE k (kind) AS (
         ${leastKind("true")}
         UNION ALL
         SELECT (${leastKind("kind > k.kind")}) FROM k WHERE k.kind IS NOT NULL
       )
       SELECT kind FROM k WHERE kind IS NOT NULL LIMIT ?1+0`,
    );
    const tagged = ofBoth((of) => `SELECT 1 FROM ${of}tag WHERE tag_key = ?1`);
    this.#probeTag = db.prepare(`SELECT count(*) AS n FROM (${tagged} LIMIT ?2+0)`);
  }

  /** Plans a filter that can match something, for a scan up to this entry of the log. */
  plan(filter: Filter, seqMax: number): Plan {
    if (filter.ids) {
      const ids = new Set(filter.ids);
      const { keys } = distinct(filter.ids.map(idKey), filter.ids);
      const streams = streamsOf("id", [keys], () => (text) => ids.has(idOf(text)));
      return { streams, residual: residualOf(filter, {}) };
    }
    const byTag = this.#tagStreams(filter, seqMax);
    if (byTag) return byTag;
    const byAuthor = filter.authors && this.#authorStreams(filter, filter.authors, seqMax);
    if (byAuthor) return byAuthor;
    if (filter.kinds) {
      return {
        streams: streamsOf("kind", [filter.kinds], () => null),
        residual: residualOf(filter, { kinds: true }),
      };
    }
    return {
      streams: [{ source: "time", lists: [], exact: null, ...ALL_AGES }],
      residual: residualOf(filter, {}),
    };
  }

  #tagStreams(filter: Filter, seqMax: number): Plan | null {
    const condition = this.#rarest(filter.tags);
    if (condition === undefined) return null;
    if (filter.authors && this.#rowsOf(condition, PLAN_PROBE_ROWS) >= PLAN_PROBE_ROWS) {
      const byAuthor = this.#authorStreams(filter, filter.authors, seqMax);
      if (byAuthor) return byAuthor;
    }
    const { letter } = condition;
    const { keys, values } = distinct(
      condition.values.map((value) => tagKey(letter, value)),
      condition.values,
    );
    const starts = values.map((value) => tagStart(letter, value));
    let all: TagValues[] | null = null;
    const streams = streamsOf("tag", [keys], (from) => (text, at) => {
      if (holdsTag(text, starts[from + at]!)) return true;
      // The keys of the value and of a tag collide. The event may have another value of the condition all the same.
      return holdsConditions(text, all ??= [{ letter, values: new ChosenTexts(condition.values) }], null);
    });
    return { streams, residual: residualOf(filter, { tag: condition }) };
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

  /** A range for each author and kind; null where they would be too many. */
  #authorStreams(filter: Filter, asked: readonly string[], seqMax: number): Plan | null {
    const { keys, values: authors } = distinct(pubkeyKeys(asked), asked);
    const kinds = filter.kinds ??
      (authors.length >= PLAN_SHARED_KINDS_AUTHORS_MIN ? this.#kindsOfAll() : this.#kindsOf(keys));
    if (kinds === null || keys.length * kinds.length > PLAN_RANGES_MAX) return null;
    const streams: Stream[] = [];
    let all: ReadonlySet<string> | null = null;
    const isBy = (authors: readonly string[], from: number) => (text: string, at: number) =>
      hasPubkey(text, authors[from + at]!) || (all ??= new Set(asked)).has(pubkeyOf(text));
    if (keys.length < PLAN_TIMED_AUTHORS_MIN) {
      streams.push(...streamsOf("author", [keys, kinds], (from) => isBy(authors, from)));
    } else {
      this.#times.catchUp(seqMax);
      for (const { places, ...ages } of windowsOf(keys, kinds, filter.limit, this.#times)) {
        const chosen = places.map((place) => authors[place]!);
        const lists = [places.map((place) => keys[place]!), kinds] as const;
        streams.push(...streamsOf("author", lists, (from) => isBy(chosen, from), ages));
      }
    }
    return { streams, residual: residualOf(filter, { kinds: true, authors: true }) };
  }

  /** The kinds there are at all; null where they are too many. */
  #kindsOfAll(): readonly number[] | null {
    const rows = this.#allKinds.all(PLAN_KINDS_OF_AUTHOR_MAX + 1);
    return rows.length > PLAN_KINDS_OF_AUTHOR_MAX ? null : rows.map((row) => row.kind as number);
  }

  /** The kinds that one of the authors has events of, by a seek each; null where they are too many. */
  #kindsOf(authors: readonly number[]): number[] | null {
    const kinds = new Set<number>();
    for (const author of authors) {
      for (const row of this.#kinds.all(author, PLAN_KINDS_OF_AUTHOR_MAX + 1)) kinds.add(row.kind as number);
      if (kinds.size > PLAN_KINDS_OF_AUTHOR_MAX) return null;
    }
    return [...kinds];
  }
}

/**
 * Streams of a bounded number of ranges each, so that no call into SQLite takes long.
 *
 * @param exactOf The check for the stream whose first list begins at this place of the whole one.
 */
function streamsOf(
  source: Source,
  [first, ...others]: readonly [readonly number[], ...(readonly number[])[]],
  exactOf: (from: number) => Stream["exact"],
  ages: Pick<Stream, "ageMin" | "ageMax"> = ALL_AGES,
): Stream[] {
  const [second] = others;
  if (second !== undefined && second.length > SCAN_RANGES_MAX) {
    return chunks(second, SCAN_RANGES_MAX).flatMap((part) => streamsOf(source, [first, part], exactOf, ages));
  }
  if (second?.length === 0) return [];
  const width = Math.floor(SCAN_RANGES_MAX / (second?.length ?? 1));
  return chunks(first, width).map((part, index) => ({
    source,
    lists: [part, ...others],
    exact: exactOf(index * width),
    ...ages,
  }));
}

function hasRepeats(keys: readonly number[]): boolean {
  if (keys.length < 2) return false;
  const sorted = Float64Array.from(keys).sort();
  for (let at = 1; at < sorted.length; at++) if (sorted[at] === sorted[at - 1]) return true;
  return false;
}

/**
 * Keys and their values, each key once: whoever asks can choose many values of one key, and each would be sought again.
 * Sorted, not hashed, because keys can be chosen for a hash table too.
 */
function distinct(
  keys: readonly number[],
  values: readonly string[],
): { readonly keys: readonly number[]; readonly values: readonly string[] } {
  if (!hasRepeats(keys)) return { keys, values };
  const order = keys.map((_, place) => place).sort((a, b) => keys[a]! - keys[b]!);
  const places = order.filter((place, at) => at === 0 || keys[place] !== keys[order[at - 1]!]);
  return { keys: places.map((place) => keys[place]!), values: places.map((place) => values[place]!) };
}

/** A stretch of time, and the authors who may have events in it. */
interface AuthorWindow {
  /** Places in the filter's list. */
  readonly places: readonly number[];
  readonly ageMin: number;
  readonly ageMax: number;
}

/**
 * Cuts time where authors come in, by their newest times, so that a scan of the newest events seeks few authors: of 200 the
 * newest hundred events are of some forty. Each window has the authors of those before it too. Those of whom
 * nothing is known are in the first; the next has twice as many each time, because a call costs as much as some seeks.
 */
function windowsOf(
  keys: readonly number[],
  kinds: readonly number[],
  limit: number,
  times: NewestTimes,
): AuthorWindow[] {
  // Ages and places in one number each, because numbers sort ten times as fast as what a function compares.
  const byAge = new Float64Array(keys.length);
  for (let at = 0; at < keys.length; at++) byAge[at] = times.leastAge(keys[at]!, kinds) * PLACES + at;
  byAge.sort();
  const ageOf = (rank: number) => Math.floor(byAge[rank]! / PLACES);
  let count = byAge.length;
  while (count > 0 && ageOf(count - 1) >= NO_AGE) count--;
  let unknown = 0;
  while (unknown < count && ageOf(unknown) === ANY_AGE) unknown++;
  const places = Array.from(byAge.subarray(0, count), (value) => value - Math.floor(value / PLACES) * PLACES);
  const windows: AuthorWindow[] = [];
  let size = unknown + PLAN_FIRST_AUTHORS + Math.ceil(limit / 3);
  for (let ageMin = ANY_AGE; count > 0; size *= 2) {
    // Authors whose newest events are equally old come in together.
    while (size < count && ageOf(size) <= ageMin) size++;
    if (size >= count || windows.length === WINDOWS_MAX - 1) {
      windows.push({ places, ageMin, ageMax: Infinity });
      break;
    }
    windows.push({ places: places.slice(0, size), ageMin, ageMax: ageOf(size) - 1 });
    ageMin = ageOf(size);
  }
  return windows;
}

/** Each window seeks the authors of those before it again. */
const WINDOWS_MAX = 3;
/** More than a filter holds values; ages times this are exact. */
const PLACES = 2 ** 16;
const ALL_AGES = { ageMin: ANY_AGE, ageMax: Infinity };

function chunks(list: readonly number[], length: number): (readonly number[])[] {
  if (list.length <= length) return list.length === 0 ? [] : [list];
  const parts: (readonly number[])[] = [];
  for (let at = 0; at < list.length; at += length) parts.push(list.slice(at, at + length));
  return parts;
}

/** What the streams leave open. Ids imply nothing else; all else is checked. */
function residualOf(
  filter: Filter,
  implied: { kinds?: boolean; authors?: boolean; tag?: TagCondition },
): Residual {
  const authors = implied.authors ? undefined : filter.authors;
  const tags = filter.tags.filter((condition) => condition !== implied.tag);
  return {
    kinds: filter.kinds && !implied.kinds ? new Set(filter.kinds) : null,
    authorKeys: authors ? new SortedKeys(pubkeyKeys(authors)) : null,
    authors: authors ? new Set(authors) : null,
    ...soughtTags(tags),
  };
}

/** The least kind of the events for which `condition` holds, in one row; null where there are none. */
function leastKind(condition: string): string {
  const least = ofBoth((of) => `SELECT min(kind) AS kind FROM ${of}event WHERE ${condition}`);
  return `SELECT min(kind) FROM (${least})`;
}
