/**
 * One filter of NIP-01 that is asked about one event after another, by the event's text.
 * Runs on the router's thread; belongs to the target that it was made for.
 *
 * @module
 */
import { createdAtOf, idOf, kindOf, pubkeyOf, tagsOf } from "../nostr/exact.ts";
import { type Filter, FilterError, parseFilter } from "../nostr/filter.ts";

/** A condition on tags: the letter, and the values of which one has to be there. */
interface Wanted {
  readonly letter: string;
  readonly values: ReadonlySet<string>;
}

/** See the module's text. `limit` has no meaning here. */
export class EventFilter {
  readonly #ids: ReadonlySet<string> | null;
  readonly #authors: ReadonlySet<string> | null;
  readonly #kinds: ReadonlySet<number> | null;
  readonly #tags: readonly Wanted[];
  readonly #since: number;
  readonly #until: number;
  /** Values in all of its lists. */
  readonly size: number;

  constructor(readonly filter: Filter) {
    const { ids, authors, kinds, tags, since, until } = filter;
    this.#ids = ids ? new Set(ids) : null;
    this.#authors = authors ? new Set(authors) : null;
    this.#kinds = kinds ? new Set(kinds) : null;
    this.#tags = tags.map(({ letter, values }) => ({ letter, values: new Set(values) }));
    this.#since = since ?? -Infinity;
    this.#until = until ?? Infinity;
    const lists = [ids ?? [], authors ?? [], kinds ?? [], ...tags.map(({ values }) => values)];
    this.size = lists.reduce((sum, list) => sum + list.length, 0);
  }

  /** Whether the filter names this kind. */
  namesKind(kind: number): boolean {
    return this.#kinds?.has(kind) ?? false;
  }

  /** The kinds that it names, or null: none. */
  get kinds(): ReadonlySet<number> | null {
    return this.#kinds;
  }

  /** Whether it matches the event of a text that the store wrote. */
  matches(text: string): boolean {
    if (this.#kinds !== null && !this.#kinds.has(kindOf(text))) return false;
    if (this.#authors !== null && !this.#authors.has(pubkeyOf(text))) return false;
    if (this.#ids !== null && !this.#ids.has(idOf(text))) return false;
    if (this.#since !== -Infinity || this.#until !== Infinity) {
      const createdAt = createdAtOf(text);
      if (createdAt < this.#since || createdAt > this.#until) return false;
    }
    if (this.#tags.length === 0) return true;
    const tags = tagsOf(text);
    return this.#tags.every(({ letter, values }) =>
      tags.some(([name, value]) => name === letter && value !== undefined && values.has(value))
    );
  }
}

const LIMITS = { limitMax: Number.MAX_SAFE_INTEGER, limitDefault: Number.MAX_SAFE_INTEGER };

/**
 * Reads a filter that is asked about single events.
 *
 * @param json An object, as `JSON.parse` returns it.
 * @throws {FilterError} if it is none, or has conditions that only a search can decide.
 */
export function readEventFilter(json: unknown): EventFilter {
  const filter = parseFilter(json, LIMITS);
  if (filter.search !== undefined) {
    throw new FilterError('unsupported: "search" has no meaning for events that are forwarded');
  }
  return new EventFilter(filter);
}
