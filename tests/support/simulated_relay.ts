/**
 * A relay on a real socket in the test's process, which keeps the protocol unless it is told to lie
 * (`tests/support/relay_lies.ts`). It stores events in a list, knows `since`, `until` and `limit`, and compares sets
 * (NIP-77) where it is asked to. It checks no signature.
 * Runs on a test's thread; a relay belongs to the test that started it.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { reconcile } from "../../lib/negentropy/reconcile.ts";
import { type SortedVector, SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import { naiveMatch, naiveQuery, type PlainEvent, type PlainFilter } from "./naive_matcher.ts";

/** Messages of clients that are kept for the test to look at. */
const RECEIVED_MAX = 10_000;

/** What a simulated relay does in place of what it should. A hook that returns true has done all. */
export interface Lie {
  /** An HTTP request, for the document or of a handshake; the socket is raw. */
  readonly onRequest?: (socket: Socket, request: IncomingMessage) => boolean;
  readonly onOpen?: (client: SimulatedClient) => void;
  readonly onMessage?: (client: SimulatedClient, message: readonly unknown[]) => boolean;
  /** Changes an event before it is sent. */
  readonly onEvent?: (event: PlainEvent) => PlainEvent;
}

/** What a test decides. */
export interface SimulatedOptions {
  readonly events?: readonly PlainEvent[];
  /** The most events of one answer, whatever is asked. */
  readonly limitMax?: number;
  /** Open subscriptions of a connection; a further one is refused. */
  readonly subscriptionsMax?: number;
  readonly reconciles?: boolean;
  /** The information document (NIP-11), by default what the options above say; null: there is none. */
  readonly document?: unknown;
  readonly lie?: Lie;
  /** Served over TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Starts a relay on a free port of 127.0.0.1. */
export async function startSimulatedRelay(options: SimulatedOptions = {}): Promise<SimulatedRelay> {
  const listening = Promise.withResolvers<void>();
  const relay = new SimulatedRelay(
    options,
    options.tls && (await import("node:https")).createServer(options.tls),
  );
  relay.server.listen(0, "127.0.0.1", () => listening.resolve());
  await listening.promise;
  return relay;
}

/** See the module's text. */
export class SimulatedRelay implements AsyncDisposable {
  readonly server: Server;
  readonly events: PlainEvent[];
  readonly clients = new Set<SimulatedClient>();
  /** What clients have sent, the oldest first, up to a bound. */
  readonly received: (readonly unknown[])[] = [];
  /** Handshakes that were accepted. */
  connections = 0;
  /** May be changed while the relay runs. */
  options: SimulatedOptions;
  readonly #sockets = new Set<Socket>();
  readonly #accepting = new WebSocketServer({ noServer: true, maxPayload: 4 * 1024 * 1024 });

