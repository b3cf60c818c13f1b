/**
 * Whether the text of an event satisfies a filter, at a cost that is linear in both: what a text tells cheaply is compared
 * first, and what the filter lists is put into sets once.
 * Runs on any thread; belongs to whoever made it.
 *
 * @module
 */
import type { Filter } from "../../nostr/filter.ts";
import { createdAtOf, idOf, kindOf, pubkeyOf } from "../../nostr/exact.ts";
import { holdsConditions, type SoughtTags, soughtTags } from "./tag_conditions.ts";

/** One filter's conditions, `limit` and `search` apart. */
export class FilterCheck {
  readonly #filter: Filter;
  readonly #kinds: ReadonlySet<number> | null;
  readonly #authors: ReadonlySet<string> | null;
  readonly #ids: ReadonlySet<string> | null;
  /** Made when the first text gets as far as its tags. */
  #tags: SoughtTags | null = null;

  constructor(filter: Filter) {
    this.#filter = filter;
    this.#kinds = filter.kinds ? new Set(filter.kinds) : null;
    this.#authors = filter.authors ? new Set(filter.authors) : null;
    this.#ids = filter.ids ? new Set(filter.ids) : null;
  }

  /** Whether all conditions hold. */
  holds(text: string): boolean {
    const { since, until, tags } = this.#filter;
    if (this.#kinds !== null && !this.#kinds.has(kindOf(text))) return false;
    if (this.#authors !== null && !this.#authors.has(pubkeyOf(text))) return false;
    if (since !== undefined && createdAtOf(text) < since) return false;
    if (until !== undefined && createdAtOf(text) > until) return false;
    if (this.#ids !== null && !this.#ids.has(idOf(text))) return false;
    if (tags.length === 0) return true;
    const sought = this.#tags ??= soughtTags(tags);
    return holdsConditions(text, sought.tags, sought.tagStarts);
  }
}
