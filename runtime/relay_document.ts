/**
 * Reads the information document of another relay (NIP-11): over an address that was checked, without redirects, within
 * bounds of time and bytes, and closed at whatever step it is when they are reached.
 * Runs on the caller's thread; no state.
 *
 * @module
 */
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";
import { UPSTREAM_DOCUMENT_BYTES_MAX, UPSTREAM_DOCUMENT_MS_MAX } from "../lib/limits.ts";
import { HttpAnswerReader } from "../lib/nip05/http_answer.ts";
import { type Failure, RelayFailure } from "../lib/upstream/failure.ts";
import { USER_AGENT } from "./relay_socket.ts";
import { type HostOptions, resolveHost } from "./resolved_host.ts";
import { answerFailure, failureOf } from "./socket_failure.ts";

/** How to read one. */
export interface RelayDocumentOptions extends HostOptions {
  /** Authorities to trust besides those that are known (PEM). */
  readonly ca?: readonly string[];
  /** The longest that the answer may take after the look-up, ms. */
  readonly answerMs?: number;
}

/** An answer that has come whole. */
interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

/**
 * Reads the document of a relay.
 *
 * @param text A URL of `ws:` or `wss:`.
 * @returns The parsed JSON, of any shape: `lib/upstream/polite_limits.ts` reads it.
 * @throws {RelayFailure} where there is none.
 */
export async function readRelayDocument(text: string, options: RelayDocumentOptions): Promise<unknown> {
  const url = new URL(text);
  const [address] = await resolveHost(url, options);
  const outcome = await ask(url, address!, options);
  const failure = "kind" in outcome ? outcome : statusFailure(outcome.status);
  if (failure !== null) throw new RelayFailure(`read document of "${text}"`, failure);
  try {
    return JSON.parse(new TextDecoder().decode((outcome as Answer).body));
  } catch {
    throw new RelayFailure(`read document of "${text}"`, {
      kind: "garbage",
      reason: "the document is not JSON",
    });
  }
}

function statusFailure(status: number): Failure | null {
  return status === 200 ? null : answerFailure(status, undefined);
}

/** Asks one address. Never rejects, and has closed the socket when it resolves. */
async function ask(
  url: URL,
  address: string,
  { ca, answerMs = UPSTREAM_DOCUMENT_MS_MAX }: RelayDocumentOptions,
): Promise<Answer | Failure> {
  const { promise, resolve } = Promise.withResolvers<Answer | Failure>();
  const socket = dial(url, address, ca);
  const late: Failure = { kind: "timeout", reason: `no answer within ${answerMs} ms` };
  const timer = setTimeout(() => resolve(late), answerMs);
  socket.on("error", (error) => resolve(failureOf(error)));
  const collector = new Collector();
  socket.on("data", (bytes) => settle(collector.take(bytes as Uint8Array)));
  socket.once("end", () => settle(collector.end()));
  socket.once("close", () => settle(collector.end()));
  const settle = (outcome: Answer | Failure | null) => {
    if (outcome !== null) resolve(outcome);
  };
  socket.write(requestText(url));
  const outcome = await promise;
  clearTimeout(timer);
  socket.destroy();
  return outcome;
}

function dial(url: URL, address: string, ca: readonly string[] | undefined): Socket {
  const isSecure = url.protocol === "wss:";
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  if (!isSecure) return connectPlain({ host: address, port });
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return connectSecure({
    host: address,
    port,
    ALPNProtocols: ["http/1.1"],
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: [...ca] }),
  });
}

function requestText(url: URL): string {
  return [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    "Accept: application/nostr+json",
    "Accept-Encoding: identity",
    `User-Agent: ${USER_AGENT}`,
    "Connection: close",
    "\r\n",
  ].join("\r\n");
}

/** Puts the answer together, up to the bound. */
class Collector {
  readonly #room = new Uint8Array(UPSTREAM_DOCUMENT_BYTES_MAX);
  readonly #reader = new HttpAnswerReader();
  #used = 0;

  /** Returns the answer where it is whole now, a failure where it can never be, else null. */
  take(bytes: Uint8Array): Answer | Failure | null {
    if (this.#used + bytes.length > this.#room.length) {
      return { kind: "too-large", reason: `the answer is longer than ${this.#room.length} bytes` };
    }
    this.#room.set(bytes, this.#used);
    this.#used += bytes.length;
    return this.#read(false);
  }

  /** Nothing more comes. */
  end(): Answer | Failure | null {
    return this.#read(true);
  }

  #read(isClosed: boolean): Answer | Failure | null {
    try {
      return this.#reader.read(this.#room.subarray(0, this.#used), isClosed);
    } catch (error) {
      return { kind: "garbage", reason: (error as Error).message };
    }
  }
}
