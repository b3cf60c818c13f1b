/**
 * The protocol with one relay over any transport of texts: subscriptions, events of ours, comparisons, proofs. It
 * keeps within the relay's limits, repeats what was refused for a while, and counts what nobody asked for. No socket, no
 * timer and no randomness of its own: whoever owns it passes texts in, and calls `tick` about once a second.
 * Belongs to the thread that made it.
 *
 * @module
 */
import { UPSTREAM_REQUESTS_WAITING_MAX } from "../limits.ts";
import type { RelayKey } from "../relay/relay_key.ts";
import type { FilterJson } from "./asked_filter.ts";
import { KeyProof } from "./key_proof.ts";
import { Comparison } from "./comparison.ts";
import { EchoIds } from "./echo_ids.ts";
import type { Failure } from "./failure.ts";
import { Pace } from "./pace.ts";
import { Publishes } from "./publishes.ts";
import type {
  ComparisonListener,
  Opened,
  OpenedComparison,
  PoliteLimits,
  PublishOutcome,
  RelayConversation,
  SubscriptionListener,
} from "./relay_conversation.ts";
import { ReceivedCounts } from "./received_counts.ts";
import { readRelayMessage, type RelayMessage } from "./relay_messages.ts";
import { OpenRequests } from "./open_requests.ts";
import type { Situation } from "./situation.ts";
import { Subscription } from "./subscription.ts";

/** What a conversation needs of its surroundings. */
interface ConversationOptions {
  /** Normalized; AUTH events name it. */
  readonly url: string;
  readonly limits: PoliteLimits;
  /** Sends a text, or drops it where the connection has ended. */
  readonly send: (text: string) => void;
  /** The conversation is over for this reason: the owner closes the connection. `ended` was done. */
  readonly fail: (failure: Failure) => void;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** A number in 0..1, 1 excluded. */
  readonly random: () => number;
  /** The key that answers AUTH, or null: none does. */
  readonly key: RelayKey | null;
  /** Whether an event of this id was verified before: such a one is passed on, and not looked at. */
  readonly isKnown?: (id: string) => boolean;
  /** Whether ids of what comes are kept, so that an up stream sends none back; they take 32 KiB. */
  readonly keepsEchoes?: boolean;
}

/** See the module's text. */
export class Conversation implements RelayConversation {
  readonly url: string;
  readonly counts = new ReceivedCounts();
  readonly #options: ConversationOptions;
  readonly #proof: KeyProof;
  readonly #pace: Pace;
  readonly #situation: Situation;
  readonly #publishes: Publishes;
  readonly #requests: OpenRequests<Subscription | Comparison>;
  readonly #echoes: EchoIds | null;
  #limits: PoliteLimits;
  #requestNumber = 0;
  #notice = "";
  #isEnded = false;
  /** When the message that is taken came, ms. */
  #takenMs = 0;
  /** How long reading has paused, and since when it pauses, ms. */
  #pausedMs = 0;
  #pausedSince: number | null = null;

