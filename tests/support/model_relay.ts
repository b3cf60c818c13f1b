/**
 * A relay in memory, for tests of streams: it answers over a conversation without sockets, task by task, so that a test
 * decides what happens before what. It may have habits that relays in the field have.
 * Runs on a test's thread; the test owns it.
 *
 * @module
 */
import { NegentropyError } from "../../lib/negentropy/negentropy_error.ts";
import { reconcile } from "../../lib/negentropy/reconcile.ts";
import { SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import type {
  ComparisonListener,
  Opened,
  OpenedComparison,
  PoliteLimits,
  PublishOutcome,
  RelayConversation,
  SubscriptionListener,
} from "../../lib/upstream/relay_conversation.ts";
import { setImmediate } from "node:timers";

/** An event of which only id, time and kind matter. */
export interface ModelEvent {
  readonly id: string;
  readonly created_at: number;
  readonly kind: number;
  readonly content?: string;
}

/** What a relay is like. */
export interface Habits {
  /** What it states, and what a page of it holds if that is less. */
  readonly limitMax: number;
  readonly pageMax?: number;
  readonly reconciles?: boolean;
  /** It states that it compares sets, and does not. */
  readonly refusesComparisons?: boolean;
  /** Events of a comparison, at most. */
  readonly comparedMax?: number;
  readonly sendsOldestFirst?: boolean;
  readonly ignoresUntil?: boolean;
  readonly sendsNoEose?: boolean;
  /** Its answer to events; as a default it stores them. */
  readonly answer?: (event: ModelEvent) => PublishOutcome | null;
}

/** The text of an event, as the model spells it. */
export function modelText(event: ModelEvent): string {
  return JSON.stringify(event);
}

/** What is under way, in order; a test takes one after another. */
export class Tasks {
  #tasks: (() => void)[] = [];

  add(task: () => void): void {
    this.#tasks.push(task);
  }

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.#tasks.length === 0;
  }

  /** Everything that is under way is lost. */
  clear(): void {
    this.#tasks = [];
  }

  /** Does at most so many tasks, with whatever follows from each. Returns how many there were. */
  async run(max = Infinity): Promise<number> {
    let done = 0;
    for (await turn(); done < max; done++) {
      const task = this.#tasks.shift();
      if (task === undefined) return done;
      task();
      await turn();
    }
    return done;
  }
}

/** Until all promises that can be settled are. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

/** See the module's text. */
export class ModelRelay {
  readonly events = new Map<string, ModelEvent>();
  readonly habits: Habits;
  readonly tasks: Tasks;
  #conversation: ModelConversation | null = null;

  constructor(habits: Habits, tasks: Tasks) {
    this.habits = habits;
    this.tasks = tasks;
  }

  /** Stores an event, and tells the live subscriptions. Returns whether it is new. */
  add(event: ModelEvent): boolean {
    if (this.events.has(event.id)) return false;
    this.events.set(event.id, event);
    this.#conversation?.published(event);
    return true;
  }

  /** Accepts a connection. */
  connect(): ModelConversation {
    return this.#conversation = new ModelConversation(this);
  }

  /** Ends the connection, with what is under way. */
  disconnect(): void {
    this.#conversation?.end();
    this.#conversation = null;
  }
}

type FilterJson = Readonly<Record<string, unknown>>;

/** One connection with the relay. */
class ModelConversation implements RelayConversation {
  readonly url = "wss://model.example.com";
  readonly limits: PoliteLimits;
  readonly counts = { unasked: 0 };
  /** Filters of all subscriptions, in their order. */
  readonly asked: FilterJson[] = [];
  unanswered = 0;
  readonly #relay: ModelRelay;
  readonly #live = new Map<SubscriptionListener, FilterJson>();
  readonly #ends = new Set<() => void>();
  readonly #sent = new Set<string>();
  #isEnded = false;

  constructor(relay: ModelRelay) {
    this.#relay = relay;
    const { limitMax, reconciles = false } = relay.habits;
    this.limits = { subscriptionsMax: 20, limitMax, messageBytesMax: 65_536, reconciles };
  }

  cameFrom(id: string): boolean {
    return this.#sent.has(id);
  }

