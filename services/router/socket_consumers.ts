/**
 * `/ws`: consumers by WebSocket. The query string says which events, and from where
 * (`lib/forward/consumer_request.ts`); each event is a text frame, bare, or with its place in the log. The gateway serves
 * the socket and tells what has left it; a consumer that leaves too much unread for too long is closed, and resumes from
 * its last place.
 * Runs on the router's thread, which owns it.
 *
 * @module
 */
import { ConsumerRequestError, readQueryRequest } from "../../lib/forward/consumer_request.ts";
import { CLOSE_REASON_CHARS_MAX, FORWARD_STALLED_MS_MAX } from "../../lib/limits.ts";
import { type PipedSocket, PipedSockets } from "../../runtime/piped_sockets.ts";
import { Consumer, type ConsumerReport, type ConsumerSink } from "./consumer.ts";
import { ConsumerRoom } from "./consumer_room.ts";
import type { LogFeed } from "./log_feed.ts";

/** Codes of RFC 6455. */
const GOING_AWAY = 1001;
const REFUSED = 1008;
const NEEDS_PROOF = "auth-required: reading is restricted here: API_TOKEN, or NIP-98 of an admin's key";

/** What it works with. */
interface SocketConsumersParts {
  readonly feed: LogFeed;
  /** Whether only admins may read now. */
  readonly isRestricted: () => boolean;
  /** Whether a key manages the relay now. */
  readonly isAdmin: (pubkey: string) => boolean;
  /** So many events were delivered. */
  readonly delivered: (events: number) => void;
}

/** See the module's text. */
export class SocketConsumers {
  readonly #parts: SocketConsumersParts;
  readonly #room = new ConsumerRoom("ws");
  readonly #sinks = new Map<PipedSocket, SocketSink>();
  /** What the gateways tell. */
  readonly sockets: PipedSockets = new PipedSockets({
    opened: (socket) => this.#opened(socket),
    // Nobody has anything to say after the query string.
    text: (socket) => this.#end(socket, REFUSED, "Cannot read message: a consumer sends none"),
    room: (socket) => this.#sinks.get(socket)?.wake(),
    closed: (socket) => this.#sinks.get(socket)?.end(),
  });

  constructor(parts: SocketConsumersParts) {
    this.#parts = parts;
  }

  /** Events that wait for them. */
  get waiting(): number {
    return this.#room.waiting;
  }

  /** How many there are. */
  get size(): number {
    return this.#room.size;
  }

  /** As `GET /api/forward` shows them. */
  report(most: number): ConsumerReport[] {
    return this.#room.report(most);
  }

  /** Closes those that may not read any longer. */
  followSettings(): void {
    if (!this.#parts.isRestricted()) return;
    for (const socket of this.#sinks.keys()) {
      if (!this.#mayRead(socket)) this.#end(socket, REFUSED, NEEDS_PROOF);
    }
  }

  /** Who proved a key has what that key may do now; `API_TOKEN` stays the same as long as the relay runs. */
  #mayRead({ proof: { key, isAdmin } }: PipedSocket): boolean {
    return !this.#parts.isRestricted() || isAdmin && (key === null || this.#parts.isAdmin(key));
  }

  /** Closes all. */
  close(): void {
    for (const socket of this.#sinks.keys()) this.#end(socket, GOING_AWAY, "the relay stops");
  }

  #opened(socket: PipedSocket): void {
    const { feed, delivered } = this.#parts;
    if (!this.#mayRead(socket)) return socket.close(REFUSED, NEEDS_PROOF);
    try {
      const consumer = new Consumer(readQueryRequest(socket.query), feed);
      const full = this.#room.enter(consumer, socket.address);
      if (full !== null) return socket.close(REFUSED, full);
      const sink = new SocketSink(socket);
      this.#sinks.set(socket, sink);
      consumer.run(sink, delivered).finally(() => {
        this.#sinks.delete(socket);
        this.#room.leave(consumer);
      });
    } catch (error) {
      if (!(error instanceof ConsumerRequestError)) throw error;
      socket.close(REFUSED, error.message.slice(0, CLOSE_REASON_CHARS_MAX));
    }
  }

  #end(socket: PipedSocket, code: number, reason: string): void {
    socket.close(code, reason);
    this.#sinks.get(socket)?.end();
  }
}

/** Where one socket's events go. */
class SocketSink implements ConsumerSink {
  readonly #socket: PipedSocket;
  readonly #end = new AbortController();
  #wake: () => void = () => {};

  constructor(socket: PipedSocket) {
    this.#socket = socket;
  }

  get ended(): AbortSignal {
    return this.#end.signal;
  }

  async send(texts: readonly string[]): Promise<void> {
    for (let sent = 0; sent < texts.length && !this.ended.aborted;) {
      sent += this.#socket.send(texts.slice(sent));
      if (!this.#socket.hasRoom) await this.#room();
    }
  }

  /** Something has left. */
  wake(): void {
    this.#wake();
  }

  /** The socket is gone, or is being closed. */
  end(): void {
    this.#end.abort();
    this.#wake();
  }

  async #room(): Promise<void> {
    if (this.ended.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(() => {
      this.#socket.close(REFUSED, `Cannot send: it has read too little for ${FORWARD_STALLED_MS_MAX} ms`);
      this.end();
    }, FORWARD_STALLED_MS_MAX);
    await promise;
    clearTimeout(timer);
  }
}
