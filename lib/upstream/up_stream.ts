/**
 * A stream that goes up: the events of our log that a filter selects are sent to one relay, in the order of the log, and so
 * are events that a comparison found the relay to lack.
 *
 * ```
 *   log  ... | answered | answered | sent | answered | sent | read | to be read ...
 *                                ^ cursor                          ^ the follower's place
 * ```
 *
 * A window of events is unanswered at one time. The cursor lies before the first that has no final answer, so that a stream
 * which resumes from it sends some events twice and misses none. What was written while the relay was away goes up later.
 *
 * Pure: time is passed in. `step` is called when the log goes on, and about once a second. Belongs to the thread that made
 * it; a new one is made for each connection.
 *
 * @module
 */
import {
  UPSTREAM_LOG_ROWS,
  UPSTREAM_RETRY_SECONDS_MAX,
  UPSTREAM_RETRY_SECONDS_MIN,
  UPSTREAM_SEND_ATTEMPTS_MAX,
  UPSTREAM_SENT_CHARS_MAX,
  UPSTREAM_SENT_UNANSWERED_MAX,
} from "../limits.ts";
import { Follower, type LogSource } from "../log/follower.ts";
import type { IdRow, TextRow } from "../log/log_reader.ts";
import type { TailMemory } from "../log/tail.ts";
import { idOf } from "../nostr/exact.ts";
import { prefixOf } from "../nostr/prefixes.ts";
import type { PublishOutcome, RelayConversation } from "./relay_conversation.ts";
import { StreamFault } from "./stream_reads.ts";

/** What a stream works with. */
export interface UpStreamParts {
  readonly conversation: Pick<RelayConversation, "publish">;
  readonly log: LogSource<TextRow, IdRow>;
  /** Says that the log goes on. */
  readonly tail?: TailMemory;
  /** The entry of the log after which it begins. */
  readonly after: number;
  /** Whether an event goes up: by the stream's filter, and by what may leave this relay at all. */
  readonly isWanted: (text: string) => boolean;
  /** Whether an event came from this relay. */
  readonly cameFrom: (id: string) => boolean;
  /** Asks a plugin about an event, which decides nothing where it fails: null. There may be none: null. */
  readonly approve: ((text: string, id: string) => Promise<boolean | null>) | null;
  /** The text of an event of ours; null: it is gone. */
  readonly textOf: (id: string) => string | null;
  /** Seconds since 1970. */
  readonly nowSeconds: () => number;
}

/** A plugin that fails says nothing about the event, which is tried again for as long as it takes. */
const UNDECIDED: PublishOutcome = {
  accepted: false,
  message: "rate-limited: the stream's plugin has failed",
};

/** What a stream did over this connection. */
interface UpCounts {
  sent: number;
  accepted: number;
  /** Those that the relay had already. */
  duplicates: number;
  /** Those that it refused for what they are. */
  refused: number;
  /** Those that it could not store, however often they were sent. */
  failed: number;
}

/** Events that a comparison found the relay to lack. */
interface Offer {
  readonly ids: readonly string[];
  next: number;
  unanswered: number;
  readonly done: PromiseWithResolvers<void>;
}

/** An event that was read from the log. Its text is null where it had to wait: it is read again when its turn comes. */
interface ReadEvent {
  readonly seq: number;
  readonly id: string;
  readonly text: string | null;
}

/** An event that is on its way. */
interface Sending {
  readonly id: string;
  readonly text: string;
  /** Its entry of the log; null where it was offered. */
  readonly seq: number | null;
  readonly offer: Offer | null;
  attempts: number;
  /** When it is sent again, seconds; Infinity: it is with the relay. */
  retryAt: number;
}

/** See the module's text. */
export class UpStream {
  readonly counts: UpCounts = { sent: 0, accepted: 0, duplicates: 0, refused: 0, failed: 0 };
  readonly #parts: UpStreamParts;
  readonly #follower: Follower<TextRow, IdRow>;
  /** Events that were read and not sent, in the order of the log. */
  #read: ReadEvent[] = [];
  /** In the order of their sending, so that those of the log are in its order. */
  readonly #sending = new Set<Sending>();
  #sendingChars = 0;
  readonly #offers: Offer[] = [];
  #failure = "";
  #isStopped = false;

