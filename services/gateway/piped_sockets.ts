/**
 * WebSockets that another actor serves: `/ws` and `/fanout`. Their texts are passed on both ways; who may connect, how much
 * waits and how much is read is bounded here, as it is for every client.
 * The gateway's thread owns it.
 *
 * DESIGN: an actor sends while less than `PIPED_SOCKET_BYTES_MAX` waits, by what it hears to have left. No engine tells of
 * bytes that leave, so sockets are asked: soon after they were sent something, as long as that goes on leaving, and every
 * few milliseconds where it does not. The other way a text is read when the actor has taken the one before it.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import {
  API_TARGET_CHARS_MAX,
  PIPED_LOOK_MS,
  PIPED_LOOK_SOCKETS,
  PIPED_TEXT_CHARS_MAX,
  PIPED_TEXTS_UNTAKEN_MAX,
} from "../../lib/limits.ts";
import { slotOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { HttpAuthError } from "../../lib/nostr/http_auth.ts";
import type { ActorLink } from "../../runtime/actor_link.ts";
import type { Proof } from "../../wire/pages.ts";
import type { SocketOrder } from "../../wire/piped_sockets.ts";
import type { Admission } from "./admission.ts";
import { hasToken, type ProofDoor, proveKey } from "./http/request_proof.ts";
import type { OutboundPool } from "./outbound_pool.ts";
import { PipedClient } from "./piped_client.ts";
import { TOO_SLOW } from "./requests.ts";
import type { HandshakeRefusal, PathEvents, RequestHeaders, Socket, Visitor } from "./sockets/listener.ts";

const SLOW_READERS = slotOf("nostr_slow_readers_total");
const RESTARTED = [1012, "the service was started again"] as const;

/** Who asks for such a socket. */
interface PipedVisitor extends Visitor {
  readonly path: string;
  readonly query: string;
  readonly proof: Proof;
}

/** A path, and the actor that serves it. */
export interface PipedPath {
  readonly path: string;
  readonly link: ActorLink;
  /** Why it is not served, with the setting that would have it served; null: it is. */
  absence(): string | null;
}

/** What the sockets need. */
interface PipeParts {
  readonly settings: ConfigFollower;
  readonly metrics: ThreadMetrics;
  readonly admission: Admission;
  readonly proofs: ProofDoor;
  readonly pool: OutboundPool;
}

/** Tells who sends a request. */
type VisitorOf = (headers: RequestHeaders, remote: string) => Visitor;

/** See the module's text. */
export class SocketPipes {
  readonly #parts: PipeParts;
  readonly #paths: readonly PipedPath[];
  readonly #clients = new Map<number, PipedClient>();
  #lastNumber = 0;
  /** Those that are asked in the next turn what has left, and those of which nothing left lately. */
  readonly #fresh = new Set<PipedClient>();
  readonly #slow = new Set<PipedClient>();

