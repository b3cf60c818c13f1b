/**
 * One client of a WebSocket that another actor serves.
 * The gateway's thread owns it.
 *
 * @module
 */
import { CLOSE_REASON_BYTES_MAX } from "../../lib/limits.ts";
import type { ActorLink } from "../../runtime/actor_link.ts";
import type { CountPlaces } from "./connection_counts.ts";
import type { OutboundPool } from "./outbound_pool.ts";
import type { Socket } from "./sockets/listener.ts";

const encoder = new TextEncoder();
const reasonRoom = new Uint8Array(CLOSE_REASON_BYTES_MAX);

/** What is known of it when it comes. */
interface PipedClientParts {
  /** Unique within this life of the gateway. */
  readonly number: number;
  readonly socket: Socket;
  readonly address: string;
  /** To the actor that serves it. */
  readonly link: ActorLink;
  /** Where it is counted. */
  readonly places: CountPlaces;
  /** What waits for all clients. */
  readonly pool: OutboundPool;
}

/** See the module's text. */
export class PipedClient {
  readonly number: number;
  readonly socket: Socket;
  readonly address: string;
  readonly link: ActorLink;
  readonly places: CountPlaces;
  readonly #pool: OutboundPool;
  /** Its texts that the actor has not taken. */
  untaken = 0;
  /** Characters that it was sent, of which the actor has not heard that they have left. */
  sentChars = 0;
  /** Whether it is being closed, or is gone: nothing more is passed on. */
  isEnded = false;
  #isOpen = true;

  constructor({ number, socket, address, link, places, pool }: PipedClientParts) {
    this.number = number;
    this.socket = socket;
    this.address = address;
    this.link = link;
    this.places = places;
    this.#pool = pool;
  }

  send(texts: readonly string[]): void {
    for (const text of texts) {
      this.sentChars += text.length;
      this.socket.send(text);
    }
  }

  /**
   * Asks the socket what still waits, bytes, and tells the actor what has left. A character is at least one byte, so that
   * what has left is never thought to be more than it is.
   */
  measureBufferedBytes(): number {
    const bytes = this.#isOpen ? this.socket.bufferedBytes : 0;
    const chars = this.sentChars - Math.min(this.sentChars, bytes);
    this.#pool.account(this, bytes);
    if (chars > 0 && !this.isEnded) this.link.tell({ type: "written", number: this.number, chars });
    this.sentChars -= chars;
    return bytes;
  }

  /** Begins to close the socket, which may stay for long where the client reads nothing. */
  end(code: number, reason: string): void {
    if (this.isEnded) return;
    this.isEnded = true;
    // It may repeat what a client wrote, in characters of several bytes.
    this.socket.close(code, reason.slice(0, encoder.encodeInto(reason, reasonRoom).read));
  }

  /** The socket is closed. */
  gone(): void {
    this.isEnded = true;
    this.#isOpen = false;
    this.measureBufferedBytes();
  }
}