  constructor(parts: UpStreamParts) {
    this.#parts = parts;
    this.#follower = new Follower<TextRow, IdRow>({
      log: parts.log,
      after: parts.after,
      ...(parts.tail !== undefined && { tail: parts.tail }),
      sink: {
        add: ([seq, text]) => this.#add(seq, text),
        // What was removed is no row any more; what was read before is looked up when its turn comes.
        remove: () => {},
      },
    });
  }

  /** The entry of the log up to which all events have their final answer: what is to be kept durable. */
  get cursor(): number {
    for (const { seq } of this.#sending) if (seq !== null) return seq - 1;
    return this.#read.length > 0 ? this.#read[0]!.seq - 1 : this.#follower.cursor;
  }

  /** Entries of the log that are not dealt with. */
  get lag(): number {
    return this.#follower.lag + this.#follower.cursor - this.cursor;
  }

  /** Why nothing is sent over this connection any more, or empty. */
  get failure(): string {
    return this.#failure;
  }

  /**
   * Sends what the window has room for, from at most so many entries of the log.
   *
   * @returns whether another step would do more at once.
   */
  step(entriesMax = UPSTREAM_LOG_ROWS): boolean {
    if (this.#isStopped) return false;
    const now = this.#parts.nowSeconds();
    for (const sending of this.#sending) if (now >= sending.retryAt) this.#sendAgain(sending);
    this.#sendOffers();
    const isAtEnd = this.#read.length === 0 && this.#follower.step(entriesMax);
    this.#sendRead();
    return this.#hasRoom && !isAtEnd;
  }

  /**
   * Sends events of ours by their ids.
   *
   * @returns when each has its final answer.
   * @throws {StreamFault} if the stream stops before.
   */
  offer(ids: readonly string[]): Promise<void> {
    if (this.#isStopped) return Promise.reject(new StreamFault(this.#failure || "the stream has stopped"));
    const offer: Offer = { ids, next: 0, unanswered: 0, done: Promise.withResolvers() };
    this.#offers.push(offer);
    this.#sendOffers();
    return offer.done.promise;
  }

  /** Ends: the connection is over, or the stream is. */
  stop(reason = "the stream has stopped"): void {
    this.#isStopped = true;
    for (const { done } of this.#offers.splice(0)) done.reject(new StreamFault(reason));
  }

  get #hasRoom(): boolean {
    return !this.#isStopped && this.#sending.size < UPSTREAM_SENT_UNANSWERED_MAX &&
      this.#sendingChars < UPSTREAM_SENT_CHARS_MAX;
  }

  #add(seq: number, text: string): void {
    const id = idOf(text);
    if (this.#parts.cameFrom(id) || !this.#parts.isWanted(text)) return;
    this.#read.push({ seq, id, text });
  }

  /** Sends what was read from the log. What has to wait may be removed meanwhile, and its text is not kept. */
  #sendRead(): void {
    while (this.#hasRoom && this.#read.length > 0) {
      const { seq, id, text: read } = this.#read.shift()!;
      const text = read ?? this.#parts.textOf(id);
      if (text !== null) void this.#send({ id, text, seq, offer: null, attempts: 0, retryAt: Infinity });
    }
    if (this.#read.at(-1)?.text) this.#read = this.#read.map(({ seq, id }) => ({ seq, id, text: null }));
  }

  /** Half of the window is for the log, so that neither waits for the other. */
  #sendOffers(): void {
    const { textOf, isWanted, cameFrom } = this.#parts;
    for (let offer = this.#offers[0]; offer !== undefined; offer = this.#offers[0]) {
      while (offer.next < offer.ids.length) {
        if (!this.#hasRoom || offer.unanswered >= UPSTREAM_SENT_UNANSWERED_MAX / 2) return;
        const id = offer.ids[offer.next++]!;
        const text = cameFrom(id) ? null : textOf(id);
        if (text === null || !isWanted(text)) continue;
        offer.unanswered++;
        void this.#send({ id, text, seq: null, offer, attempts: 0, retryAt: Infinity });
      }
      if (offer.unanswered > 0) return;
      this.#offers.shift();
      offer.done.resolve();
    }
  }

  async #send(sending: Sending): Promise<void> {
    if (!this.#sending.has(sending)) this.#sendingChars += sending.text.length;
    this.#sending.add(sending);
    sending.retryAt = Infinity;
    sending.attempts++;
    const outcome = await this.#outcomeOf(sending);
    if (this.#isStopped) return;
    if (outcome === null) this.#end(sending);
    else if (outcome === UNDECIDED) this.#undecided(sending);
    else this.#answered(sending, outcome);
    this.step();
  }

  /** The event may have been removed, or banned, while it waited. */
  #sendAgain(sending: Sending): void {
    const { textOf, isWanted } = this.#parts;
    if (textOf(sending.id) === null || !isWanted(sending.text)) this.#end(sending);
    else void this.#send(sending);
  }

  /** The relay has not heard of the attempt. */
  #undecided(sending: Sending): void {
    sending.attempts--;
    this.#retry(sending, UPSTREAM_RETRY_SECONDS_MIN);
  }

  /** The relay's answer; null: a plugin keeps the event here. */
  async #outcomeOf({ text, id }: Sending): Promise<PublishOutcome | null> {
    const { approve, conversation } = this.#parts;
    const decision = approve === null ? true : await approve(text, id);
    if (decision === null) return UNDECIDED;
    if (!decision) return null;
    this.counts.sent++;
    try {
      return await conversation.publish(text, id);
    } catch (error) {
      return { accepted: false, message: `error: ${(error as Error).message}` };
    }
  }

  #answered(sending: Sending, { accepted, message }: PublishOutcome): void {
    const prefix = prefixOf(message);
    if (prefix === "duplicate") this.counts.duplicates++;
    else if (accepted) this.counts.accepted++;
    else if (prefix === "auth-required") return this.#refuse(message);
    else if (prefix === "rate-limited") return this.#retry(sending, UPSTREAM_RETRY_SECONDS_MAX);
    else if (prefix !== "error") this.counts.refused++;
    else if (sending.attempts < UPSTREAM_SEND_ATTEMPTS_MAX) {
      return this.#retry(sending, UPSTREAM_RETRY_SECONDS_MIN * 2 ** (sending.attempts - 1));
    } else this.counts.failed++;
    this.#end(sending);
  }

  #retry(sending: Sending, seconds: number): void {
    sending.retryAt = this.#parts.nowSeconds() + seconds;
  }

  /** The event has its final answer. */
  #end(sending: Sending): void {
    this.#sending.delete(sending);
    this.#sendingChars -= sending.text.length;
    if (sending.offer === null) return;
    sending.offer.unanswered--;
    this.#sendOffers();
  }

  /** The relay accepts nothing from us. The cursor stays, and the next connection tries again. */
  #refuse(message: string): void {
    this.#failure = message;
    this.stop(message);
  }
}
