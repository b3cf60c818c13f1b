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
import { idKey, pubkeyKeys, tagKey } from "../nostr/keys.ts";
import type { Audience, Place } from "./audience.ts";
import { FiledKeys } from "./filed_keys.ts";
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
  /** Long lists become sets when they are looked into: most subscriptions end before. */
  kinds: Values<number> | null;
  authors: Values<string> | null;
  ids: Values<string> | null;
  /** Tag key to the value as JSON writes it, for each condition. */
  readonly tags: readonly ReadonlyMap<number, string>[];
  readonly since: number;
  readonly until: number;
}

/** A filter where it was filed; an "any" has no keys. */
interface Filed<Owner> {
  readonly filter: Filter;
  readonly compiled: CompiledFilter<Owner>;
  readonly place: Place;
  readonly keys: readonly number[];
  /** By what its entries are found. */
  readonly entries: number;
}

/** An owner, and what to undo when it leaves. */
interface Subscribed<Owner> {
  readonly owner: Owner;
  readonly filed: Filed<Owner>[];
  /** The last event that it was given, by the index's own count: several filters of it may match. */
  lastEvent: number;
  isOpen: boolean;
}

const VALUES_LISTED_MAX = 8;
const NO_TAGS: readonly ReadonlyMap<number, string>[] = [];

/** The open subscriptions of one gateway. `Owner` is whatever a match is to be delivered to. */
export class SubscriptionIndex<Owner extends object> {
  readonly #filed: Readonly<Record<Exclude<Place, "any">, FiledKeys<CompiledFilter<Owner>>>>;
  readonly #any = new Set<CompiledFilter<Owner>>();
  readonly #subscribed = new Map<Owner, Subscribed<Owner>>();
  #events = 0;
  readonly #audience: Audience | null;
  readonly #matching: Subscribed<Owner>[] = [];

  /**
   * @param audience Is told of every filter, for those who ask whether anybody listens.
   * @param seed Keeps clients from choosing keys that are found slowly; random, 32 bits.
   */
  constructor(audience: Audience | null = null, seed = 0x2545f491) {
    this.#audience = audience;
    const filed = () => new FiledKeys<CompiledFilter<Owner>>(seed);
    this.#filed = { id: filed(), tag: filed(), author: filed(), kind: filed() };
  }

  /** Subscriptions now open. */
  get size(): number {
    return this.#subscribed.size;
  }

  /** Opens a subscription. An owner that is there is replaced. */
  add(owner: Owner, filters: readonly Filter[]): void {
    this.delete(owner);
    const subscription: Subscribed<Owner> = { owner, filed: [], lastEvent: 0, isOpen: true };
    for (const filter of filters) {
      if (isEmptyFilter(filter)) continue;
      const compiled = compile(subscription, filter);
      const [place, keys] = placeOf(filter, compiled);
      if (place === "any") this.#any.add(compiled);
      const entries = place === "any" ? 0 : this.#filed[place].file(keys, compiled);
      this.#audience?.count(filter, place, keys, 1);
      subscription.filed.push({ filter, compiled, place, keys, entries });
    }
    this.#subscribed.set(owner, subscription);
  }

  /** Closes a subscription; nothing happens where there is none. */
  delete(owner: Owner): void {
    const subscription = this.#subscribed.get(owner);
    if (subscription === undefined) return;
    for (const { filter, compiled, place, keys, entries } of subscription.filed) {
      this.#audience?.count(filter, place, keys, -1);
      if (place === "any") this.#any.delete(compiled);
      else this.#filed[place].unfile(entries);
    }
    subscription.isOpen = false;
    this.#subscribed.delete(owner);
  }

  /** Calls `deliver`, which may close subscriptions, once for every owner with a filter that the event matches. */
  match(event: LiveEvent, deliver: (owner: Owner) => void): void {
    const number = ++this.#events;
    const matching = this.#matching;
    matching.length = 0;
    const check = (filter: CompiledFilter<Owner>) => {
      const { subscription } = filter;
      if (subscription.lastEvent === number || !matches(filter, event)) return;
      subscription.lastEvent = number;
      matching.push(subscription);
    };
    const { id, tag, author, kind } = this.#filed;
    id.each(event.idKey, check);
    if (tag.size > 0) { for (const key of event.tagKeys) tag.each(key, check); }
    author.each(event.pubkeyKey, check);
    kind.each(event.kind, check);
    for (const filter of this.#any) check(filter);
    for (const subscription of matching) if (subscription.isOpen) deliver(subscription.owner);
    matching.length = 0;
  }
}

function placeOf(filter: Filter, compiled: CompiledFilter<object>): [Place, readonly number[]] {
  if (filter.ids) return ["id", filter.ids.map(idKey)];
  const fewest = compiled.tags.toSorted((a, b) => a.size - b.size)[0];
  if (fewest) return ["tag", [...fewest.keys()]];
  if (filter.authors) return ["author", pubkeyKeys(filter.authors)];
  return filter.kinds ? ["kind", filter.kinds] : ["any", []];
}

function compile<Owner>(subscription: Subscribed<Owner>, filter: Filter): CompiledFilter<Owner> {
  return {
    subscription,
    kinds: filter.kinds ?? null,
    authors: filter.authors ?? null,
    ids: filter.ids ?? null,
    tags: filter.tags.length === 0
      ? NO_TAGS
      : filter.tags.map(({ letter, values }) =>
        new Map(values.map((value) => [tagKey(letter, value), JSON.stringify(value)]))
      ),
    since: filter.since ?? -Infinity,
    until: filter.until ?? Infinity,
  };
}

function setOf<Value>(values: Values<Value>): Values<Value> {
  return values instanceof Set || (values as readonly Value[]).length <= VALUES_LISTED_MAX
    ? values
    : new Set(values);
}

function isAmong<Value>(values: Values<Value>, value: Value): boolean {
  return values instanceof Set ? values.has(value) : (values as readonly Value[]).includes(value);
}

function matches<Owner>(filter: CompiledFilter<Owner>, event: LiveEvent): boolean {
  if (filter.kinds !== null && !isAmong(filter.kinds = setOf(filter.kinds), event.kind)) return false;
  if (event.createdAt < filter.since || event.createdAt > filter.until) return false;
  if (filter.authors !== null && !isAmong(filter.authors = setOf(filter.authors), pubkeyOf(event.text))) {
    return false;
  }
  if (filter.ids !== null && !isAmong(filter.ids = setOf(filter.ids), idOf(event.text))) return false;
  return filter.tags.every((wanted) => hasOneOf(wanted, event));
}

function hasOneOf(wanted: ReadonlyMap<number, string>, event: LiveEvent): boolean {
  for (const key of event.tagKeys) {
    const quoted = wanted.get(key);
    if (quoted !== undefined && holdsQuoted(event.text, quoted)) return true;
  }
  return false;
}
