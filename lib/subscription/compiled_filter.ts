/**
 * A filter made ready to be asked about one event after another. The condition by which it was found is not looked at
 * again, nor are its values kept twice.
 * Runs on a gateway's thread; belongs to the subscription.
 *
 * @module
 */
import type { Filter, TagCondition } from "../nostr/filter.ts";
import { idKey, pubkeyKeys, tagKey } from "../nostr/keys.ts";
import { idOf, pubkeyOf } from "../nostr/exact.ts";
import type { Place } from "./audience.ts";
import type { EventTags, LiveEvent } from "./event_tags.ts";

/** Values to be found among: a set where a list would be slow. */
type Values<Value> = readonly Value[] | ReadonlySet<Value>;

/** A condition on tags, with the key of each value. */
interface TagKeys {
  readonly condition: TagCondition;
  readonly keys: readonly number[];
}

const VALUES_LISTED_MAX = 8;
const NO_TAGS: readonly TagKeys[] = [];
const NO_VALUES: readonly string[] = [];

/** Where a filter is filed, and under which keys; an "any" has none. */
interface FilterPlace {
  readonly place: Place;
  readonly keys: readonly number[];
  /** What the keys stand for, in their order; empty where they say it all. */
  readonly values: readonly string[];
  /** The condition that they are of. */
  readonly condition: TagCondition | null;
}

/** The most selective condition: ids, else the tag condition with the fewest values, else authors, else kinds. */
export function placeOf(filter: Filter): FilterPlace {
  const { ids, authors, kinds, tags } = filter;
  if (ids) return { place: "id", keys: ids.map(idKey), values: ids, condition: null };
  const fewest = tags.toSorted((a, b) => a.values.length - b.values.length)[0];
  if (fewest) return { place: "tag", keys: keysOf(fewest), values: fewest.values, condition: fewest };
  if (authors) return { place: "author", keys: pubkeyKeys(authors), values: authors, condition: null };
  const place = kinds ? "kind" : "any";
  return { place, keys: kinds ?? [], values: NO_VALUES, condition: null };
}

/** See the module's text. `Subscription` is whoever it belongs to. */
export class CompiledFilter<Subscription> {
  /** The last event that it was asked about, by the index's own count: it may be filed under several of its keys. */
  lastEvent = 0;
  readonly #letter: string;
  readonly #values: readonly string[];
  /** Long lists become sets when they are looked into: most subscriptions end before. */
  #kinds: Values<number> | null;
  #authors: Values<string> | null;
  readonly #tags: readonly TagKeys[];
  /** Looks at a key, where the tags are asked about. */
  readonly #tagSteps: number;
  #isAskedOfTags = false;
  readonly #since: number;
  readonly #until: number;

  constructor(
    readonly subscription: Subscription,
    filter: Filter,
    { place, values, condition }: FilterPlace,
  ) {
    this.#letter = condition?.letter ?? "";
    this.#values = values;
    this.#kinds = place === "kind" ? null : filter.kinds ?? null;
    this.#authors = place === "author" ? null : filter.authors ?? null;
    const others = filter.tags.length === 0 ? [] : filter.tags.filter((other) => other !== condition);
    this.#tags = others.length === 0
      ? NO_TAGS
      : others.map((other) => ({ condition: other, keys: keysOf(other) }));
    this.#tagSteps = this.#tags.reduce((sum, { keys }) => sum + keys.length, 0);
    this.#since = filter.since ?? -Infinity;
    this.#until = filter.until ?? Infinity;
  }

  /** Whether the id at this place of its list is the event's. */
  hasId(place: number, event: LiveEvent): boolean {
    return this.#values[place] === idOf(event.text);
  }

  /** Whether the author at this place of its list is the event's. */
  hasAuthor(place: number, event: LiveEvent): boolean {
    return this.#values[place] === pubkeyOf(event.text);
  }

  /** Whether the tag at this place of its list is the event's, which has its key. */
  hasTag(place: number, tags: EventTags): boolean {
    return tags.has(this.#letter, this.#values[place]!);
  }

  /** What the last {@linkcode CompiledFilter.matchesRest} has cost, in looks at a key. */
  get steps(): number {
    return this.#isAskedOfTags ? 1 + this.#tagSteps : 1;
  }

  /** Whether the conditions hold by which it was not found. */
  matchesRest(event: LiveEvent, tags: EventTags): boolean {
    this.#isAskedOfTags = false;
    if (this.#kinds !== null && !isAmong(this.#kinds = setOf(this.#kinds), event.kind)) return false;
    if (event.createdAt < this.#since || event.createdAt > this.#until) return false;
    if (this.#authors !== null && !isAmong(this.#authors = setOf(this.#authors), pubkeyOf(event.text))) {
      return false;
    }
    if (this.#tags === NO_TAGS) return true;
    this.#isAskedOfTags = true;
    return this.#tags.every((wanted) => hasOneOf(wanted, tags));
  }
}

function keysOf({ letter, values }: TagCondition): readonly number[] {
  return values.map((value) => tagKey(letter, value));
}

function hasOneOf({ condition: { letter, values }, keys }: TagKeys, tags: EventTags): boolean {
  for (let at = 0; at < keys.length; at++) {
    if (tags.hasKey(keys[at]!) && tags.has(letter, values[at]!)) return true;
  }
  return false;
}

/** Kinds are few numbers that nobody can choose to share a bucket; keys of people are texts, which V8 hashes by chance. */
function setOf<Value>(values: Values<Value>): Values<Value> {
  return values instanceof Set || (values as readonly Value[]).length <= VALUES_LISTED_MAX
    ? values
    : new Set(values);
}

function isAmong<Value>(values: Values<Value>, value: Value): boolean {
  return values instanceof Set ? values.has(value) : (values as readonly Value[]).includes(value);
}