  subscribe(filters: readonly FilterJson[], listener: SubscriptionListener): Opened {
    const filter = filters[0]!;
    this.asked.push(filter);
    const close = () => {
      this.#live.delete(listener);
      this.#ends.delete(end);
    };
    const end = () => {
      close();
      listener.closed("error: the connection has ended");
    };
    if (this.#isEnded) {
      queueMicrotask(end);
      return { close };
    }
    this.#ends.add(end);
    this.#task(() => {
      if (!this.#ends.has(end)) return;
      this.#live.set(listener, filter);
      this.#sendStored(filter, listener, end);
    });
    return { close };
  }

  compare(filter: FilterJson, message: Uint8Array, listener: ComparisonListener): OpenedComparison {
    const { refusesComparisons, comparedMax = Infinity } = this.#relay.habits;
    const items = new SortedVectorBuilder();
    const end = () => listener.failed("error: the connection has ended");
    this.#ends.add(end);
    const answer = (bytes: Uint8Array) =>
      this.#task(() => {
        if (!this.#ends.has(end)) return;
        if (refusesComparisons) return listener.failed("ERROR: bad msg: negentropy disabled");
        const stored = this.#matching(filter);
        if (stored.length > comparedMax) return listener.failed("blocked: too many query results");
        for (const { id, created_at } of stored) items.addHex(created_at, id);
        listener.message(reconciled(items, bytes));
      });
    answer(message);
    return { send: answer, close: () => this.#ends.delete(end) };
  }

  publish(text: string, id: string): Promise<PublishOutcome> {
    if (this.#isEnded) return Promise.reject(new Error("Cannot publish event: the connection has ended"));
    const { promise, resolve, reject } = Promise.withResolvers<PublishOutcome>();
    const end = () => reject(new Error(`Cannot publish event "${id}": the connection has ended`));
    this.#ends.add(end);
    this.unanswered++;
    this.#task(() => {
      this.#ends.delete(end);
      this.unanswered--;
      resolve(this.#take(JSON.parse(text)));
    });
    return promise;
  }

  /** An event was stored. */
  published(event: ModelEvent): void {
    for (const [listener, filter] of this.#live) {
      if (!matches(event, filter)) continue;
      this.#task(() => this.#live.has(listener) && this.#send(event, listener));
    }
  }

  /** Ends the connection. */
  end(): void {
    this.#isEnded = true;
    for (const end of [...this.#ends]) end();
    this.#ends.clear();
    this.#live.clear();
  }

  #send(event: ModelEvent, listener: SubscriptionListener): void {
    this.#sent.add(event.id);
    listener.event(modelText(event), event.id);
  }

  #task(task: () => void): void {
    this.#relay.tasks.add(() => this.#isEnded || task());
  }

  #take(event: ModelEvent): PublishOutcome {
    const outcome = this.#relay.habits.answer?.(event) ?? null;
    if (outcome !== null) return outcome;
    if (this.#relay.add(event)) return { accepted: true, message: "" };
    return { accepted: true, message: "duplicate: already have this event" };
  }

  #sendStored(filter: FilterJson, listener: SubscriptionListener, end: () => void): void {
    const { sendsOldestFirst, sendsNoEose, ignoresUntil, pageMax = Infinity } = this.#relay.habits;
    const limit = Math.min(filter.limit as number, this.limits.limitMax, pageMax);
    const { until: _, ...withoutUntil } = filter;
    const stored = this.#matching(ignoresUntil ? withoutUntil : filter);
    stored.sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
    if (sendsOldestFirst) stored.reverse();
    for (const event of stored.slice(0, limit)) {
      this.#task(() => {
        if (!this.#live.has(listener)) return;
        if (matches(event, filter)) this.#send(event, listener);
        else this.counts.unasked++;
      });
    }
    this.#task(() => {
      if (!this.#live.has(listener)) return;
      if (!sendsNoEose) return listener.eose();
      this.#ends.delete(end);
      listener.closed("error: the relay sent no EOSE within 30000 ms");
    });
  }

  #matching(filter: FilterJson): ModelEvent[] {
    return [...this.#relay.events.values()].filter((event) => matches(event, filter));
  }
}

function reconciled(items: SortedVectorBuilder, message: Uint8Array): Uint8Array {
  try {
    return reconcile(items.build(), message, 4_096);
  } catch (error) {
    if (error instanceof NegentropyError) throw new Error(error.message);
    throw error;
  }
}

function matches(event: ModelEvent, filter: FilterJson): boolean {
  const { ids, kinds, since = -Infinity, until = Infinity } = filter as {
    ids?: string[];
    kinds?: number[];
    since?: number;
    until?: number;
  };
  return (ids === undefined || ids.includes(event.id)) &&
    (kinds === undefined || kinds.includes(event.kind)) &&
    event.created_at >= since && event.created_at <= until;
}
