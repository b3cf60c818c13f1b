/**
 * One client as its gateway sees it: the socket, its subscriptions, what it still has to be answered, how slow it reads,
 * which keys it has proved.
 * The gateway's thread owns it.
 *
 * @module
 */
import { OUTBOUND_CHECK_CHARS, OUTBOUND_FLOOR_BYTES, OUTBOUND_PAUSE_BYTES } from "../../lib/limits.ts";
import type { AuthState } from "../../lib/nostr/auth.ts";
import { eventPrefix } from "../../lib/nostr/relay_message.ts";
import type { CachedText } from "../../lib/store/read/text_cache.ts";
import { type CountPlaces, NOWHERE } from "./connection_counts.ts";
import type { NegentropySession } from "./negentropy_sessions.ts";
import type { Socket } from "./sockets/listener.ts";
import type { OutboundPool } from "./outbound_pool.ts";
import type { StoredQuery } from "./stored_query.ts";

/** An open subscription. */
export interface Subscription {
  readonly connection: Connection;
  readonly id: string;
  /** The beginning of each of its EVENT messages. */
  readonly prefix: string;
  /** Events up to this entry of the log belong to the stored part; later ones are live. */
  liveAfterSeq: number;
  /** The stored part while it is not finished. */
  query: StoredQuery | null;
  /** What its filters count as. */
  readonly heldValues: number;
}

const NO_KEYS = new Uint8Array(0);

/** One client; see the module's text. */
export class Connection {
  readonly subscriptions = new Map<string, Subscription>();
  /** Made when they are asked for: most connections never count or compare, and an empty map is 220 bytes. */
  #counts: Map<string, StoredQuery> | null = null;
  #syncs: Map<string, NegentropySession> | null = null;
  /** Events passed to a verifier and not yet answered. */
  unanswered = 0;
  /** About their characters: an outcome does not say which event was how long, so each takes the mean away. */
  unansweredBytes = 0;
  /** Their tags, or a few more, in the same way. */
  unansweredTags = 0;
  isOpen = true;
  /** Where the relay counts it. */
  countedAt: CountPlaces = NOWHERE;
  /** Whether the relay has ended it; the socket may stay for long, where the client reads nothing, and counts as one. */
  isCutOff = false;
  /** Whether the client has been sent its challenge (NIP-42). */
  wasChallenged = false;
  /** What its filters count as, of subscriptions and of counts under way. */
  heldValues = 0;
  /** Steps in vain of matching live events with its filters, since when, by the thread's clock. */
  liveSteps = 0;
  liveStepsFromMs = 0;
  /** Rows examined for its queries since the sockets had a turn, or a few of turns before. */
  turnRows = 0;
  /** The proved keys, 32 bytes each, as frames carry them. */
  keys: Uint8Array = NO_KEYS;
  /** The same in hex; another list after each proof, so that whoever holds one keeps what was proved by then. */
  provedKeys: readonly string[] = [];
  #charsSinceCheck = 0;
  #buffered = 0;

  constructor(
    /** Unique within this life of the gateway. */
    readonly number: number,
    readonly socket: Socket,
    readonly address: string,
    readonly auth: AuthState,
    /** Bytes that may wait for this client, where few read slowly. */
    public outboundBytesMax: number,
    /** What waits for all clients. */
    readonly pool: OutboundPool,
  ) {}

  /** Where its events come from. */
  get source(): "client" {
    return "client";
  }

  /** Bytes that may wait for this client now. */
  get budgetBytes(): number {
    return Math.min(this.outboundBytesMax, this.pool.left);
  }

  /**
   * Bytes that wait from which on its stored queries pause. As many characters of events are three times the bytes at most,
   * and their prefixes; and what waits for this client is taken from what is left for it. So an eighth of its budget fits,
   * and a quarter of the floor, which nothing is taken from.
   */
  get pauseBytes(): number {
    const part = Math.max(Math.floor(this.budgetBytes / 8), OUTBOUND_FLOOR_BYTES / 4);
    return Math.min(OUTBOUND_PAUSE_BYTES, part);
  }

  /** Counts of this connection that are being answered, by subscription id; NIP-45 shares REQ's ids. */
  get counts(): Map<string, StoredQuery> {
    return this.#counts ??= new Map();
  }

  /** The same, or null where there has never been one. */
  get openCounts(): Map<string, StoredQuery> | null {
    return this.#counts;
  }

  /** Negentropy sessions by their own subscription ids (NIP-77). */
  get syncs(): Map<string, NegentropySession> {
    return this.#syncs ??= new Map();
  }

  /** Sends an answer to the client's own request. */
  send(text: string): void {
    this.#charsSinceCheck += text.length;
    this.socket.send(text);
  }

  /**
   * Sends an event of a subscription.
   *
   * @returns false if the client reads too slowly: its budget is used up and nothing was sent.
   */
  sendEvent(subscription: Subscription, text: string | CachedText): boolean {
    // What was not asked about yet may have gone already.
    if (this.bufferedBytes > this.budgetBytes && this.measureBufferedBytes() > this.budgetBytes) return false;
    if (typeof text === "string") this.send(subscription.prefix + text + "]");
    else {
      this.#charsSinceCheck += subscription.prefix.length + text.length + 1;
      this.socket.sendEvent(subscription.prefix, text);
    }
    return true;
  }

  /** Bytes that wait for this client, or a little less: the socket is asked once in a while. */
  get bufferedBytes(): number {
    if (this.#charsSinceCheck > OUTBOUND_CHECK_CHARS) this.measureBufferedBytes();
    return this.#buffered + this.#charsSinceCheck;
  }

  /** The same, asked now. */
  measureBufferedBytes(): number {
    const bytes = this.isOpen ? this.socket.bufferedBytes : 0;
    if (bytes !== this.#buffered) this.pool.account(this, bytes);
    this.#buffered = bytes;
    this.#charsSinceCheck = 0;
    return bytes;
  }

  /** Whether even the answers to its own requests pile up: twice the budget. */
  get isFlooded(): boolean {
    return this.bufferedBytes > 2 * this.budgetBytes;
  }

  /** Makes a subscription; the caller files it. */
  open(id: string, liveAfterSeq: number, heldValues: number): Subscription {
    const prefix = eventPrefix(id);
    const subscription = { connection: this, id, prefix, liveAfterSeq, query: null, heldValues };
    this.subscriptions.set(id, subscription);
    return subscription;
  }

  /** One of its events has its outcome. Returns how many tags that is thought to have had. */
  answered(): number {
    if (this.unanswered === 0) return 0;
    // Whole, and all of them with the last: what many connections add up comes back to nothing.
    const tags = Math.floor(this.unansweredTags / this.unanswered);
    this.unansweredBytes -= this.unansweredBytes / this.unanswered;
    this.unansweredTags -= tags;
    this.unanswered--;
    return tags;
  }

  /** A key was proved. */
  keysChanged(): void {
    this.provedKeys = [...this.auth.authenticated];
    this.keys = Uint8Array.fromHex(this.provedKeys.join(""));
  }
}
