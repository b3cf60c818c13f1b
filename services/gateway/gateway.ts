/**
 * The gateway: meets clients. Knows who is connected, and hands their messages to whoever answers them: events to
 * `events.ts`, requests to `requests.ts`, proofs of keys to `auth.ts`, comparisons to `negentropy_sessions.ts`.
 * Runs on a worker with an event loop; owns its connections.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import { OUTBOUND_MEASURE_MS } from "../../lib/limits.ts";
import { slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import { VERBS } from "../../lib/metrics/metrics.ts";
import { sumOf, type ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import {
  type ClientMessage,
  type MessageLimits,
  parseClientMessage,
} from "../../lib/nostr/client_message.ts";
import { hasMoreBytesThan } from "../../lib/nostr/characters.ts";
import type { Filter } from "../../lib/nostr/filter.ts";
import { eventPrefix, noticeText } from "../../lib/nostr/relay_message.ts";
import { privateKinds } from "../../lib/relay/configured_policies.ts";
import { fromNobody } from "../../lib/policy/policy.ts";
import { RateTable } from "../../lib/policy/rate_table.ts";
import { ReadGate } from "../../lib/policy/read_gate.ts";
import type { SharedCounts } from "../../lib/policy/shared_counts.ts";
import { Audience } from "../../lib/subscription/audience.ts";
import type { ManagementFollower } from "../../lib/management/change_log.ts";
import type { SignatureVerifier } from "../../lib/verify/verifier.ts";
import type { RelayMemory } from "../../wire/memory.ts";
import type { Origin } from "../../runtime/origin.ts";
import { type PolicyFiles, policyFilesOf } from "../../runtime/policy_files.ts";
import { Answers } from "./answers.ts";
import { Authentication } from "./auth.ts";
import { type ClientPolicies, contextOf, limitsOf, policiesOf } from "./client_policies.ts";
import { Connection } from "./connection.ts";
import { ConnectionCounts } from "./connection_counts.ts";
import { Events } from "./events.ts";
import { FILTER_VALUES } from "./filter_room.ts";
import type { Invites } from "./invites.ts";
import type { NegentropySessions, SyncAccess } from "./negentropy_sessions.ts";
import type { Socket } from "./sockets/listener.ts";
import { OutboundPool } from "./outbound_pool.ts";
import type { AskedVerb, RequestPlugin } from "./request_plugin.ts";
import { Requests, TOO_SLOW } from "./requests.ts";
import type { Turns } from "./sockets/turns.ts";

const RECEIVED = slotsOf("nostr_messages_received_total");
const SLOW_READERS = slotOf("nostr_slow_readers_total");
const CONNECTIONS = slotOf("nostr_connections_active");

/** An EVENT message as nearly all clients write it; others are found out by parsing. */
const EVENT_FRAME = '["EVENT"';
const NO_FILTERS: readonly Filter[] = [];
const STOPPING = "error: the relay stops, try again later";

/** What a plugin is asked about, where there is one. */
type RequestMessage = Extract<ClientMessage, { readonly type: AskedVerb }>;
type ReqMessage = Extract<ClientMessage, { readonly type: "REQ" }>;

/** What a gateway is made of; `worker.ts` puts it together. */
export interface GatewayParts {
  /** The settings, as they are in force now. */
  readonly settings: ConfigFollower;
  readonly memory: RelayMemory;
  readonly index: number;
  readonly metrics: ThreadMetrics;
  readonly origin: Origin;
  readonly verifier: SignatureVerifier;
  readonly turns: Turns;
  readonly plugin: RequestPlugin;
  /** What clients have open at all gateways. */
  readonly open: SharedCounts;
  /** Loaded already. */
  readonly files: PolicyFiles;
  /** The operator's decisions. */
  readonly decisions: ManagementFollower;
  /** Null: nobody can join. */
  readonly invites: Invites | null;
}

