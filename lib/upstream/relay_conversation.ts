/**
 * What a conversation with one relay offers to whoever reads from it or writes to it. `conversation.ts` implements it
 * over a transport of texts; streams and commands use it and know no socket. Types only; any thread.
 *
 * @module
 */

/** What a relay allows, as its NIP-11 document says, or the defaults of `lib/limits.ts` where it says nothing. */
export interface PoliteLimits {
  /** Open subscriptions. */
  readonly subscriptionsMax: number;
  /** Stored events for one filter. */
  readonly limitMax: number;
  /** Bytes of a message. */
  readonly messageBytesMax: number;
  /** Whether it reconciles (NIP-77), as its `supported_nips` say; a NEG-ERR or NOTICE may tell otherwise later. */
  readonly reconciles: boolean;
}

/** Hears what one subscription brings. */
export interface SubscriptionListener {
  /** An event: its JSON as it came, and its id, which nothing has verified yet. */
  event(text: string, id: string): void;
  /** The stored events are over. */
  eose(): void;
  /** The relay, or the end of the connection, has ended it. `message` has a NIP-01 prefix, or is empty. */
  closed(message: string): void;
}

/** What a relay answered to an event. */
export interface PublishOutcome {
  readonly accepted: boolean;
  /** With a prefix of NIP-01, or empty. */
  readonly message: string;
}

/** Hears the answers of one comparison (NIP-77). */
export interface ComparisonListener {
  /** A NEG-MSG, decoded from hex. */
  message(bytes: Uint8Array): void;
  /** NEG-ERR, a NOTICE that negentropy is unknown, a time-out, or the end of the connection. */
  failed(reason: string): void;
}

/** A subscription or a comparison that is open, or waits until the relay's limits allow it. */
export interface Opened {
  close(): void;
}

/** A comparison that is open. */
export interface OpenedComparison extends Opened {
  send(message: Uint8Array): void;
}

/** See the module's text. */
export interface RelayConversation {
  /** Normalized. */
  readonly url: string;
  readonly limits: PoliteLimits;
  /** Opens a subscription; it waits where the relay allows no more of them now. `filters` are NIP-01's, as JSON values. */
  subscribe(filters: readonly Readonly<Record<string, unknown>>[], listener: SubscriptionListener): Opened;
  /** Opens a comparison with a first message of ours. */
  compare(
    filter: Readonly<Record<string, unknown>>,
    message: Uint8Array,
    listener: ComparisonListener,
  ): OpenedComparison;
  /**
   * Sends an event and resolves with the relay's answer. `rate-limited:` and `auth-required:` are dealt with inside; a
   * connection that ends first rejects.
   *
   * @param text The event as JSON.
   */
  publish(text: string, id: string): Promise<PublishOutcome>;
  /** Whether an event of this id has come from this relay lately; an up stream does not send it back. */
  cameFrom(id: string): boolean;
  /** Events that were published and are not answered. */
  readonly unanswered: number;
  /** `unasked`: events that came and match nothing that was asked for. They are not handed over. */
  readonly counts: { readonly unasked: number };
}
