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
import type { Audience } from "../../lib/subscription/audience.ts";
import { type LiveEvent, SubscriptionIndex } from "../../lib/subscription/subscription_index.ts";
import type { Answers } from "./answers.ts";
import type { Connection, Subscription } from "./connection.ts";
import type { CountAnswer, QueryEvents, StoredQueries, StoredQuery } from "./stored_queries.ts";

const DELIVERIES = slotOf("nostr_deliveries_total");
const SLOW_READERS = slotOf("nostr_slow_readers_total");
const SUBSCRIPTIONS = slotOf("nostr_subscriptions_active");
const QUERY_SECONDS = histogramsOf("nostr_query_seconds");

/** Why a client's subscriptions end that does not read what it asked for. */
export const TOO_SLOW = "rate-limited: the client reads too slowly";

/** What it is made of. */
export interface RequestsParts {
  readonly settings: ConfigFollower;
  readonly metrics: ThreadMetrics;
  readonly answers: Answers;
  readonly gate: ReadGate;
  /** A client's query had the relay look at so many rows. */
  readonly spent: (connection: Connection, rows: number) => void;
  /** What the store learns of who listens. */
  readonly audience: Audience;
}

/** All requests of one gateway; see the module's text. */
export class Requests implements QueryEvents {
  readonly #settings: ConfigFollower;
  readonly #metrics: ThreadMetrics;
  readonly #answers: Answers;
  readonly #gate: ReadGate;
  readonly #spent: RequestsParts["spent"];
  readonly #subscriptions: SubscriptionIndex<Subscription>;
  /** Set by `worker.ts`: the two need each other. */
  queries!: StoredQueries;

  constructor({ settings, metrics, answers, gate, spent, audience }: RequestsParts) {
    this.#settings = settings;
    this.#metrics = metrics;
    this.#answers = answers;
    this.#gate = gate;
    this.#spent = spent;
    this.#subscriptions = new SubscriptionIndex(audience, crypto.getRandomValues(new Uint32Array(1))[0]);
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
    const subscription = connection.open(id, Infinity);
    this.#subscriptions.add(subscription, filters.filter((filter) => filter.search === undefined));
    this.#metrics.add(SUBSCRIPTIONS, 1);
    this.queries.begin(subscription, filters, Math.floor(Date.now() / 1000));
  }

  /** Takes a COUNT, the same way. */
  count(connection: Connection, id: string, filters: readonly Filter[], refusal: string | null): void {
    if (refusal !== null) return this.#answers.closed(connection, id, refusal);
    const present = connection.counts.get(id);
    if (present) this.queries.cancel(present);
    else if (connection.counts.size >= this.#subscriptionsMax) {
      return this.#answers.closed(connection, id, "rate-limited: too many counts are under way");
    }
    const query = this.queries.count(connection, id, filters, Math.floor(Date.now() / 1000));
    if (!query.isCancelled) connection.counts.set(id, query);
  }

  /** Takes a CLOSE. */
  close(connection: Connection, id: string): void {
    this.end(connection, id);
    const count = connection.openCounts?.get(id);
    if (count) {
      this.queries.cancel(count);
      connection.counts.delete(id);
    }
  }

  /** Ends a subscription without a word; nothing happens where there is none. */
  end(connection: Connection, id: string): void {
    const subscription = connection.subscriptions.get(id);
    if (subscription) this.#end(subscription);
  }

  /** Ends, without a word, what a client has under way that has gone or is cut off. */
  forget(connection: Connection): void {
    for (const subscription of [...connection.subscriptions.values()]) this.#end(subscription);
    for (const query of connection.openCounts?.values() ?? []) this.queries.cancel(query);
    connection.openCounts?.clear();
  }

  /** Ends, and says why, what a client has open that may not read any more. */
  revoke(connection: Connection, reason: string): void {
    for (const subscription of [...connection.subscriptions.values()]) {
      this.#end(subscription);
      this.#answers.closed(connection, subscription.id, reason);
    }
    this.forget(connection);
  }

  /** A live event, from the feed. Returns how many subscriptions it was sent to. */
  deliver(event: LiveEvent, seq: number): number {
    let sent = 0;
    let isShownTo: ReturnType<ReadGate["audience"]> | null = null;
    this.#subscriptions.match(event, (subscription) => {
      if (seq <= subscription.liveAfterSeq && seq !== Infinity) return;
      isShownTo ??= this.#gate.audience(event.kind, event.text);
      if (!isShownTo(subscription.connection.auth.authenticated)) return;
      if (subscription.connection.sendEvent(subscription, event.text)) sent++;
      else this.#tooSlow(subscription.connection);
    });
    if (sent > 0) this.#metrics.add(DELIVERIES, sent);
    return sent;
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
    query.connection.counts.delete(query.subscriptionId);
    query.connection.send(countText(query.subscriptionId, answer));
  }

  failed(query: StoredQuery, reason: string): void {
    query.isCancelled = true;
    if (query.subscription) this.#end(query.subscription);
    else query.connection.counts.delete(query.subscriptionId);
    this.#answers.closed(query.connection, query.subscriptionId, reason);
  }

  tooSlow(query: StoredQuery): void {
    this.#tooSlow(query.connection);
  }

  #end(subscription: Subscription): void {
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
    for (const subscription of [...connection.subscriptions.values()]) {
      this.#end(subscription);
      this.#answers.closed(connection, subscription.id, TOO_SLOW);
    }
  }
}
