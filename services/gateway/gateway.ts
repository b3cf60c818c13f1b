/**
 * The gateway: meets clients. Knows who is connected, and hands their messages to whoever answers them: events to
 * `events.ts`, proofs of keys to `auth.ts`, requests and comparisons to `request_gate.ts`.
 * Runs on a worker with an event loop; owns its connections.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import { OUTBOUND_MEASURE_MS } from "../../lib/limits.ts";
import { slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import { VERBS } from "../../lib/metrics/metrics.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { type ClientMessage, parseClientMessage } from "../../lib/nostr/client_message.ts";
import { hasMoreBytesThan } from "../../lib/nostr/characters.ts";
import type { Filter } from "../../lib/nostr/filter.ts";
import { noticeText } from "../../lib/nostr/relay_message.ts";
import { privateKinds } from "../../lib/relay/configured_policies.ts";
import type { ReadGate } from "../../lib/policy/read_gate.ts";
import type { ManagementFollower } from "../../lib/management/change_log.ts";
import type { Origin } from "../../runtime/origin.ts";
import { type PolicyFiles, policyFilesOf } from "../../runtime/policy_files.ts";
import type { Admission } from "./admission.ts";
import type { Answers } from "./answers.ts";
import type { Authentication } from "./auth.ts";
import { contextOf, type PoliciesInForce } from "./client_policies.ts";
import { Connection } from "./connection.ts";
import type { Events } from "./events.ts";
import type { Socket } from "./sockets/listener.ts";
import type { OutboundPool } from "./outbound_pool.ts";
import type { SocketPipes } from "./piped_sockets.ts";
import { type RequestGate, STOPPING } from "./request_gate.ts";
import { TOO_SLOW } from "./requests.ts";

const RECEIVED = slotsOf("nostr_messages_received_total");
const SLOW_READERS = slotOf("nostr_slow_readers_total");

/** An EVENT message as nearly all clients write it; others are found out by parsing. */
const EVENT_FRAME = '["EVENT"';
const NO_FILTERS: readonly Filter[] = [];

/** What a gateway is made of; `assemble.ts` puts it together. */
interface GatewayParts {
  /** The settings, as they are in force now. */
  readonly settings: ConfigFollower;
  readonly metrics: ThreadMetrics;
  readonly origin: Origin;
  /** Loaded already. */
  readonly files: PolicyFiles;
  /** The operator's decisions. */
  readonly decisions: ManagementFollower;
  readonly policies: PoliciesInForce;
  readonly readGate: ReadGate;
  readonly admission: Admission;
  /** Clients that other actors serve. */
  readonly pipes: SocketPipes;
  readonly pool: OutboundPool;
  readonly answers: Answers;
  readonly authentication: Authentication;
  readonly events: Events;
  readonly gate: RequestGate;
  /** By number; the gateway fills it. */
  readonly connections: Map<number, Connection>;
}

/** One gateway; see the module's text. */
export class Gateway {
  readonly #settings: ConfigFollower;
  readonly #metrics: ThreadMetrics;
  readonly #origin: Origin;
  readonly #files: PolicyFiles;
  readonly #decisions: ManagementFollower;
  readonly #policies: PoliciesInForce;
  readonly #readGate: ReadGate;
  readonly #admission: Admission;
  readonly #pipes: SocketPipes;
  /** What waits for all clients. */
  readonly #pool: OutboundPool;
  readonly #answers: Answers;
  readonly #authentication: Authentication;
  readonly #events: Events;
  readonly #gate: RequestGate;
  readonly #connections: Map<number, Connection>;
  #measuredMs = 0;
  #lastConnection = 0;
  /** Set when the relay stops: events and requests are refused from then on. */
  #isDraining = false;

  constructor(parts: GatewayParts) {
    const { settings, metrics, origin, files, decisions, policies } = parts;
    this.#settings = settings;
    this.#metrics = metrics;
    this.#origin = origin;
    this.#files = files;
    this.#decisions = decisions;
    this.#policies = policies;
    this.#readGate = parts.readGate;
    this.#admission = parts.admission;
    this.#pipes = parts.pipes;
    this.#pool = parts.pool;
    this.#answers = parts.answers;
    this.#authentication = parts.authentication;
    this.#events = parts.events;
    this.#gate = parts.gate;
    this.#connections = parts.connections;
    this.#pool.use(settings.config.OUTBOUND_BYTES_MAX);
    this.#useFiles(settings.config);
  }

