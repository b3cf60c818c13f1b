/**
 * How a gateway meets sockets: text frames in, text out, buffered bytes, close. Engines run on their gateway's thread,
 * which owns what they open. Nothing above this folder knows which engine runs. Nothing in this folder knows the gateway:
 * its modules import `lib`, the thread's turn of `runtime`, and each other.
 *
 * An engine is a function {@linkcode Listen}. It implements:
 * - a {@linkcode Listener}: WebSockets at the paths of its events (`eventsAt`), every other request as a page, on a port
 *   that gateways share;
 * - a {@linkcode Socket} for each client, whose texts keep their order in both directions;
 * - the calls of {@linkcode SocketEvents}, by way of an `Opening` (`opening.ts`): `visitor` before the handshake, then
 *   `open` once, `text` and `fault` as they come, and `closed` once at the end; `http` for a page;
 * - turns (`turns.ts`): `Turns.serve` answers each message; a socket that has no room, or has had its turn, rests, and is
 *   not read until `rested` is called;
 * - the bounds of {@linkcode ListenOptions}.
 *
 * @module
 */
import type { CachedText } from "../../../lib/store/read/text_cache.ts";
import type { Opening } from "./opening.ts";
import type { Guest, Turns } from "./turns.ts";

/** One client's socket. */
export interface Socket extends Guest {
  /** Sends one text frame. A socket that is closing takes it and loses it. */
  send(text: string): void;
  /** Sends one text frame of a stored event: `prefix`, its text, and what closes the message. */
  sendEvent(prefix: string, text: CachedText): void;
  /** Bytes that were sent and that the operating system has not taken yet: the client is slow. */
  readonly bufferedBytes: number;
  /** Begins to close, with a code and reason of RFC 6455. */
  close(code: number, reason: string): void;
  /**
   * Stops reading, so that the sender has to wait: no text comes until `resume`, after which comes first what had been read
   * already. To be called while a text is answered. Null where the engine cannot.
   */
  readonly flow: { pause(): void; resume(): void } | null;
}

/** Who asks for a WebSocket: what is kept of the request, which itself would cost kilobytes a connection. */
export interface Visitor {
  /** The client's address, as `REAL_IP_HEADER` or the socket tells it. */
  readonly address: string;
  /** The `Host` that it asked for. */
  readonly host: string;
}

/** The headers of a request. */
export type RequestHeaders = Pick<Headers, "get">;

/** Why a request for a WebSocket gets none. */
export interface HandshakeRefusal {
  /** Of HTTP. */
  readonly status: 401 | 404 | 414;
  readonly reason: string;
}

/**
 * What an engine tells its gateway about the clients of one path; `Client` is the gateway's own state of the connection.
 */
export interface PathEvents<Client> {
  /** A request wants a WebSocket; asked before the socket is there. `target` is its path and query. */
  visitor(headers: RequestHeaders, remote: string, target: string): Visitor | HandshakeRefusal;
  /** The socket is open. Null refuses it: the engine closes it with 1013. */
  open(socket: Socket, visitor: Visitor): Client | null;
  /** A text frame. */
  text(client: Client, text: string): void;
  /** A frame that is not text, or that breaks a limit of the engine. */
  fault(client: Client, message: string): void;
  closed(client: Client): void;
}

/** The same of all paths: its own is `/`. */
export interface SocketEvents<Client> extends PathEvents<Client> {
  /** Those of other paths. */
  readonly elsewhere?: ReadonlyMap<string, PathEvents<unknown>>;
  /** Any other HTTP request. `ended` settles when its answer is sent, or nobody takes it any more. */
  http(request: Request, remote: string, ended: Promise<unknown>): Response | Promise<Response>;
}

/** Where and how to listen. */
export interface ListenOptions {
  readonly hostname: string;
  readonly port: number;
  /** PEM texts; null: no TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Frames longer than this close the connection with 1009, bytes. */
  readonly frameBytesMax: number;
  /** A client that is silent for this long, pings included, is closed, seconds. */
  readonly idleSeconds: number;
  /** Whether messages are deflated for clients that can inflate (RFC 7692), where the engine can. */
  readonly compression: boolean;
  /** The native library, for an engine that has use for it; null: there is none. */
  readonly libraryPath: string | null;
  /** TCP connections that may be open at once, WebSockets or not, where the engine can tell: descriptors end otherwise. */
  readonly socketsMax: number;
  /** Whose messages are answered next. */
  readonly turns: Turns;
  /** The engine could not go on accepting, and tries again. */
  readonly failed: (error: unknown) => void;
}

/** Begins to serve, until `stopAccepting`. */
export type Listen = <Client>(options: ListenOptions, opening: Opening<Client>) => Promise<Listener>;

/** An engine that listens. */
export interface Listener {
  readonly address: { readonly hostname: string; readonly port: number };
  /** Messages after which the engine is better given a turn of the event loop to write them. */
  readonly messagesPerTurn: number;
  /** Answers new WebSockets with 503; open ones stay, and so do the pages. */
  stopAccepting(): void;
}

/** The events of a path; null: there is no WebSocket. */
export function eventsAt<Client>(
  events: SocketEvents<Client>,
  path: string,
): PathEvents<Client> | PathEvents<unknown> | null {
  return path === "/" ? events : events.elsewhere?.get(path) ?? null;
}

/** A refusal as a body. */
export function refusalBody({ reason }: HandshakeRefusal): string {
  return JSON.stringify({ error: `Cannot open WebSocket: ${reason}` });
}
