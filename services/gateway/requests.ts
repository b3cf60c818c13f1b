/**
 * REQ, COUNT and CLOSE: a gateway's subscriptions, what their stored parts bring, and the live events.
 * The gateway's thread owns it, and the subscription index.
 *
 * @module
 */
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import { histogramsOf, slotOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import type { Filter } from "../../lib/nostr/filter.ts";
import { countText, eoseText } from "../../lib/nostr/relay_message.ts";
import type { ReadGate, ReadingRights } from "../../lib/policy/read_gate.ts";
import { KEY_HASH_WORDS, KeyHash } from "../../lib/nostr/key_hash.ts";
import { LIVE_STEPS_PER_SECOND_MAX } from "../../lib/limits.ts";
import type { Audience } from "../../lib/subscription/audience.ts";
import { heldValues } from "../../lib/subscription/held_values.ts";
import { type LiveEvent, SubscriptionIndex } from "../../lib/subscription/subscription_index.ts";
import type { Answers } from "./answers.ts";
import type { Connection, Subscription } from "./connection.ts";
import type { FilterRoom } from "./filter_room.ts";
import type { Deliverer } from "./live_feed.ts";
import { type CountAnswer, type QueryEvents, type ReadingMeans, StoredQueries } from "./stored_queries.ts";
import type { StoredQuery } from "./stored_query.ts";

const DELIVERIES = slotOf("nostr_deliveries_total");
const SLOW_READERS = slotOf("nostr_slow_readers_total");
const SUBSCRIPTIONS = slotOf("nostr_subscriptions_active");
const QUERY_SECONDS = histogramsOf("nostr_query_seconds");

/** Why a client's subscriptions end that does not read what it asked for. */
export const TOO_SLOW = "rate-limited: the client reads too slowly";
/** Why they end where live events lead to its filters again and again, and match none. */
const TOO_DEAR = "rate-limited: the filters cost too much for what they match";

/** What it is made of. */
interface RequestsParts {
  readonly settings: ConfigFollower;
  readonly metrics: ThreadMetrics;
  readonly answers: Answers;
  readonly gate: ReadGate;
  /** A client's query had the relay look at so many rows. */
  readonly spent: (connection: Connection, rows: number) => void;
  /** What the store learns of who listens. */
  readonly audience: Audience;
  readonly room: FilterRoom;
  /** What stored parts are read with. */
  readonly reading: ReadingMeans;
}

/** All requests of one gateway; see the module's text. */
export class Requests implements QueryEvents, Deliverer {
  readonly #settings: ConfigFollower;
  readonly #metrics: ThreadMetrics;
  readonly #answers: Answers;
  readonly #gate: ReadGate;
  readonly #spent: RequestsParts["spent"];
  readonly #subscriptions: SubscriptionIndex<Subscription>;
  readonly #room: FilterRoom;
  /** Sends the event that was begun last to a subscription that it matches. */
  #deliver: (subscription: Subscription) => void = () => {};
  #sent = 0;
  /** The stored parts, and the COUNTs. */
  readonly queries: StoredQueries;

  constructor({ settings, metrics, answers, gate, spent, audience, room, reading }: RequestsParts) {
    this.#settings = settings;
    this.#metrics = metrics;
    this.#answers = answers;
    this.#gate = gate;
    this.#spent = spent;
    this.#room = room;
    this.queries = new StoredQueries(reading, this);
    this.#subscriptions = new SubscriptionIndex({
      hash: new KeyHash(crypto.getRandomValues(new Uint32Array(KEY_HASH_WORDS))),
      audience,
      charge: ({ connection }, steps) => this.#charge(connection, steps),
    });
  }

  get hasSubscriptions(): boolean {
    return this.#subscriptions.size > 0;
  }

  get #subscriptionsMax(): number {
    return this.#settings.config.MAX_SUBSCRIPTIONS;
  }

  /** Takes a REQ. `refusal` is why it is not to be served, or null. */
  request(connection: Connection, id: string, filters: readonly Filter[], refusal: string | null): void {
    this.end(connection, id);
    if (refusal !== null) return this.#answers.closed(connection, id, refusal);
    if (connection.subscriptions.size >= this.#subscriptionsMax) {
      const message = `rate-limited: more than ${this.#subscriptionsMax} subscriptions are open`;
      return this.#answers.closed(connection, id, message);
    }
    const values = heldValues(filters);
    const lack = this.#room.acquire(connection, values);
    if (lack !== null) return this.#answers.closed(connection, id, lack);
    const subscription = connection.open(id, Infinity, values);
    this.#subscriptions.add(subscription, filters.filter((filter) => filter.search === undefined));
    this.#metrics.add(SUBSCRIPTIONS, 1);
    this.queries.begin(subscription, filters, Math.floor(Date.now() / 1000));
  }

  /** Takes a COUNT, the same way. */
  count(connection: Connection, id: string, filters: readonly Filter[], refusal: string | null): void {
    if (refusal !== null) return this.#answers.closed(connection, id, refusal);
    const present = connection.counts.get(id);
    if (present) this.#endCount(present);
    if (connection.counts.size >= this.#subscriptionsMax) {
      return this.#answers.closed(connection, id, "rate-limited: too many counts are under way");
    }
    const lack = this.#room.acquire(connection, heldValues(filters));
    if (lack !== null) return this.#answers.closed(connection, id, lack);
    const query = this.queries.count(connection, id, filters, Math.floor(Date.now() / 1000));
    if (!query.isCancelled) connection.counts.set(id, query);
  }

  /** Takes a CLOSE. */
  close(connection: Connection, id: string): void {
    this.end(connection, id);
    const count = connection.openCounts?.get(id);
    if (count) this.#endCount(count);
  }

  /** Ends a subscription without a word; nothing happens where there is none. */
  end(connection: Connection, id: string): void {
    const subscription = connection.subscriptions.get(id);
    if (subscription) this.#end(subscription);
  }

  /** Ends, without a word, what a client has under way that has gone or is cut off. */
  forget(connection: Connection): void {
    for (const subscription of [...connection.subscriptions.values()]) this.#end(subscription);
    for (const query of [...connection.openCounts?.values() ?? []]) this.#endCount(query);
  }

  /** Ends, and says why, what a client has open that may not read any more. */
  revoke(connection: Connection, reason: string): void {
    this.#endAll(connection, reason);
    this.forget(connection);
  }

  /** Begins with a live event, from the feed; `deliver` sends it. `seq` is Infinity for an ephemeral one. */
  begin(event: LiveEvent, seq: number): void {
    this.#subscriptions.find(event);
    let isShownTo: ReturnType<ReadGate["audience"]> | null = null;
    this.#deliver = (subscription) => {
      if (seq <= subscription.liveAfterSeq && seq !== Infinity) return;
      isShownTo ??= this.#gate.audience(event.kind, event.text);
      if (!isShownTo(subscription.connection.auth.authenticated)) return;
      if (subscription.connection.sendEvent(subscription, event.text)) this.#sent++;
      else this.#tooSlow(subscription.connection);
    };
  }

  /** Sends the event that was begun last on, to so many subscriptions at most. Returns how many were looked at. */
  deliver(most: number): number {
    this.#sent = 0;
    const seen = this.#subscriptions.handOut(this.#deliver, most);
    if (this.#sent > 0) this.#metrics.add(DELIVERIES, this.#sent);
    return seen;
  }

  get isDelivering(): boolean {
    return this.#subscriptions.hasFound;
  }

  rightsOf(connection: Connection, filters: readonly Filter[]): ReadingRights {
    return this.#gate.rightsOf(filters, connection.auth.authenticated);
  }

  spent(query: StoredQuery, rows: number): void {
    this.#spent(query.connection, rows);
  }

  finished(query: StoredQuery): void {
    this.#observe(query);
    query.subscription!.query = null;
    query.connection.send(eoseText(query.subscriptionId, query.completeness));
  }

  counted(query: StoredQuery, answer: CountAnswer): void {
    this.#observe(query);
    this.#countIsOver(query);
    query.connection.send(countText(query.subscriptionId, answer));
  }

  failed(query: StoredQuery, reason: string): void {
    query.isCancelled = true;
    if (query.subscription) this.#end(query.subscription);
    else this.#countIsOver(query);
    this.#answers.closed(query.connection, query.subscriptionId, reason);
  }

  tooSlow(query: StoredQuery): void {
    this.#tooSlow(query.connection);
  }

  #endCount(query: StoredQuery): void {
    this.queries.cancel(query);
    this.#countIsOver(query);
  }

  #countIsOver(query: StoredQuery): void {
    query.connection.counts.delete(query.subscriptionId);
    this.#room.release(query.connection, heldValues(query.filters));
  }

  #end(subscription: Subscription): void {
    this.#room.release(subscription.connection, subscription.heldValues);
    if (subscription.query) this.queries.cancel(subscription.query);
    this.#subscriptions.delete(subscription);
    subscription.connection.subscriptions.delete(subscription.id);
    this.#metrics.add(SUBSCRIPTIONS, -1);
  }

  #observe(query: StoredQuery): void {
    this.#metrics.observe(QUERY_SECONDS[query.place], (performance.now() - query.startedMs) / 1000);
  }

  /** Ends every subscription of a client that lets its budget fill: nothing more is sent that it did not ask for. */
  #tooSlow(connection: Connection): void {
    this.#metrics.add(SLOW_READERS, 1);
    this.#endAll(connection, TOO_SLOW);
  }

  /** Live events took so many steps in vain for a client's filters. */
  #charge(connection: Connection, steps: number): void {
    const nowMs = performance.now();
    if (nowMs - connection.liveStepsFromMs >= 1_000) {
      connection.liveStepsFromMs = nowMs;
      connection.liveSteps = 0;
    }
    connection.liveSteps += steps;
    if (connection.liveSteps > LIVE_STEPS_PER_SECOND_MAX) this.#endAll(connection, TOO_DEAR);
  }

  #endAll(connection: Connection, reason: string): void {
    for (const subscription of [...connection.subscriptions.values()]) {
      this.#end(subscription);
      this.#answers.closed(connection, subscription.id, reason);
    }
  }
}