  get hasConnections(): boolean {
    return this.#connections.size > 0 || this.#pipes.hasClients;
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
    const places = this.#admission.admit(address);
    if (places === null) return null;
    const number = this.#lastConnection = (this.#lastConnection + 1) >>> 0;
    const auth = this.#authentication.newState();
    const connection = new Connection(number, socket, address, auth, config.OUTBOUND_BYTES_MAX, this.#pool);
    connection.countedAt = places;
    this.#connections.set(number, connection);
    this.#authentication.opened(connection);
    return connection;
  }

  /** Takes in what the operator has set or decided: who is blocked now is closed. Two loads where nothing was. */
  follow(): void {
    const isSet = this.#settings.refresh();
    if (isSet) this.#use(this.#settings.config);
    if (!this.#decisions.refresh() && !isSet) return;
    this.#pipes.endBlocked();
    for (const connection of [...this.#connections.values()]) {
      const refusal = this.#admission.refusalOf(connection.address);
      if (refusal !== null && !connection.isCutOff) this.#end(connection, refusal);
      else this.#revoke(connection);
    }
  }

  /** Who was a member and is none any more reads nothing further. */
  #revoke(connection: Connection): void {
    const { mayRead } = this.#policies.current;
    const refusal = mayRead === null ? null : mayRead(NO_FILTERS, contextOf(connection));
    if (refusal === null) return;
    this.#gate.revoke(connection, refusal);
  }

  #use(config: Config): void {
    this.#pool.use(config.OUTBOUND_BYTES_MAX);
    this.#policies.use(config);
    this.#readGate.use(privateKinds(config));
    this.#gate.use(config);
    this.#useFiles(config);
    for (const connection of this.#connections.values()) {
      connection.outboundBytesMax = config.OUTBOUND_BYTES_MAX;
    }
  }

  /** Until its successor is loaded, which takes milliseconds, a policy file goes on. */
  #useFiles(config: Config): void {
    this.#origin.withAddress = config.POLICY_FILES !== null;
    const files = policyFilesOf(this.#settings);
    if (!this.#files.has(files)) this.#files.load(files);
  }

  /** Ends a connection. Its socket may stay for long, where the client reads nothing, and counts until it is gone. */
  #end(connection: Connection, reason: string): void {
    connection.isCutOff = true;
    this.#endRequests(connection);
    connection.socket.close(1008, reason);
  }

  closed(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    connection.measureBufferedBytes();
    this.#endRequests(connection);
    this.#connections.delete(connection.number);
    this.#admission.left(connection.countedAt);
  }

  #endRequests(connection: Connection): void {
    this.#events.forget(connection);
    this.#gate.forget(connection);
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
    else this.#message(connection, text, parseClientMessage(text, this.#policies.current.limits));
    if (connection.isFlooded) this.#cutOff(connection);
  }

  #event(connection: Connection, text: string): void {
    this.#metrics.add(RECEIVED.EVENT, 1);
    const { mayWrite } = this.#policies.current;
    const refusal = mayWrite === null ? null : mayWrite(null, contextOf(connection));
    this.#events.receive(connection, text, this.#isDraining ? STOPPING : refusal);
  }

  /** Goes on with senders that wait for room. */
  resumeSenders(): void {
    this.#events.resume(this.#isDraining ? STOPPING : null);
  }

  #message(connection: Connection, text: string, message: ClientMessage): void {
    if (message.type === "EVENT") return this.#event(connection, text);
    const verb = "verb" in message ? message.verb : message.type;
    this.#metrics.add(RECEIVED[VERBS.find((known) => known === verb) ?? "other"], 1);
    switch (message.type) {
      case "REQ":
      case "COUNT":
      case "NEG-OPEN":
        return this.#gate.receive(connection, text, message);
      case "CLOSE":
        return this.#gate.close(connection, message.subscriptionId);
      case "AUTH":
        return this.#authentication.prove(connection, message.event);
      case "refused":
        if (message.answer.startsWith('["CLOSED"')) this.#answers.countClosed("invalid:");
        // CLOSED tells the client that nothing more comes under this id.
        if (message.ended !== null) this.#gate.end(connection, message.ended);
        return connection.send(message.answer);
      default:
        return this.#gate.goOn(connection, message);
    }
  }

  /** Looks now and then at what still waits for clients that are sent nothing more. */
  measureWaiting(nowMs: number): void {
    if (nowMs - this.#measuredMs < OUTBOUND_MEASURE_MS) return;
    this.#measuredMs = nowMs;
    this.#pool.measure();
  }

  /** The relay stops: whatever comes is refused from now on. */
  drain(): void {
    this.#isDraining = true;
    this.#gate.drain();
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
    this.#pipes.closeAll();
  }
}
