/**
 * Finds the subscriptions that an event matches, at a cost that grows with those that match, not with those that exist.
 * A gateway's thread owns it.
 *
 * Each filter is filed under the values of its most selective condition: ids, else the tag condition with the fewest
 * values, else authors, else kinds, else under "any". An event looks up its own id, tag keys, author and kind; of what it
 * finds, the value itself is compared, and once an event the rest of the filter. Keys are the 52-bit ones of the store;
 * the text decides in the end.
 *
 * Work that brings no match is counted: a filter found by many keys of one event, or with long lists of tags to go through.
 * Who subscribed to such learns what it costs (`charge`), and decides who goes on.
 *
 * @module
 */
import { LIVE_STEPS_CHARGED } from "../limits.ts";
import { type Filter, isEmptyFilter } from "../nostr/filter.ts";
import type { KeyHash } from "../nostr/key_hash.ts";
import { type Audience, mayHearEphemeral, type Place } from "./audience.ts";
import { CompiledFilter, placeOf } from "./compiled_filter.ts";
import { EventTags, type LiveEvent } from "./event_tags.ts";
import { FiledKeys, type Filing } from "./filed_keys.ts";

export type { LiveEvent };

type OwnFilter<Owner> = CompiledFilter<Subscribed<Owner>>;

/** A filter where it was filed; an "any" has no filing. */
interface Filed<Owner> {
  readonly compiled: OwnFilter<Owner>;
  readonly place: Place;
  readonly filing: Filing<OwnFilter<Owner>> | null;
  /** Whether the audience counts it. */
  readonly isHeard: boolean;
}

/** An owner, and what to undo when it leaves. */
interface Subscribed<Owner> {
  readonly owner: Owner;
  readonly filed: Filed<Owner>[];
  /** The last event that it was given, by the index's own count: several filters of it may match. */
  lastEvent: number;
  /** Steps in vain that were not charged yet. */
  steps: number;
  isOpen: boolean;
}

/** What an index needs beside its owners. */
interface IndexParts<Owner> {
  /** Keeps clients from choosing keys that are found slowly. */
  readonly hash: KeyHash;
  /** Is told of every filter, for those who ask whether anybody listens. */
  readonly audience?: Audience;
  /** So many steps led to no match, for the event that was matched last and others before; may close subscriptions. */
  readonly charge?: (owner: Owner, steps: number) => void;
}

/** The open subscriptions of one gateway. `Owner` is whatever a match is to be delivered to. */
export class SubscriptionIndex<Owner extends object> {
  readonly #filed: Readonly<Record<Exclude<Place, "any">, FiledKeys<OwnFilter<Owner>>>>;
  readonly #any = new Set<OwnFilter<Owner>>();
  readonly #subscribed = new Map<Owner, Subscribed<Owner>>();
  readonly #audience: Audience | null;
  readonly #charge: IndexParts<Owner>["charge"] | null;
  readonly #tags = new EventTags();
  /** Those that the last event matches, of which so many were handed out. */
  readonly #matching: Subscribed<Owner>[] = [];
  #handedOut = 0;
  readonly #dear: Subscribed<Owner>[] = [];
  #events = 0;
  /** The one that is being matched. */
  #event: LiveEvent = NO_EVENT;
  readonly #visitId = (filter: OwnFilter<Owner>, at: number) => {
    if (this.#isOpen(filter)) this.#check(filter, filter.hasId(at, this.#event));
  };
  readonly #visitTag = (filter: OwnFilter<Owner>, at: number) => {
    if (this.#isOpen(filter)) this.#check(filter, filter.hasTag(at, this.#tags));
  };
  readonly #visitAuthor = (filter: OwnFilter<Owner>, at: number) => {
    if (this.#isOpen(filter)) this.#check(filter, filter.hasAuthor(at, this.#event));
  };
  readonly #visitAny = (filter: OwnFilter<Owner>) => {
    if (this.#isOpen(filter)) this.#check(filter, true);
  };

  constructor({ hash, audience, charge }: IndexParts<Owner>) {
    this.#audience = audience ?? null;
    this.#charge = charge ?? null;
    const filed = () => new FiledKeys<OwnFilter<Owner>>(hash);
    this.#filed = { id: filed(), tag: filed(), author: filed(), kind: filed() };
  }

  /** Subscriptions now open. */
  get size(): number {
    return this.#subscribed.size;
  }

