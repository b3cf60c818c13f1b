/**
 * Whether an event belongs to a stream: one that another relay has sent, parsed, or one of the own store, as its text.
 * Runs on any thread; belongs to whoever made it.
 *
 * @module
 */
import { FILTER_VALUES_MAX } from "../limits.ts";
import { ChosenTexts } from "../nostr/chosen_texts.ts";
import type { NostrEvent } from "../nostr/event.ts";
import { type Filter, parseFilter } from "../nostr/filter.ts";
import { FilterCheck } from "../store/read/filter_check.ts";
import type { Stream } from "./stream.ts";

/** See the module's text. */
export class EventFilter {
  readonly #filter: Filter;
  readonly #stored: FilterCheck;
  readonly #ids: ReadonlySet<string> | null;
  readonly #authors: ReadonlySet<string> | null;
  readonly #kinds: ReadonlySet<number> | null;
  readonly #tags: readonly { readonly letter: string; readonly values: ChosenTexts }[];

  /** @param filter A stream's, which was checked when its file was read. */
  constructor(filter: Stream["filter"]) {
    const { limit: _, ...conditions } = filter;
    this.#filter = parseFilter(conditions, { limitMax: FILTER_VALUES_MAX, limitDefault: 0 });
    this.#stored = new FilterCheck(this.#filter);
    const { ids, authors, kinds, tags } = this.#filter;
    this.#ids = ids ? new Set(ids) : null;
    this.#authors = authors ? new Set(authors) : null;
    this.#kinds = kinds ? new Set(kinds) : null;
    this.#tags = tags.map(({ letter, values }) => ({ letter, values: new ChosenTexts(values) }));
  }

  /** Whether an event whose fields have the right types (`shapeFault`) satisfies the filter. */
  matches({ id, pubkey, kind, created_at, tags }: NostrEvent): boolean {
    const { since = -Infinity, until = Infinity } = this.#filter;
    if (this.#kinds?.has(kind) === false || this.#authors?.has(pubkey) === false) return false;
    if (created_at < since || created_at > until || this.#ids?.has(id) === false) return false;
    return this.#tags.every(({ letter, values }) =>
      tags.some(([name, value]) => name === letter && value !== undefined && values.has(value))
    );
  }

  /** The same for an event's text as this relay stores and sends it (`eventText`). */
  matchesStored(text: string): boolean {
    return this.#stored.holds(text);
  }
}