/** One gateway; see the module's text. */
export class Gateway implements SyncAccess {
  readonly #settings: ConfigFollower;
  readonly #memory: RelayMemory;
  readonly #turns: Turns;
  readonly #metrics: ThreadMetrics;
  readonly #gate: ReadGate;
  #limits: MessageLimits;
  readonly #connections = new Map<number, Connection>();
  readonly #counts: ConnectionCounts;
  readonly #answers: Answers;
  readonly #authentication: Authentication;
  readonly events: Events;
  readonly requests: Requests;
  readonly #plugin: RequestPlugin;
  readonly #invites: Invites | null;
  readonly #files: PolicyFiles;
  readonly #origin: Origin;
  readonly #decisions: ManagementFollower;
  #policies: ClientPolicies;
  readonly #rates: RateTable;
  /** What waits for all clients. */
  readonly #pool: OutboundPool;
  #measuredMs = 0;
  #lastConnection = 0;
  /** Set when the relay stops: events and requests are refused from then on. */
  isDraining = false;
  /** Set by `worker.ts`: the two need each other. */
  syncs!: NegentropySessions;

  constructor(parts: GatewayParts) {
    const { settings, metrics, verifier, decisions, plugin, files, origin } = parts;
    const { config } = settings;
    this.#settings = settings;
    this.#turns = parts.turns;
    this.#counts = new ConnectionCounts(parts.open);
    this.#plugin = plugin;
    this.#invites = parts.invites;
    this.#files = files;
    this.#origin = origin;
    this.#decisions = decisions;
    this.#memory = parts.memory;
    this.#metrics = metrics;
    this.#limits = limitsOf(config);
    this.#pool = new OutboundPool(parts.memory.outbound, parts.index);
    this.#pool.use(config.OUTBOUND_BYTES_MAX);
    this.#answers = new Answers(metrics);
    this.#authentication = new Authentication(config, verifier, this.#answers);
    this.#rates = new RateTable(parts.memory.rates);
    this.#policies = policiesOf(config, decisions, this.#rates);
    this.#gate = new ReadGate(privateKinds(config), decisions.view);
    this.requests = new Requests({
      settings,
      metrics,
      gate: this.#gate,
      answers: this.#answers,
      spent: (connection, rows) => this.spent(connection, rows),
      audience: new Audience(parts.memory.audiences[parts.index]!),
      heldValues: () => sumOf(parts.memory.metrics, FILTER_VALUES),
    });
    this.#useFiles(config);
    this.events = new Events({ ...parts, answers: this.#answers, connections: this.#connections });
  }

  get hasConnections(): boolean {
    return this.#connections.size > 0;
  }

  /** Each connection's subscriptions, for `/health`. */
  *subscriptionsByConnection(): Generator<readonly [string, number]> {
    for (const [number, connection] of this.#connections) {
      yield [String(number), connection.subscriptions.size];
    }
  }

  /** A client wants to connect; null refuses it. */
  open(socket: Socket, address: string): Connection | null {
    this.follow();
    const { config } = this.#settings;
    if (this.#refusalOf(address) !== null) return null;
    const places = this.#counts.take(address, config);
    if (places === null) return null;
    const number = this.#lastConnection = (this.#lastConnection + 1) >>> 0;
    const auth = this.#authentication.newState();
    const connection = new Connection(number, socket, address, auth, config.OUTBOUND_BYTES_MAX, this.#pool);
    connection.countedAt = places;
    this.#connections.set(number, connection);
    this.#metrics.add(CONNECTIONS, 1);
    this.#authentication.opened(connection);
    return connection;
  }

  /** Takes in what the operator has set or decided: who is blocked now is closed. Two loads where nothing was. */
  follow(): void {
    const isSet = this.#settings.refresh();
    if (isSet) this.#use(this.#settings.config);
    if (!this.#decisions.refresh() && !isSet) return;
    for (const connection of [...this.#connections.values()]) {
      const refusal = this.#refusalOf(connection.address);
      if (refusal !== null && !connection.isCutOff) this.#end(connection, refusal);
      else this.#revoke(connection);
    }
  }

  /** Who was a member and is none any more reads nothing further. */
  #revoke(connection: Connection): void {
    const { mayRead } = this.#policies;
    const refusal = mayRead === null ? null : mayRead(NO_FILTERS, contextOf(connection));
    if (refusal === null) return;
    this.requests.revoke(connection, refusal);
    this.syncs.closed(connection);
  }

  #use(config: Config): void {
    this.#limits = limitsOf(config);
    this.#pool.use(config.OUTBOUND_BYTES_MAX);
    this.#policies = policiesOf(config, this.#decisions, this.#rates);
    this.#gate.use(privateKinds(config));
    this.#plugin.use(config);
    this.#useFiles(config);
    for (const connection of this.#connections.values()) {
      connection.outboundBytesMax = config.OUTBOUND_BYTES_MAX;
    }
  }

  /** Until its successor is loaded, which takes milliseconds, a policy file goes on. */
  #useFiles(config: Config): void {
    this.#origin.withAddress = this.#memory.asked.length > 0 || config.POLICY_FILES !== null;
    const files = policyFilesOf(this.#settings);
    if (!this.#files.has(files)) this.#files.load(files);
  }

  /** Ends a connection. Its socket may stay for long, where the client reads nothing, and counts until it is gone. */
  #end(connection: Connection, reason: string): void {
    connection.isCutOff = true;
    this.#endRequests(connection);
    connection.socket.close(1008, reason);
  }

  #refusalOf(address: string): string | null {
    return this.#policies.mayConnect(null, { ...fromNobody(0), ip: address });
  }

  closed(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    connection.measureBufferedBytes();
    this.#endRequests(connection);
    this.#connections.delete(connection.number);
    this.#counts.release(connection.countedAt);
    this.#metrics.add(CONNECTIONS, -1);
  }

  #endRequests(connection: Connection): void {
    this.events.forget(connection);
    this.#plugin.forget(connection);
    this.#invites?.forget(connection);
    this.requests.forget(connection);
    this.syncs.closed(connection);
  }

  /** A frame that the engine could not take as text. */
  fault(connection: Connection, message: string): void {
    this.#metrics.add(RECEIVED.other, 1);
    connection.send(noticeText(message));
  }

  /** A text frame. */
  text(connection: Connection, text: string): void {
    this.follow();
    if (connection.isCutOff) return;
    const bytesMax = this.#settings.config.MAX_MESSAGE_LENGTH;
    if (hasMoreBytesThan(text, bytesMax)) {
      this.#metrics.add(RECEIVED.other, 1);
      return connection.send(noticeText(`invalid: the message is longer than ${bytesMax} bytes`));
    }
    if (text.startsWith(EVENT_FRAME)) this.#event(connection, text);
    else this.#message(connection, text, parseClientMessage(text, this.#limits));
    if (connection.isFlooded) this.#cutOff(connection);
  }

  #event(connection: Connection, text: string): void {
    this.#metrics.add(RECEIVED.EVENT, 1);
    const { mayWrite } = this.#policies;
    const refusal = mayWrite === null ? null : mayWrite(null, contextOf(connection));
    this.events.take(connection, text, this.isDraining ? STOPPING : refusal);
  }

  /** Goes on with senders that wait for room. */
  resumeSenders(): void {
    this.events.resume(this.isDraining ? STOPPING : null);
  }

  #message(connection: Connection, text: string, message: ClientMessage): void {
    if (message.type === "EVENT") return this.#event(connection, text);
    const verb = "verb" in message ? message.verb : message.type;
    this.#metrics.add(RECEIVED[VERBS.find((known) => known === verb) ?? "other"], 1);
    switch (message.type) {
      case "REQ":
      case "COUNT":
      case "NEG-OPEN":
        return this.#request(connection, text, message);
      case "CLOSE":
        this.#plugin.cancel(connection, "REQ", message.subscriptionId);
        this.#plugin.cancel(connection, "COUNT", message.subscriptionId);
        this.#invites?.cancel(connection, message.subscriptionId);
        return this.requests.close(connection, message.subscriptionId);
      case "AUTH":
        return this.#authentication.prove(connection, message.event);
      case "refused":
        if (message.answer.startsWith('["CLOSED"')) this.#answers.countClosed("invalid:");
        // CLOSED tells the client that nothing more comes under this id.
        if (message.ended !== null) {
          this.#plugin.cancel(connection, "REQ", message.ended);
          this.#invites?.cancel(connection, message.ended);
          this.requests.end(connection, message.ended);
        }
        return connection.send(message.answer);
      default:
        if (message.type !== "NEG-MSG") this.#plugin.cancel(connection, "NEG-OPEN", message.subscriptionId);
        return this.syncs.take(connection, message, null);
    }
  }