  constructor(options: ConversationOptions) {
    this.url = options.url;
    this.#options = options;
    this.#limits = options.limits;
    this.#proof = new KeyProof(options.url, options.key);
    this.#pace = new Pace(options.random);
    this.#echoes = options.keepsEchoes === true ? new EchoIds() : null;
    const now = () => this.#nowMs();
    this.#situation = {
      send: options.send,
      pace: this.#pace,
      proof: this.#proof,
      get nowMs() {
        return now();
      },
    };
    this.#publishes = new Publishes(this.#situation);
    this.#requests = new OpenRequests(this.#situation, options.limits.subscriptionsMax);
  }

  get limits(): PoliteLimits {
    return this.#limits;
  }

  get unanswered(): number {
    return this.#publishes.size;
  }

  /** The newest NOTICE, or empty. */
  get notice(): string {
    return this.#notice;
  }

  /** Why the relay has refused the newest proof of our key, or null. */
  get authRefusal(): string | null {
    return this.#proof.refusal;
  }

  /** Whether an event of this id has come from this relay lately. */
  cameFrom(id: string): boolean {
    return this.#echoes?.has(id) ?? false;
  }

  subscribe(filters: readonly FilterJson[], listener: SubscriptionListener): Opened {
    const capped = filters.map((filter) => ({ ...filter, limit: this.#cappedLimit(filter.limit) }));
    return this.#request(new Subscription(this.#nextId(), capped, listener));
  }

  #cappedLimit(limit: unknown): number {
    return typeof limit === "number" ? Math.min(limit, this.#limits.limitMax) : this.#limits.limitMax;
  }

  compare(filter: FilterJson, message: Uint8Array, listener: ComparisonListener): OpenedComparison {
    const comparison = new Comparison(this.#nextId(), filter, message, listener);
    const opened = this.#limits.reconciles
      ? this.#request(comparison)
      : this.#refuse(comparison, "unsupported: the relay does not compare sets (NIP-77)");
    return {
      close: opened.close,
      send: (next) => {
        if (this.#requests.get(comparison.id) !== comparison) return;
        const text = comparison.next(next, this.#nowMs());
        const reason = this.#lengthFault(text);
        if (reason === null) this.#options.send(text);
        else this.#requests.abort(comparison, reason);
      },
    };
  }

  publish(text: string, id: string): Promise<PublishOutcome> {
    if (this.#isEnded) {
      return Promise.reject(new Error(`Cannot publish event "${id}": the connection has ended`));
    }
    const message = this.#lengthFault(text, '["EVENT",]'.length);
    if (message !== null) return Promise.resolve({ accepted: false, message });
    const outcome = this.#publishes.add(text, id);
    this.#flush();
    return outcome;
  }

  /** Takes a text that the relay has sent. */
  receive(text: string): void {
    if (this.#isEnded) return;
    this.#takenMs = this.#nowMs();
    this.counts.messages++;
    const message = readRelayMessage(text);
    if (message === null) this.counts.garbage++;
    else if (message.type === "EVENT") this.#takeEvent(message.subscriptionId, message.text, message.id);
    else this.#take(message);
    const failure = this.counts.failure(this.#takenMs);
    if (failure === null) this.#flush();
    else this.#fail(failure);
  }

  /** The connection has ended: everything that waits is told. */
  ended(reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#requests.end(reason);
    this.#publishes.end(reason);
  }

  /** Does what is due by time. Call it about once a second; never while reading is paused. */
  tick(): void {
    if (this.#isEnded || this.#pausedSince !== null) return;
    this.#proof.tick(this.#nowMs());
    this.#requests.tick();
    this.#publishes.tick();
    this.#flush();
  }

  /** The connection is not read: no time passes for what is awaited. */
  pause(): void {
    this.#pausedSince ??= this.#options.clock();
  }

  /** The connection is read again. */
  resume(): void {
    if (this.#pausedSince === null) return;
    this.#pausedMs += this.#options.clock() - this.#pausedSince;
    this.#pausedSince = null;
  }

  #nowMs(): number {
    return (this.#pausedSince ?? this.#options.clock()) - this.#pausedMs;
  }

  #nextId(): string {
    return `s${(++this.#requestNumber).toString(36)}`;
  }

  #request(request: Subscription | Comparison): Opened {
    const fault = this.#lengthFault(request.opening);
    if (fault !== null) return this.#refuse(request, fault);
    if (this.#isEnded) return this.#refuse(request, "error: the connection has ended");
    if (!this.#requests.add(request)) {
      return this.#refuse(
        request,
        `error: ${UPSTREAM_REQUESTS_WAITING_MAX} requests wait for this relay already`,
      );
    }
    this.#flush();
    return { close: () => this.#close(request) };
  }

  /** Tells whoever asks that it was for nothing, after they have got what ends it. */
  #refuse(request: Subscription | Comparison, reason: string): Opened {
    let isClosed = false;
    queueMicrotask(() => {
      if (!isClosed) request.ended(reason);
    });
    return { close: () => void (isClosed = true) };
  }

  #lengthFault(text: string, more = 0): string | null {
    const bytes = utf8Length(text) + more;
    const { messageBytesMax } = this.#limits;
    if (bytes <= messageBytesMax) return null;
    return `invalid: the message has ${bytes} bytes, the relay accepts ${messageBytesMax}`;
  }

  #close(request: Subscription | Comparison): void {
    if (this.#isEnded) return;
    this.#requests.close(request);
    this.#flush();
  }

  #flush(): void {
    if (this.#requests.waitingCount === 0 && this.#publishes.waitingCount === 0) return;
    if (this.#isEnded || this.#proof.isPending || this.#pace.isPaused(this.#nowMs())) return;
    this.#requests.flush();
    this.#publishes.flush();
  }

  #take(message: Exclude<RelayMessage, { type: "EVENT" }>): void {
    switch (message.type) {
      case "OK":
        return this.#takeOk(message.id, message.accepted, message.message);
      case "AUTH":
        return this.#takeChallenge(message.challenge);
      case "NOTICE":
        return this.#takeNotice(message.message);
      case "other":
        this.counts.noise++;
        return;
      default:
        this.#takeAnswer(message);
    }
  }

  #takeEvent(subscriptionId: string, text: string, id: string): void {
    const subscription = this.#requests.get(subscriptionId);
    if (!(subscription instanceof Subscription)) {
      if (!this.#requests.isLate(subscriptionId)) this.counts.unasked++;
      return;
    }
    if (subscription.counts(this.#takenMs)) {
      return this.#requests.abort(subscription, "error: the relay sends more events than the limits allow");
    }
    let ownId = id;
    if (this.#options.isKnown?.(id) !== true) {
      const checked = subscription.check(text, id);
      if (typeof checked === "string") return void this.counts[checked]++;
      ownId = checked.id;
    }
    this.counts.events++;
    this.#echoes?.add(ownId);
    subscription.listener.event(text, ownId);
  }

  #takeOk(id: string, accepted: boolean, message: string): void {
    if (this.#publishes.answered(id, { accepted, message })) return;
    if (!this.#proof.answered(id, accepted, message)) this.counts.noise++;
  }

  #takeChallenge(challenge: string): void {
    const answer = this.#proof.challenged(challenge, this.#nowMs(), this.#options.clock());
    if (answer.type === "proof") this.#options.send(answer.text);
    else if (answer.type === "loop") {
      this.#fail({ kind: "auth", reason: "the relay asks for authentication again and again" });
    }
  }

  #takeNotice(message: string): void {
    this.#notice = message;
    this.counts.noise++;
    if (message.startsWith("rate-limited:")) this.#pace.slowDown(this.#nowMs());
    if (/negentropy|NEG-/i.test(message)) this.#endComparisons(message);
  }

  /** Relays that know no NIP-77 say so in a NOTICE, which names no comparison. */
  #endComparisons(notice: string): void {
    for (const request of this.#requests.opened()) {
      if (!(request instanceof Comparison) || request.hasAnswers) continue;
      this.#limits = { ...this.#limits, reconciles: false };
      this.#requests.abort(request, `unsupported: the relay does not compare sets: ${notice}`);
    }
  }

  #takeAnswer(message: RelayMessage & { readonly subscriptionId: string }): void {
    const request = this.#requests.get(message.subscriptionId);
    if (request === undefined) {
      if (!this.#requests.isLate(message.subscriptionId)) this.counts.noise++;
    } else if (message.type === "CLOSED" || message.type === "NEG-ERR") {
      this.#requests.refused(request, message.message);
    } else if (message.type === "EOSE" && request instanceof Subscription) {
      request.eose();
    } else if (message.type === "NEG-MSG" && request instanceof Comparison) {
      if (!request.answered(message.message)) this.counts.garbage++;
    } else {
      this.counts.noise++;
    }
  }

  #fail(failure: Failure): void {
    if (this.#isEnded) return;
    this.ended(failure.reason);
    this.#options.fail(failure);
  }
}

/** Bytes of UTF-8, without making them. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // A surrogate pair has two units and four bytes, so one more for each.
    if (code >= 0x800 && (code < 0xd800 || code > 0xdfff)) bytes += 2;
    else if (code >= 0x80) bytes += 1;
  }
  return bytes;
}
