/**
 * Finds the subscriptions that an event matches, at a cost that grows with those that match, not with those that exist.
 * A gateway's thread owns it.
 *
 * Each filter is filed under the values of its most selective condition: ids, else the tag condition with the fewest
 * values, else authors, else kinds, else under "any". An event looks up its own id, tag keys, author and kind; what it
 * finds is checked in full. Keys are the 52-bit ones of the store; the text decides in the end.
 *
 * @module
 */
import { type Filter, isEmptyFilter } from "../nostr/filter.ts";
import { idKey, pubkeyKey, tagKey } from "../nostr/keys.ts";
import type { Audience, Place } from "./audience.ts";
import { holdsQuoted, idOf, pubkeyOf } from "../store/exact.ts";

/** An event as the tail brings it: keys, and the text. */
export interface LiveEvent {
  readonly kind: number;
  readonly createdAt: number;
  readonly idKey: number;
  readonly pubkeyKey: number;
  readonly tagKeys: readonly number[];
  readonly text: string;
}

/** Values to be found among: a set where a list would be slow. */
type Values<Value> = readonly Value[] | ReadonlySet<Value>;

/** A filter ready to be checked against events. */
interface CompiledFilter<Owner> {
  readonly subscription: Subscribed<Owner>;
  readonly kinds: Values<number> | null;
  readonly authors: Values<string> | null;
  readonly ids: Values<string> | null;
  /** Tag key to the value as JSON writes it, for each condition. */
  readonly tags: readonly ReadonlyMap<number, string>[];
  readonly since: number;
  readonly until: number;
}

/** The filters under one key. Nearly always it is one, and a set for it would be most of what a subscription takes. */
type Bucket<Owner> = CompiledFilter<Owner> | Set<CompiledFilter<Owner>>;
type Buckets<Owner> = Map<number, Bucket<Owner>>;

/** A filter where it was filed; an "any" has no keys. */
interface Filed<Owner> {
  readonly filter: Filter;
  readonly compiled: CompiledFilter<Owner>;
  readonly place: Place;
  readonly keys: readonly number[];
}

/** An owner, and what to undo when it leaves. */
interface Subscribed<Owner> {
  readonly owner: Owner;
  readonly filed: Filed<Owner>[];
  /** The last event that it was given, by the index's own count: several filters of it may match. */
  lastEvent: number;
}

const VALUES_LISTED_MAX = 8;
const NO_TAGS: readonly ReadonlyMap<number, string>[] = [];

/** The open subscriptions of one gateway. `Owner` is whatever a match is to be delivered to. */
export class SubscriptionIndex<Owner extends object> {
  readonly #byId: Buckets<Owner> = new Map();
  readonly #byTag: Buckets<Owner> = new Map();
  readonly #byAuthor: Buckets<Owner> = new Map();
  readonly #byKind: Buckets<Owner> = new Map();
  readonly #any = new Set<CompiledFilter<Owner>>();
  readonly #subscribed = new Map<Owner, Subscribed<Owner>>();
  #events = 0;
  readonly #audience: Audience | null;

  /** @param audience Is told of every filter, for those who ask whether anybody listens. */
  constructor(audience: Audience | null = null) {
    this.#audience = audience;
  }

  /** Subscriptions now open. */
  get size(): number {
    return this.#subscribed.size;
  }

  /** Opens a subscription. An owner that is there is replaced. */
  add(owner: Owner, filters: readonly Filter[]): void {
    this.delete(owner);
    const subscription: Subscribed<Owner> = { owner, filed: [], lastEvent: 0 };
    for (const filter of filters) {
      if (isEmptyFilter(filter)) continue;
      const compiled = compile(subscription, filter);
      const [place, keys] = placeOf(filter, compiled);
      const buckets = this.#bucketsOf(place);
      if (buckets === null) this.#any.add(compiled);
      else for (const key of keys) addTo(buckets, key, compiled);
      this.#audience?.count(filter, place, keys, 1);
      subscription.filed.push({ filter, compiled, place, keys });
    }
    this.#subscribed.set(owner, subscription);
  }

  /** Closes a subscription; nothing happens where there is none. */
  delete(owner: Owner): void {
    for (const { filter, compiled, place, keys } of this.#subscribed.get(owner)?.filed ?? []) {
      this.#audience?.count(filter, place, keys, -1);
      const buckets = this.#bucketsOf(place);
      if (buckets === null) this.#any.delete(compiled);
      else for (const key of keys) removeFrom(buckets, key, compiled);
    }
    this.#subscribed.delete(owner);
  }

