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
import { hasId, holdsQuoted, pubkeyOf } from "../store/exact.ts";

/** An event as the tail brings it: keys, and the text. */
export interface LiveEvent {
  readonly kind: number;
  readonly createdAt: number;
  readonly idKey: number;
  readonly pubkeyKey: number;
  readonly tagKeys: readonly number[];
  readonly text: string;
}

/** A filter ready to be checked against events: sets instead of lists. */
interface CompiledFilter<Owner> {
  readonly owner: Owner;
  readonly kinds: ReadonlySet<number> | null;
  readonly authors: ReadonlySet<string> | null;
  readonly ids: readonly string[] | null;
  /** Tag key to the value as JSON writes it, for each condition. */
  readonly tags: readonly ReadonlyMap<number, string>[];
  readonly since: number;
  readonly until: number;
}

type Bucket<Owner> = Set<CompiledFilter<Owner>>;
type Buckets<Owner> = Map<number, Bucket<Owner>>;

/** A filter where it was filed; an "any" has no keys. */
interface Filed<Owner> {
  readonly filter: Filter;
  readonly compiled: CompiledFilter<Owner>;
  readonly place: Place;
  readonly keys: readonly number[];
}

/** The open subscriptions of one gateway. `Owner` is whatever a match is to be delivered to. */
export class SubscriptionIndex<Owner extends object> {
  readonly #byId: Buckets<Owner> = new Map();
  readonly #byTag: Buckets<Owner> = new Map();
  readonly #byAuthor: Buckets<Owner> = new Map();
  readonly #byKind: Buckets<Owner> = new Map();
  readonly #any: Bucket<Owner> = new Set();
  /** What to undo when an owner leaves. */
  readonly #filed = new Map<Owner, Filed<Owner>[]>();
  readonly #audience: Audience | null;

  /** @param audience Is told of every filter, for those who ask whether anybody listens. */
  constructor(audience: Audience | null = null) {
    this.#audience = audience;
  }

  /** Subscriptions now open. */
  get size(): number {
    return this.#filed.size;
  }

  /** Opens a subscription. An owner that is there is replaced. */
  add(owner: Owner, filters: readonly Filter[]): void {
    this.delete(owner);
    const filed: Filed<Owner>[] = [];
    for (const filter of filters) {
      if (isEmptyFilter(filter)) continue;
      const compiled = compile(owner, filter);
      const [place, keys] = placeOf(filter, compiled);
      const buckets = this.#bucketsOf(place);
      if (buckets === null) this.#any.add(compiled);
      else for (const key of keys) bucketOf(buckets, key).add(compiled);
      this.#audience?.count(filter, place, keys, 1);
      filed.push({ filter, compiled, place, keys });
    }
    this.#filed.set(owner, filed);
  }

  /** Closes a subscription; nothing happens where there is none. */
  delete(owner: Owner): void {
    for (const { filter, compiled, place, keys } of this.#filed.get(owner) ?? []) {
      this.#audience?.count(filter, place, keys, -1);
      const buckets = this.#bucketsOf(place);
      if (buckets === null) this.#any.delete(compiled);
      else for (const key of keys) removeFrom(buckets, key, compiled);
    }
    this.#filed.delete(owner);
  }

  /** Calls `deliver` once for every owner with a filter that the event matches. */
  match(event: LiveEvent, deliver: (owner: Owner) => void): void {
    const seen = new Set<Owner>();
    const check = (bucket: Bucket<Owner> | undefined) => {
      if (bucket === undefined) return;
      for (const filter of bucket) {
        if (seen.has(filter.owner) || !matches(filter, event)) continue;
        seen.add(filter.owner);
        deliver(filter.owner);
      }
    };
    check(this.#byId.get(event.idKey));
    if (this.#byTag.size > 0) { for (const key of event.tagKeys) check(this.#byTag.get(key)); }
    check(this.#byAuthor.get(event.pubkeyKey));
    check(this.#byKind.get(event.kind));
    check(this.#any);
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

function compile<Owner>(owner: Owner, filter: Filter): CompiledFilter<Owner> {
  return {
    owner,
    kinds: filter.kinds ? new Set(filter.kinds) : null,
    authors: filter.authors ? new Set(filter.authors) : null,
    ids: filter.ids ?? null,
    tags: filter.tags.map(({ letter, values }) =>
      new Map(values.map((value) => [tagKey(letter, value), JSON.stringify(value)]))
    ),
    since: filter.since ?? -Infinity,
    until: filter.until ?? Infinity,
  };
}

function matches<Owner>(filter: CompiledFilter<Owner>, event: LiveEvent): boolean {
  if (filter.kinds !== null && !filter.kinds.has(event.kind)) return false;
  if (event.createdAt < filter.since || event.createdAt > filter.until) return false;
  if (filter.authors !== null && !filter.authors.has(pubkeyOf(event.text))) return false;
  if (filter.ids !== null && !filter.ids.some((id) => hasId(event.text, id))) return false;
  return filter.tags.every((wanted) => hasOneOf(wanted, event));
}

function hasOneOf(wanted: ReadonlyMap<number, string>, event: LiveEvent): boolean {
  for (const key of event.tagKeys) {
    const quoted = wanted.get(key);
    if (quoted !== undefined && holdsQuoted(event.text, quoted)) return true;
  }
  return false;
}

function bucketOf<Owner>(buckets: Buckets<Owner>, key: number): Bucket<Owner> {
  let bucket = buckets.get(key);
  if (bucket === undefined) buckets.set(key, bucket = new Set());
  return bucket;
}

function removeFrom<Owner>(buckets: Buckets<Owner>, key: number, filter: CompiledFilter<Owner>): void {
  const bucket = buckets.get(key);
  if (bucket?.delete(filter) && bucket.size === 0) buckets.delete(key);
}

function unique(keys: readonly number[]): readonly number[] {
  return [...new Set(keys)];
}