  constructor(parts: PipeParts, paths: readonly PipedPath[]) {
    this.#parts = parts;
    this.#paths = paths;
    for (const { link } of paths) {
      link.use({ obey: (order) => this.#obey(order), lost: () => this.#lost(link) });
    }
  }

  get hasClients(): boolean {
    return this.#clients.size > 0;
  }

  /** What an engine tells of them, by path. */
  events(visitorOf: VisitorOf): ReadonlyMap<string, PathEvents<unknown>> {
    return new Map(this.#paths.map((path) => [path.path, this.#eventsOf(path, visitorOf)]));
  }

  /** Closes those of addresses that are blocked now. */
  endBlocked(): void {
    for (const client of this.#clients.values()) {
      const refusal = this.#parts.admission.refusalOf(client.address);
      if (refusal !== null) client.end(1008, refusal);
    }
  }

  /** Says goodbye to all. */
  closeAll(): void {
    for (const client of this.#clients.values()) client.end(1001, "the relay stops");
  }

  #eventsOf(piped: PipedPath, visitorOf: VisitorOf): PathEvents<PipedClient> {
    return {
      visitor: (headers, remote, target) =>
        this.#visitor(piped, { ...visitorOf(headers, remote), headers, target }),
      open: (socket, visitor) => this.#open(piped.link, socket, visitor as PipedVisitor),
      text: (client, text) => this.#text(client, text),
      fault: (client) => client.end(1003, "binary frames are not part of this protocol"),
      closed: (client) => this.#closed(client),
    };
  }

  #visitor(
    { path, absence }: PipedPath,
    { address, host, headers, target }: Visitor & { headers: RequestHeaders; target: string },
  ): PipedVisitor | HandshakeRefusal {
    const reason = absence();
    if (reason !== null) return { status: 404, reason };
    if (target.length > API_TARGET_CHARS_MAX) {
      return { status: 414, reason: `its URL is longer than ${API_TARGET_CHARS_MAX} characters` };
    }
    try {
      const proof = this.#proofOf(headers.get("Authorization"), target);
      return { address, host, path, query: target.slice(path.length + 1), proof };
    } catch (error) {
      if (!(error instanceof HttpAuthError)) throw error;
      return { status: 401, reason: error.message };
    }
  }

  #proofOf(header: string | null, target: string): Proof {
    const { proofs } = this.#parts;
    if (header === null) return { key: null, isAdmin: false };
    if (hasToken(header, proofs)) return { key: null, isAdmin: true };
    const { pubkey } = proveKey({ header, method: "GET", target }, proofs, false);
    return { key: pubkey, isAdmin: proofs.mayManage(pubkey) };
  }

  #open(
    link: ActorLink,
    socket: Socket,
    { path, query, address, host, proof }: PipedVisitor,
  ): PipedClient | null {
    const places = this.#parts.admission.admit(address);
    if (places === null) return null;
    const number = ++this.#lastNumber;
    const client = new PipedClient({ number, socket, address, link, places, pool: this.#parts.pool });
    this.#clients.set(number, client);
    link.tell({ type: "opened", number, path, query, address, host, proof });
    return client;
  }

  #text(client: PipedClient, text: string): void {
    if (client.isEnded) return;
    if (text.length > PIPED_TEXT_CHARS_MAX) {
      return client.end(1009, `a message is longer than ${PIPED_TEXT_CHARS_MAX} characters`);
    }
    client.untaken++;
    client.link.tell({ type: "text", number: client.number, text });
    if (client.socket.flow !== null) client.socket.flow.pause();
    else if (client.untaken > PIPED_TEXTS_UNTAKEN_MAX) {
      client.end(1008, `more than ${PIPED_TEXTS_UNTAKEN_MAX} messages wait to be answered`);
    }
  }

  #closed(client: PipedClient): void {
    if (!this.#clients.delete(client.number)) return;
    client.gone();
    this.#fresh.delete(client);
    this.#slow.delete(client);
    this.#parts.admission.left(client.places);
    client.link.tell({ type: "closed", number: client.number });
  }

  #obey(order: SocketOrder): void {
    const client = this.#clients.get(order.number);
    if (client === undefined || client.isEnded) return;
    if (order.type === "close") client.end(order.code, order.reason);
    else if (order.type === "taken") {
      if (--client.untaken === 0) client.socket.flow?.resume();
    } else this.#send(client, order.texts);
  }

  #send(client: PipedClient, texts: readonly string[]): void {
    client.send(texts);
    const { settings, metrics, pool } = this.#parts;
    if (client.measureBufferedBytes() > Math.min(settings.config.OUTBOUND_BYTES_MAX, pool.left)) {
      metrics.add(SLOW_READERS, 1);
      return client.end(1008, TOO_SLOW);
    }
    if (this.#slow.has(client)) return;
    if (this.#fresh.size === 0) setImmediate(() => this.#lookAtFresh());
    this.#fresh.add(client);
  }

  #lost(link: ActorLink): void {
    for (const client of this.#clients.values()) if (client.link === link) client.end(...RESTARTED);
  }

  #lookAtFresh(): void {
    for (const client of this.#fresh) {
      const before = client.sentChars;
      client.measureBufferedBytes();
      if (client.sentChars > 0 && client.sentChars < before) continue;
      this.#fresh.delete(client);
      if (client.sentChars === 0) continue;
      if (this.#slow.size === 0) setTimeout(() => this.#lookAtSlow(), PIPED_LOOK_MS);
      this.#slow.add(client);
    }
    if (this.#fresh.size > 0) setImmediate(() => this.#lookAtFresh());
  }

  #lookAtSlow(): void {
    for (const client of this.#slow) {
      client.measureBufferedBytes();
      if (client.sentChars === 0) this.#slow.delete(client);
    }
    if (this.#slow.size > 0) {
      setTimeout(() => this.#lookAtSlow(), PIPED_LOOK_MS + this.#slow.size / PIPED_LOOK_SOCKETS);
    }
  }
}
