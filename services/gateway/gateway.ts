/**
 * The gateway: meets clients. Takes their messages, passes events to verifiers, answers queries, delivers the live part.
 * Runs on a worker with an event loop; owns its connections, its subscription index and a read-only connection.
 *
 * @module
 */
import type { Config } from "../../lib/config.ts";
import { OUTCOMES_PER_TURN } from "../../lib/limits.ts";
import { histogramOf, histogramsOf, slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import { VERBS } from "../../lib/metrics/metrics.ts";
import { sumOf, type ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import {
  type ClientMessage,
  type MessageLimits,
  parseClientMessage,
} from "../../lib/nostr/client_message.ts";
import { prefixOf } from "../../lib/nostr/prefixes.ts";
import { countText, eoseText, noticeText, okText } from "../../lib/nostr/relay_message.ts";
import { LaneConsumer } from "../../lib/queue/lane.ts";
import { Audience } from "../../lib/subscription/audience.ts";
import { type LiveEvent, SubscriptionIndex } from "../../lib/subscription/subscription_index.ts";
import type { RelayMemory } from "../memory.ts";
import { Connection, type Subscription } from "./connection.ts";
import type { FrameSender } from "../verifier/handle.ts";
import type { NegentropySessions } from "./negentropy_sessions.ts";
import type { Socket, SocketEvents } from "./listener.ts";
import { OUTCOME_ID_AT, OUTCOME_MESSAGE_AT, OUTCOME_OK } from "./messages.ts";
import type { CountAnswer, QueryEvents, StoredQueries, StoredQuery } from "./stored_queries.ts";

const RECEIVED = slotsOf("nostr_messages_received_total");
const EVENTS_RECEIVED = slotOf("nostr_events_received_total");
const OKS = slotsOf("nostr_oks_total");
const CLOSEDS = slotsOf("nostr_closed_total");
const DELIVERIES = slotOf("nostr_deliveries_total");
const SLOW_READERS = slotOf("nostr_slow_readers_total");
const CONNECTIONS = slotOf("nostr_connections_active");
const SUBSCRIPTIONS = slotOf("nostr_subscriptions_active");
const QUEUE = slotOf("nostr_relay_queue_length");
const QUEUE_BYTES = slotsOf("nostr_relay_queue_bytes");
const INGEST_SECONDS = histogramOf("nostr_ingest_seconds");
const QUERY_SECONDS = histogramsOf("nostr_query_seconds");

/** An EVENT message as nearly all clients write it; others are found out by parsing. */
const EVENT_FRAME = '["EVENT"';
const STOPPING = "error: the relay stops, try again later";
const TOO_SLOW = "rate-limited: the client reads too slowly";
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What a gateway is made of; `worker.ts` puts it together. */
export interface GatewayParts {
  readonly config: Config;
  readonly memory: RelayMemory;
  readonly index: number;
  readonly epoch: number;
  readonly metrics: ThreadMetrics;
  readonly frames: FrameSender;
}

/** One gateway; see the module's text. */
export class Gateway implements QueryEvents {
  readonly #config: Config;
  readonly #memory: RelayMemory;
  readonly #epoch: number;
  readonly #metrics: ThreadMetrics;
  readonly #frames: FrameSender;
  readonly #limits: MessageLimits;
  readonly #outcomes: LaneConsumer[];
  readonly #connections = new Map<number, Connection>();
  readonly #byAddress = new Map<string, number>();
  readonly #subscriptions: SubscriptionIndex<Subscription>;
  #lastConnection = 0;
  /** Set when the relay stops: events and requests are refused from then on. */
  isDraining = false;
  /** Set by `worker.ts`: the two need each other. */
  queries!: StoredQueries;
  /** Set by `worker.ts`. */
  syncs!: NegentropySessions;

  constructor({ config, memory, index, epoch, metrics, frames }: GatewayParts) {
    this.#config = config;
    this.#memory = memory;
    this.#epoch = epoch;
    this.#metrics = metrics;
    this.#subscriptions = new SubscriptionIndex(new Audience(memory.audiences[index]!));
    this.#frames = frames;
    this.#limits = {
      limitMax: config.MAX_LIMIT,
      limitDefault: config.DEFAULT_LIMIT,
      filtersMax: config.MAX_FILTERS,
      subscriptionIdCharsMax: config.MAX_SUBID_LENGTH,
      negentropyEventsMax: config.NEGENTROPY_EVENTS_MAX,
    };
    this.#outcomes = [memory.outcomes[index]!, ...memory.refusals.map((lanes) => lanes[index]!)]
      .map((lane) => new LaneConsumer(lane));
  }

  /** Whether any event that was passed on still has to be answered. */
  get isAnswering(): boolean {
    return this.#frames.unanswered > 0;
  }

  get hasConnections(): boolean {
    return this.#connections.size > 0;
  }

  get hasSubscriptions(): boolean {
    return this.#subscriptions.size > 0;
  }

  /** Each connection's subscriptions, for `/health`. */
  *subscriptionsByConnection(): Generator<readonly [string, number]> {
    for (const [number, connection] of this.#connections) {
      yield [String(number), connection.subscriptions.size];
    }
  }

  // ── clients ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A client wants to connect; null refuses it. */
  open(socket: Socket, address: string): Connection | null {
    if (sumOf(this.#memory.metrics, CONNECTIONS) >= this.#config.CONNECTIONS_MAX) return null;
    const ofAddress = this.#byAddress.get(address) ?? 0;
    const most = this.#config.CONNECTIONS_PER_IP_MAX;
    if (most > 0 && ofAddress >= most) return null;
    const number = this.#lastConnection = (this.#lastConnection + 1) >>> 0;
    const connection = new Connection(number, socket, address, this.#config.OUTBOUND_BYTES_MAX);
    this.#connections.set(number, connection);
    this.#byAddress.set(address, ofAddress + 1);
    this.#metrics.add(CONNECTIONS, 1);
    return connection;
  }

  closed(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    this.#endRequests(connection);
    this.#connections.delete(connection.number);
    const left = this.#byAddress.get(connection.address)! - 1;
    if (left === 0) this.#byAddress.delete(connection.address);
    else this.#byAddress.set(connection.address, left);
    this.#metrics.add(CONNECTIONS, -1);
  }

  #endRequests(connection: Connection): void {
    for (const subscription of [...connection.subscriptions.values()]) this.#end(subscription);
    for (const query of connection.counts.values()) this.queries.cancel(query);
    connection.counts.clear();
    this.syncs.closed(connection);
  }

  /** A frame that the engine could not take as text. */
  fault(connection: Connection, message: string): void {
    this.#metrics.add(RECEIVED.other, 1);
    connection.send(noticeText(message));
  }

  /** A text frame. */
  text(connection: Connection, text: string): void {
    if (connection.isCutOff) return;
    if (isLongerThan(text, this.#config.MAX_MESSAGE_LENGTH)) {
      this.#metrics.add(RECEIVED.other, 1);
      return connection.send(
        noticeText(`invalid: the message is longer than ${this.#config.MAX_MESSAGE_LENGTH} bytes`),
      );
    }
    if (text.startsWith(EVENT_FRAME)) this.#event(connection, text);
    else this.#message(connection, text, parseClientMessage(text, this.#limits));
    if (connection.isFlooded) this.#cutOff(connection);
  }

  #message(connection: Connection, text: string, message: ClientMessage): void {
    if (message.type === "EVENT") return this.#event(connection, text);
    const verb = "verb" in message ? message.verb : message.type;
    this.#metrics.add(RECEIVED[VERBS.find((known) => known === verb) ?? "other"], 1);
    if (message.type === "REQ") this.#request(connection, message);
    else if (message.type === "COUNT") this.#count(connection, message);
    else if (message.type === "CLOSE") this.#close(connection, message.subscriptionId);
    else if (message.type !== "refused") this.syncs.take(connection, message);
    else {
      if (message.answer.startsWith('["CLOSED"')) this.#metrics.add(CLOSEDS.invalid, 1);
      // CLOSED tells the client that nothing more comes under this id.
      const ended = message.ended === null ? undefined : connection.subscriptions.get(message.ended);
      if (ended) this.#end(ended);
      connection.send(message.answer);
    }
  }

  #event(connection: Connection, text: string): void {
    this.#metrics.add(RECEIVED.EVENT, 1);
    this.#metrics.add(EVENTS_RECEIVED, 1);
    const refusal = this.isDraining ? STOPPING : this.#frames.send(connection, text);
    if (refusal === null) return;
    // The answer needs the id, and so the parse that the verifier would have done.
    const id = idIn(text);
    this.#metrics.add(OKS[okPrefix(refusal)], 1);
    connection.send(id === null ? noticeText(refusal) : okText(id, false, refusal));
  }

  #request(connection: Connection, { subscriptionId, filters }: ClientMessage & { type: "REQ" }): void {
    if (this.isDraining) return this.#refuse(connection, subscriptionId, STOPPING);
    const present = connection.subscriptions.get(subscriptionId);
    if (present) this.#end(present);
    else if (connection.subscriptions.size >= this.#config.MAX_SUBSCRIPTIONS) {
      return this.#refuse(
        connection,
        subscriptionId,
        `rate-limited: more than ${this.#config.MAX_SUBSCRIPTIONS} subscriptions are open`,
      );
    }
    const subscription = connection.open(subscriptionId, Infinity);
    this.#subscriptions.add(subscription, filters.filter((filter) => filter.search === undefined));
    this.#metrics.add(SUBSCRIPTIONS, 1);
    this.queries.begin(subscription, filters, Math.floor(Date.now() / 1000));
  }

  #count(connection: Connection, { subscriptionId, filters }: ClientMessage & { type: "COUNT" }): void {
    const present = connection.counts.get(subscriptionId);
    if (present) this.queries.cancel(present);
    else if (connection.counts.size >= this.#config.MAX_SUBSCRIPTIONS) {
      return this.#refuse(connection, subscriptionId, "rate-limited: too many counts are under way");
    }
    const query = this.queries.count(connection, subscriptionId, filters, Math.floor(Date.now() / 1000));
    if (!query.isCancelled) connection.counts.set(subscriptionId, query);
  }

  #close(connection: Connection, subscriptionId: string): void {
    const subscription = connection.subscriptions.get(subscriptionId);
    if (subscription) this.#end(subscription);
    const count = connection.counts.get(subscriptionId);
    if (count) {
      this.queries.cancel(count);
      connection.counts.delete(subscriptionId);
    }
  }

  #end(subscription: Subscription): void {
    if (subscription.query) this.queries.cancel(subscription.query);
    this.#subscriptions.delete(subscription);
    subscription.connection.subscriptions.delete(subscription.id);
    this.#metrics.add(SUBSCRIPTIONS, -1);
  }

  #refuse(connection: Connection, subscriptionId: string, message: string): void {
    const prefix = prefixOf(message);
    if (prefix) this.#metrics.add(CLOSEDS[prefix], 1);
    connection.sendClosed(subscriptionId, message);
  }

  // ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends the outcomes that have come, up to a bound a turn. Returns their number. */
  drainOutcomes(): number {
    let seen = 0;
    const nowMs = performance.timeOrigin + performance.now();
    for (const lane of this.#outcomes) {
      while (seen < OUTCOMES_PER_TURN && lane.next()) {
        seen++;
        this.#answer(lane, nowMs);
      }
      lane.release();
    }
    this.#metrics.set(QUEUE, this.#frames.unanswered);
    this.#metrics.set(QUEUE_BYTES.frames, this.#frames.usedBytes);
    return seen;
  }

  #answer(lane: LaneConsumer, nowMs: number): void {
    const word = lane.offset >>> 2;
    if (lane.words[word] !== this.#epoch) return;
    this.#frames.unanswered = Math.max(0, this.#frames.unanswered - 1);
    const connection = this.#connections.get(lane.words[word + 1]!);
    const messageBytes = lane.words[word + 5]!;
    const messageAt = lane.offset + (lane.type === OUTCOME_OK ? OUTCOME_MESSAGE_AT : OUTCOME_ID_AT);
    const message = messageBytes === 0
      ? ""
      : decoder.decode(lane.bytes.slice(messageAt, messageAt + messageBytes));
    this.#metrics.observe(INGEST_SECONDS, (nowMs - lane.doubles[(lane.offset >>> 3) + 1]!) / 1000);
    if (lane.type !== OUTCOME_OK) this.#metrics.add(OKS.invalid, 1);
    else {
      const accepted = lane.words[word + 4] === 1;
      this.#metrics.add(accepted && messageBytes === 0 ? OKS.accepted : OKS[okPrefix(message)], 1);
    }
    if (connection === undefined) return;
    connection.unanswered = Math.max(0, connection.unanswered - 1);
    if (lane.type !== OUTCOME_OK) return connection.send(message);
    const id = lane.bytes.subarray(lane.offset + OUTCOME_ID_AT, lane.offset + OUTCOME_MESSAGE_AT).toHex();
    if (messageBytes === 0) connection.send(`["OK","${id}",true,""]`);
    else connection.send(okText(id, lane.words[word + 4] === 1, message));
  }

  /** A live event, from the feed. */
  deliver(event: LiveEvent, seq: number): void {
    this.#subscriptions.match(event, (subscription) => {
      if (seq <= subscription.liveAfterSeq && seq !== Infinity) return;
      if (subscription.connection.sendEvent(subscription, event.text)) this.#metrics.add(DELIVERIES, 1);
      else this.#tooSlow(subscription.connection);
    });
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
    this.#refuse(query.connection, query.subscriptionId, reason);
  }

  tooSlow(query: StoredQuery): void {
    this.#tooSlow(query.connection);
  }

  #observe(query: StoredQuery): void {
    this.#metrics.observe(QUERY_SECONDS[query.place], (performance.now() - query.startedMs) / 1000);
  }

  /** Ends every subscription of a client that lets its budget fill: nothing more is sent that it did not ask for. */
  #tooSlow(connection: Connection): void {
    this.#metrics.add(SLOW_READERS, 1);
    for (const subscription of [...connection.subscriptions.values()]) {
      this.#end(subscription);
      this.#refuse(connection, subscription.id, TOO_SLOW);
    }
  }

  /** A client that reads nothing and asks on: its answers alone exceed twice the budget. */
  #cutOff(connection: Connection): void {
    if (connection.measureBufferedBytes() <= 2 * this.#config.OUTBOUND_BYTES_MAX) return;
    this.#metrics.add(SLOW_READERS, 1);
    connection.isCutOff = true;
    this.#endRequests(connection);
    connection.socket.close(1008, TOO_SLOW);
  }

  /** Says goodbye to everybody, behind what each still has to be sent. */
  closeAll(): void {
    for (const connection of this.#connections.values()) connection.socket.close(1001, "the relay stops");
  }
}

/** The socket events of a gateway, HTTP aside. */
export function socketEvents(
  gateway: Gateway,
  addressOf: (request: Request, peer: string) => string,
  http: SocketEvents<Connection>["http"],
): SocketEvents<Connection> {
  return {
    visitor: (request, peer) => ({
      address: addressOf(request, peer),
      host: request.headers.get("host") ?? "",
    }),
    open: (socket, visitor) => gateway.open(socket, visitor.address),
    text: (connection, text) => gateway.text(connection, text),
    fault: (connection, message) => gateway.fault(connection, message),
    closed: (connection) => gateway.closed(connection),
    http,
  };
}

function okPrefix(message: string): Exclude<keyof typeof OKS, "accepted"> {
  const prefix = prefixOf(message);
  return prefix !== null && prefix in OKS ? prefix as Exclude<keyof typeof OKS, "accepted"> : "error";
}

function isLongerThan(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  return text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;
}

function idIn(frame: string): string | null {
  try {
    const id: unknown = JSON.parse(frame)?.[1]?.id;
    return typeof id === "string" && id.length <= 64 ? id : null;
  } catch {
    return null;
  }
}