  /** Calls `deliver` once for every owner with a filter that the event matches. */
  match(event: LiveEvent, deliver: (owner: Owner) => void): void {
    const number = ++this.#events;
    const check = (filter: CompiledFilter<Owner>) => {
      const { subscription } = filter;
      if (subscription.lastEvent === number || !matches(filter, event)) return;
      subscription.lastEvent = number;
      deliver(subscription.owner);
    };
    const checkAll = (bucket: Bucket<Owner> | undefined) => {
      if (bucket instanceof Set) { for (const filter of bucket) check(filter); }
      else if (bucket !== undefined) check(bucket);
    };
    checkAll(this.#byId.get(event.idKey));
    if (this.#byTag.size > 0) { for (const key of event.tagKeys) checkAll(this.#byTag.get(key)); }
    checkAll(this.#byAuthor.get(event.pubkeyKey));
    checkAll(this.#byKind.get(event.kind));
    checkAll(this.#any);
  }

  #bucketsOf(place: Place): Buckets<Owner> | null {
    if (place === "id") return this.#byId;
    if (place === "tag") return this.#byTag;
    if (place === "author") return this.#byAuthor;
    return place === "kind" ? this.#byKind : null;
  }
}

function placeOf(filter: Filter, compiled: CompiledFilter<object>): [Place, readonly number[]] {
  if (filter.ids) return ["id", unique(filter.ids.map(idKey))];
  const fewest = compiled.tags.toSorted((a, b) => a.size - b.size)[0];
  if (fewest) return ["tag", [...fewest.keys()]];
  if (filter.authors) return ["author", unique(filter.authors.map(pubkeyKey))];
  return filter.kinds ? ["kind", filter.kinds] : ["any", []];
}

function compile<Owner>(subscription: Subscribed<Owner>, filter: Filter): CompiledFilter<Owner> {
  return {
    subscription,
    kinds: valuesOf(filter.kinds),
    authors: valuesOf(filter.authors),
    ids: valuesOf(filter.ids),
    tags: filter.tags.length === 0
      ? NO_TAGS
      : filter.tags.map(({ letter, values }) =>
        new Map(values.map((value) => [tagKey(letter, value), JSON.stringify(value)]))
      ),
    since: filter.since ?? -Infinity,
    until: filter.until ?? Infinity,
  };
}

function valuesOf<Value>(values: readonly Value[] | undefined): Values<Value> | null {
  if (values === undefined) return null;
  return values.length <= VALUES_LISTED_MAX ? values : new Set(values);
}

function isAmong<Value>(values: Values<Value>, value: Value): boolean {
  return values instanceof Set ? values.has(value) : (values as readonly Value[]).includes(value);
}

function matches<Owner>(filter: CompiledFilter<Owner>, event: LiveEvent): boolean {
  if (filter.kinds !== null && !isAmong(filter.kinds, event.kind)) return false;
  if (event.createdAt < filter.since || event.createdAt > filter.until) return false;
  if (filter.authors !== null && !isAmong(filter.authors, pubkeyOf(event.text))) return false;
  if (filter.ids !== null && !isAmong(filter.ids, idOf(event.text))) return false;
  return filter.tags.every((wanted) => hasOneOf(wanted, event));
}

function hasOneOf(wanted: ReadonlyMap<number, string>, event: LiveEvent): boolean {
  for (const key of event.tagKeys) {
    const quoted = wanted.get(key);
    if (quoted !== undefined && holdsQuoted(event.text, quoted)) return true;
  }
  return false;
}

function addTo<Owner>(buckets: Buckets<Owner>, key: number, filter: CompiledFilter<Owner>): void {
  const bucket = buckets.get(key);
  if (bucket instanceof Set) bucket.add(filter);
  else buckets.set(key, bucket === undefined ? filter : new Set([bucket, filter]));
}

function removeFrom<Owner>(buckets: Buckets<Owner>, key: number, filter: CompiledFilter<Owner>): void {
  const bucket = buckets.get(key);
  if (bucket === filter) buckets.delete(key);
  else if (bucket instanceof Set && bucket.delete(filter) && bucket.size === 0) buckets.delete(key);
}

function unique(keys: readonly number[]): readonly number[] {
  return [...new Set(keys)];
}
