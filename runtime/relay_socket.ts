/**
 * A connection to another relay, by `ws`: to an address that was looked up once and checked, without redirects and
 * compression, with bounds on time, messages and what waits. The relay may be hostile: its list came from strangers.
 * Runs on the thread that opened it, which owns it.
 *
 * @module
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { isIP } from "node:net";
// @ts-types="@types/ws"
import { type ClientOptions, WebSocket } from "ws";
import {
  MESSAGE_PIECES_MAX,
  UPSTREAM_CLOSE_MS_MAX,
  UPSTREAM_HANDSHAKE_MS_MAX,
  UPSTREAM_MESSAGE_BYTES_MAX,
  UPSTREAM_OUTBOUND_BYTES_MAX,
} from "../lib/limits.ts";
import { SOFTWARE } from "../lib/relay/software.ts";
import { type Failure, RelayFailure } from "../lib/upstream/failure.ts";
import { shownText } from "../lib/upstream/relay_messages.ts";
import { type HostOptions, resolveHost } from "./resolved_host.ts";
import { answerFailure, failureOf } from "./socket_failure.ts";

/** What the relay sends, and its end. */
export interface RelaySocketOptions extends HostOptions {
  readonly onText: (text: string) => void;
  /** Called once, after a connection that was open has ended for whatever reason. */
  readonly onClosed: (failure: Failure) => void;
  /** The longest that addresses, TLS and handshake may take together after the look-up, ms. */
  readonly handshakeMs?: number;
  /** Ends the attempt. */
  readonly signal?: AbortSignal;
  /** Authorities to trust besides those that are known (PEM). */
  readonly ca?: readonly string[];
}

/** What `ws` knows and its types do not. */
interface NewerOptions {
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly closeTimeout: number;
}

/** The name with which this relay introduces itself. */
export const USER_AGENT = `${SOFTWARE.name}/${SOFTWARE.version}`;
// `ws` has found the bytes to be UTF-8 already: a decoder that checks them again costs three times as much.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Opens a connection.
 *
 * @param text A URL of `ws:` or `wss:`.
 * @throws {RelayFailure} where it does not come about.
 */
export async function openRelaySocket(text: string, options: RelaySocketOptions): Promise<RelaySocket> {
  const url = new URL(text);
  const addresses = await resolveHost(url, options);
  const untilMs = performance.now() + (options.handshakeMs ?? UPSTREAM_HANDSHAKE_MS_MAX);
  let failure: Failure = { kind: "refused", reason: "nobody listens there" };
  for (const address of addresses) {
    const outcome = await attempt(url, address, { ...options, untilMs });
    if (outcome instanceof RelaySocket) return outcome;
    failure = outcome;
    // Another address of the same host leads somewhere else only where this one led nowhere.
    if (failure.kind !== "refused") break;
  }
  throw new RelayFailure(`connect to "${text}"`, failure);
}

/** One attempt at one address. Resolves with the failure, so that the next address can be tried. */
function attempt(
  url: URL,
  address: string,
  options: RelaySocketOptions & { readonly untilMs: number },
): Promise<RelaySocket | Failure> {
  const { promise, resolve } = Promise.withResolvers<RelaySocket | Failure>();
  const webSocket = dial(url, address, options.ca);
  let failure: Failure | null = null;
  const end = (reason: Failure) => {
    failure ??= reason;
    webSocket.terminate();
  };
  const late: Failure = { kind: "timeout", reason: "the handshake took too long" };
  const timer = setTimeout(() => end(late), Math.max(0, options.untilMs - performance.now()));
  const onAbort = () => end({ kind: "closed", reason: "the attempt was given up" });
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  const settle = (outcome: RelaySocket | Failure) => {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
    resolve(outcome);
  };
  webSocket.on("unexpected-response", (request: ClientRequest, response: IncomingMessage) => {
    failure ??= answerFailure(response.statusCode ?? 0, response.headers.location);
    response.destroy();
    request.destroy();
    settle(failure);
  });
  webSocket.on("error", (error) => failure ??= failureOf(error));
  const onEarlyClose = () =>
    settle(failure ?? { kind: "closed", reason: "the relay closed during the handshake" });
  webSocket.once("close", onEarlyClose);
  webSocket.once("open", () => {
    webSocket.removeAllListeners();
    settle(new RelaySocket(webSocket, address, options));
  });
  return promise;
}

/** To the address, under the name: `Host` and the name of TLS are the URL's. */
function dial(url: URL, address: string, ca: readonly string[] | undefined): WebSocket {
  const target = new URL(url);
  target.hostname = isIP(address) === 6 ? `[${address}]` : address;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const options: ClientOptions & NewerOptions = {
    headers: { Host: url.host, "User-Agent": USER_AGENT },
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: [...ca] }),
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: UPSTREAM_MESSAGE_BYTES_MAX,
    maxFragments: MESSAGE_PIECES_MAX,
    maxBufferedChunks: MESSAGE_PIECES_MAX,
    closeTimeout: UPSTREAM_CLOSE_MS_MAX,
  };
  return new WebSocket(target, options);
}

/** A connection that is open, or has been. */
export class RelaySocket {
  readonly address: string;
  readonly #webSocket: WebSocket;
  #failure: Failure | null = null;
  #heardMs = performance.now();

  constructor(webSocket: WebSocket, address: string, { onText, onClosed }: RelaySocketOptions) {
    this.#webSocket = webSocket;
    this.address = address;
    webSocket.on("message", (data, isBinary) => {
      this.#heardMs = performance.now();
      if (isBinary) this.fail({ kind: "garbage", reason: "the relay has sent a binary message" });
      else if (this.#failure === null) onText(decoder.decode(data as Uint8Array));
    });
    const heard = () => this.#heardMs = performance.now();
    webSocket.on("pong", heard);
    webSocket.on("ping", heard);
    webSocket.on("error", (error) => this.#failure ??= failureOf(error));
    webSocket.on("close", (code, reason) => onClosed(this.#failure ?? closedFailure(code, reason)));
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN;
  }

  /** Bytes that wait until the relay reads. */
  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  /** When anything has come for the last time, pongs included, by `performance.now()`. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** Sends a text; drops it where the connection has ended, and ends it where the relay reads nothing. */
  send(text: string): void {
    if (!this.isOpen) return;
    this.#webSocket.send(text);
    if (this.bufferedBytes <= UPSTREAM_OUTBOUND_BYTES_MAX) return;
    this.fail({ kind: "timeout", reason: `the relay leaves ${UPSTREAM_OUTBOUND_BYTES_MAX} bytes unread` });
  }

  /** Asks for a sign of life. */
  ping(): void {
    if (this.isOpen) this.#webSocket.ping();
  }

  /** Reads nothing more until `resume`; what has been read already still comes. */
  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  /** Closes politely; the relay has `UPSTREAM_CLOSE_MS_MAX` for its part. */
  close(reason: Failure = { kind: "closed", reason: "this relay has closed the connection" }): void {
    this.#failure ??= reason;
    this.#webSocket.close(1000);
    // The relay's part of closing has to be read.
    if (this.#webSocket.isPaused) this.#webSocket.resume();
  }

  /** Ends the connection at once. */
  fail(failure: Failure): void {
    this.#failure ??= failure;
    this.#webSocket.terminate();
  }
}

function closedFailure(code: number, reason: Uint8Array): Failure {
  if (code === 1006) return { kind: "closed", reason: "the connection broke off" };
  const text = shownText(decoder.decode(reason));
  return {
    kind: "closed",
    reason: `the relay closed the connection: ${code}${text === "" ? "" : ` "${text}"`}`,
  };
}