  /** Cheap policies come first; the plugin is asked about what they let pass. */
  #request(connection: Connection, text: string, message: RequestMessage): void {
    const { type: verb, subscriptionId } = message;
    if (verb === "REQ") this.#invites?.cancel(connection, subscriptionId);
    const filters = message.type === "NEG-OPEN" ? [message.filter] : message.filters;
    const refusal = this.isDraining ? STOPPING : this.#requestRefusal(connection, filters);
    if (refusal !== null) {
      this.#plugin.cancel(connection, verb, subscriptionId);
      return this.#serve(connection, message, refusal);
    }
    // What is open under the id ends now, and not only when the new request is served.
    if (verb === "REQ") this.requests.end(connection, subscriptionId);
    if (verb === "NEG-OPEN") this.syncs.take(connection, { type: "NEG-CLOSE", subscriptionId }, null);
    this.#plugin.ask(connection, { verb, subscriptionId, text }, (refusal) => {
      // Who may read may have been decided anew meanwhile.
      const late = refusal ?? this.#policies.mayRead?.(filters, contextOf(connection)) ?? null;
      this.#serve(connection, message, this.isDraining ? STOPPING : late);
    });
  }

  #serve(connection: Connection, message: RequestMessage, refusal: string | null): void {
    const { subscriptionId } = message;
    if (message.type === "NEG-OPEN") return this.syncs.take(connection, message, refusal);
    if (message.type === "REQ") {
      if (refusal === null && this.#invites?.isAskedFor(message.filters)) {
        return this.#invite(this.#invites, connection, message);
      }
      return this.requests.request(connection, subscriptionId, message.filters, refusal);
    }
    return this.requests.count(connection, subscriptionId, message.filters, refusal);
  }

  /** A request for an invite code begins with the code. */
  #invite(invites: Invites, connection: Connection, { subscriptionId, filters }: ReqMessage): void {
    invites.ask(connection, subscriptionId, (answer) => {
      const late = this.#policies.mayRead?.(filters, contextOf(connection)) ?? null;
      const refusal = this.isDraining ? STOPPING : "refusal" in answer ? answer.refusal : late;
      if (refusal === null && "event" in answer) {
        connection.send(`${eventPrefix(subscriptionId)}${answer.event}]`);
      }
      this.requests.request(connection, subscriptionId, filters, refusal);
    });
  }

  /** The cheapest first. */
  #requestRefusal(connection: Connection, filters: readonly Filter[]): string | null {
    const context = contextOf(connection);
    const refusal = this.#policies.mayRequest(filters, context) ?? this.#waitingFault(connection);
    return refusal === null && this.#files.request !== null ? this.#files.request(filters, context) : refusal;
  }

  /** One client does not fill what all share. */
  #waitingFault(connection: Connection): string | null {
    const most = this.#settings.config.MAX_SUBSCRIPTIONS;
    const waiting = this.#plugin.waitingOf(connection) + (this.#invites?.waitingOf(connection) ?? 0);
    return waiting < most ? null : `rate-limited: more than ${most} requests wait to be decided about`;
  }

  /** A client's query had the relay look at so many rows. */
  spent(connection: Connection, rows: number): void {
    this.#turns.charge(connection.socket, rows);
    this.#policies.budget?.spend(contextOf(connection), rows);
  }

  /** Looks now and then at what still waits for clients that are sent nothing more. */
  measureWaiting(nowMs: number): void {
    if (nowMs - this.#measuredMs < OUTBOUND_MEASURE_MS) return;
    this.#measuredMs = nowMs;
    this.#pool.measure();
  }

  challenge(connection: Connection): void {
    this.#answers.challenge(connection);
  }

  /** A client that reads nothing and asks on: its answers alone exceed twice the budget. */
  #cutOff(connection: Connection): void {
    if (connection.measureBufferedBytes() <= 2 * connection.budgetBytes) return;
    this.#metrics.add(SLOW_READERS, 1);
    this.#end(connection, TOO_SLOW);
  }

  /** Says goodbye to everybody, behind what each still has to be sent. */
  closeAll(): void {
    for (const connection of this.#connections.values()) connection.socket.close(1001, "the relay stops");
  }
}