  /** Opens a subscription. An owner that is there is replaced. */
  add(owner: Owner, filters: readonly Filter[]): void {
    this.delete(owner);
    const subscription: Subscribed<Owner> = { owner, filed: [], lastEvent: 0, steps: 0, isOpen: true };
    for (const filter of filters) {
      if (isEmptyFilter(filter)) continue;
      const found = placeOf(filter);
      const { place, keys } = found;
      const compiled = new CompiledFilter(subscription, filter, found);
      if (place === "any") this.#any.add(compiled);
      const filing = place === "any" ? null : this.#filed[place].file(keys, compiled);
      const isHeard = this.#audience !== null && mayHearEphemeral(filter);
      if (isHeard) this.#count(place, keys, 1);
      subscription.filed.push({ compiled, place, filing, isHeard });
    }
    this.#subscribed.set(owner, subscription);
  }

  /** Closes a subscription; nothing happens where there is none. */
  delete(owner: Owner): void {
    const subscription = this.#subscribed.get(owner);
    if (subscription === undefined) return;
    for (const { compiled, place, filing, isHeard } of subscription.filed) {
      if (place === "any") {
        this.#any.delete(compiled);
        if (isHeard) this.#count(place, [], -1);
      } else if (isHeard) this.#filed[place].unfile(filing!, (key) => this.#audience!.count(place, key, -1));
      else this.#filed[place].unfile(filing!);
    }
    subscription.isOpen = false;
    this.#subscribed.delete(owner);
  }

  /** Calls `deliver`, which may close subscriptions, once for every owner with a filter that the event matches. */
  match(event: LiveEvent, deliver: (owner: Owner) => void): void {
    this.find(event);
    this.handOut(deliver, Infinity);
  }

  /** Finds every owner with a filter that the event matches, for `handOut`; those before it are forgotten. */
  find(event: LiveEvent): void {
    this.#events++;
    this.#matching.length = 0;
    this.#event = event;
    this.#tags.use(event);
    const { id, tag, author, kind } = this.#filed;
    id.each(event.idKey, this.#visitId);
    if (tag.size > 0) { for (const key of event.tagKeys) tag.each(key, this.#visitTag); }
    author.each(event.pubkeyKey, this.#visitAuthor);
    kind.each(event.kind, this.#visitAny);
    for (const filter of this.#any) this.#visitAny(filter);
    this.#event = NO_EVENT;
    this.#tags.use(null);
    this.#handedOut = 0;
    if (this.#dear.length > 0) this.#chargeDear();
  }

  /**
   * Calls `deliver`, which may close subscriptions, once for each owner that was found and is still open, for at most so
   * many. Returns how many were looked at.
   */
  handOut(deliver: (owner: Owner) => void, most: number): number {
    const begin = this.#handedOut;
    const end = Math.min(this.#matching.length, this.#handedOut + most);
    while (this.#handedOut < end) {
      const subscription = this.#matching[this.#handedOut++]!;
      if (subscription.isOpen) deliver(subscription.owner);
    }
    if (end === this.#matching.length) this.#matching.length = this.#handedOut = 0;
    return end - begin;
  }

  /** Whether some that were found are not handed out yet. */
  get hasFound(): boolean {
    return this.#matching.length > 0;
  }

  #count(place: Place, keys: readonly number[], change: 1 | -1): void {
    if (place === "any") return this.#audience!.count(place, 0, change);
    for (const key of keys) this.#audience!.count(place, key, change);
  }

  /** Whether the filter has still to be asked about the event. A filter that many keys lead to was asked at the first. */
  #isOpen(filter: OwnFilter<Owner>): boolean {
    const number = this.#events;
    const { subscription } = filter;
    if (subscription.lastEvent === number) return false;
    if (filter.lastEvent !== number) return true;
    this.#spend(subscription, 1);
    return false;
  }

  /** `isFound` says whether the value is the event's, and not only the key. */
  #check(filter: OwnFilter<Owner>, isFound: boolean): void {
    const { subscription } = filter;
    if (!isFound) return this.#spend(subscription, 1);
    filter.lastEvent = this.#events;
    if (!filter.matchesRest(this.#event, this.#tags)) return this.#spend(subscription, filter.steps);
    subscription.lastEvent = this.#events;
    this.#matching.push(subscription);
  }

  #spend(subscription: Subscribed<Owner>, steps: number): void {
    const before = subscription.steps;
    subscription.steps += steps;
    if (before < LIVE_STEPS_CHARGED && subscription.steps >= LIVE_STEPS_CHARGED) {
      this.#dear.push(subscription);
    }
  }

  #chargeDear(): void {
    for (const subscription of this.#dear) {
      const { steps } = subscription;
      subscription.steps = 0;
      if (subscription.isOpen) this.#charge?.(subscription.owner, steps);
    }
    this.#dear.length = 0;
  }
}

const NO_EVENT: LiveEvent = { kind: -1, createdAt: 0, idKey: -1, pubkeyKey: -1, tagKeys: [], text: "" };