  constructor(options: SimulatedOptions, server?: Server) {
    this.options = options;
    this.events = [...options.events ?? []];
    this.server = server ?? createServer();
    this.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      if (!this.#lies(request.socket, request)) this.#answer(response);
    });
    this.server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#keep(socket);
      if (this.#lies(socket, request)) return;
      this.#accepting.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket));
    });
    this.server.on("connection", (socket: Socket) => this.#keep(socket));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** `ws://127.0.0.1:PORT`, or `wss:`. */
  get url(): string {
    return `${this.options.tls === undefined ? "ws" : "wss"}://127.0.0.1:${this.port}`;
  }

  /** Stores an event and sends it to whose filters match. */
  add(event: PlainEvent): void {
    this.events.push(event);
    for (const client of this.clients) client.offer(event);
  }

  /** Ends all connections at once, and goes on to listen. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.server.close(() => closed.resolve());
    this.dropAll();
    await closed.promise;
  }

  #lies(socket: Socket, request: IncomingMessage): boolean {
    return this.options.lie?.onRequest?.(socket, request) === true;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #answer(response: ServerResponse): void {
    const { document, limitMax, subscriptionsMax, reconciles } = this.options;
    if (document === null) return void response.writeHead(404).end();
    const honest = {
      name: "simulated",
      supported_nips: reconciles === true ? [1, 11, 77] : [1, 11],
      limitation: { max_limit: limitMax, max_subscriptions: subscriptionsMax },
    };
    response.writeHead(200, { "Content-Type": "application/nostr+json" });
    response.end(JSON.stringify(document ?? honest));
  }

  #open(webSocket: WebSocket): void {
    this.connections++;
    const client = new SimulatedClient(this, webSocket);
    this.clients.add(client);
    webSocket.on("error", () => {});
    webSocket.once("close", () => this.clients.delete(client));
    webSocket.on("message", (data) => {
      const message = JSON.parse(String(data)) as unknown[];
      if (this.received.length < RECEIVED_MAX) this.received.push(message);
      if (this.options.lie?.onMessage?.(client, message) !== true) client.take(message);
    });
    this.options.lie?.onOpen?.(client);
  }
}

/** One connection of a client to the simulated relay. */
export class SimulatedClient {
  readonly relay: SimulatedRelay;
  readonly webSocket: WebSocket;
  readonly #subscriptions = new Map<string, PlainFilter[]>();
  readonly #comparisons = new Map<string, SortedVector>();

  constructor(relay: SimulatedRelay, webSocket: WebSocket) {
    this.relay = relay;
    this.webSocket = webSocket;
  }

  /** Sends a message, or a text as it is. */
  send(message: readonly unknown[] | string): void {
    this.webSocket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The answer of a relay that keeps the protocol. */
  take([verb, first, ...rest]: readonly unknown[]): void {
    if (verb === "REQ") this.#subscribe(first as string, rest as PlainFilter[]);
    else if (verb === "CLOSE") this.#subscriptions.delete(first as string);
    else if (verb === "EVENT") this.#store(first as PlainEvent);
    else if (verb === "NEG-OPEN") this.#compare(first as string, rest as [PlainFilter, string]);
    else if (verb === "NEG-MSG") this.#goOn(first as string, rest[0] as string);
    else if (verb === "NEG-CLOSE") this.#comparisons.delete(first as string);
  }

  /** Sends a new event to each subscription that it matches. */
  offer(event: PlainEvent): void {
    for (const [id, filters] of this.#subscriptions) {
      if (filters.some((filter) => naiveMatch(filter, event))) this.#sendEvent(id, event);
    }
  }

  #sendEvent(id: string, event: PlainEvent): void {
    this.send(["EVENT", id, this.relay.options.lie?.onEvent?.(event) ?? event]);
  }

  #subscribe(id: string, filters: PlainFilter[]): void {
    const { limitMax = 500, subscriptionsMax = Infinity } = this.relay.options;
    if (!this.#subscriptions.has(id) && this.#subscriptions.size >= subscriptionsMax) {
      return this.send(["CLOSED", id, "error: too many subscriptions"]);
    }
    this.#subscriptions.set(id, filters);
    const sent = new Set<string>();
    for (const filter of filters) {
      for (const event of naiveQuery(filter, this.relay.events, limitMax)) {
        if (sent.has(event.id)) continue;
        sent.add(event.id);
        this.#sendEvent(id, event);
      }
    }
    this.send(["EOSE", id]);
  }

  #store(event: PlainEvent): void {
    const isKnown = this.relay.events.some(({ id }) => id === event.id);
    this.send(["OK", event.id, true, isKnown ? "duplicate: already have this event" : ""]);
    if (!isKnown) this.relay.add(event);
  }

  #compare(id: string, [filter, message]: [PlainFilter, string]): void {
    if (this.relay.options.reconciles !== true) {
      return this.send(["NOTICE", 'ERROR: bad msg: unknown cmd "NEG-OPEN"']);
    }
    const items = new SortedVectorBuilder();
    for (const event of this.relay.events) {
      if (naiveMatch(filter, event)) items.addHex(event.created_at, event.id);
    }
    this.#comparisons.set(id, items.build());
    this.#goOn(id, message);
  }

  #goOn(id: string, message: string): void {
    const items = this.#comparisons.get(id);
    if (items === undefined) return this.send(["NEG-ERR", id, "closed: unknown subscription"]);
    this.send(["NEG-MSG", id, reconcile(items, Uint8Array.fromHex(message), 60_000).toHex()]);
  }
}
