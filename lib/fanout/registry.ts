/**
 * The registry of the fan-out: which bots there are, who follows them, and by which secret. Two implementations pass one
 * suite: SQLite for one relay, and Postgres for several relays that share it.
 *
 * Every change has a version, one more than the change before it, and is written in the transaction of the change. So
 * whoever knows a version learns what has changed since, whichever relay changed it, and by one row whether anything has.
 * Types only; any thread.
 *
 * @module
 */

/** A bot, as it was registered. */
export interface Bot {
  /** Whose events are its signals, hex. */
  readonly pubkey: string;
  /** What it is called; at most `FANOUT_NAME_CHARS_MAX` characters. */
  readonly name: string;
  /** Another key that it names, not proved; null: none. */
  readonly nostrPubkey: string | null;
  /** An address on a chain that it names, not proved; null: none. */
  readonly ethAddress: string | null;
}

/** A subscription, as it is kept. */
export interface Subscription {
  readonly bot: string;
  readonly follower: string;
  /** Of `SecretSeal`; null: there is no shared secret. */
  readonly sealed: Uint8Array | null;
  /** When it was made, ms since 1970. */
  readonly since: number;
}

/** A subscription to be made. */
export interface NewSubscription extends Subscription {
  /** Whether the bot makes it: then it is counted among the bot's only. */
  readonly isByBot: boolean;
}

/** What has changed after a version. */
export interface Changes {
  /** The newest. */
  readonly version: number;
  /** Bots that were registered or removed; null: more has changed than is kept, or the registry is another one. */
  readonly bots: readonly string[] | null;
  /** Followers whose subscriptions have changed, other than by the removal of a bot. */
  readonly followers: readonly string[];
}

/** Keys in their order. */
export interface Page {
  /** It begins after this key; empty: with the first. */
  readonly after: string;
  readonly max: number;
}

/** See the module's text. All of it rejects with {@linkcode RegistryAwayError} while the database does not answer. */
export interface Registry {
  /** Registers a bot, or changes what it is called. */
  register(bot: Bot): Promise<"done" | "full">;
  /** Removes a bot and its subscriptions; false: there is none. */
  unregister(bot: string): Promise<boolean>;
  hasBot(bot: string): Promise<boolean>;
  /** Subscribes, or changes the secret. */
  subscribe(subscription: NewSubscription): Promise<"done" | "unknown bot" | "full">;
  /** False: there is no such subscription. */
  unsubscribe(bot: string, follower: string): Promise<boolean>;
  bots(page: Page): Promise<string[]>;
  followersOf(bot: string, page: Page): Promise<string[]>;
  /** At most `FANOUT_SUBSCRIPTIONS_SERVED_MAX`, those first that the follower has made. */
  subscriptionsOf(follower: string): Promise<Subscription[]>;
  changesAfter(version: number): Promise<Changes>;
  /**
   * Deletes at most `FANOUT_PAGE_ROWS` subscriptions of bots that were removed: they count for nobody any more.
   *
   * @returns whether there may be more.
   */
  sweep(): Promise<boolean>;
  close(): Promise<void>;
}

/** What a test may ask otherwise. */
export interface RegistryOptions {
  /** Changes that are kept; `FANOUT_CHANGES_KEPT` by default. */
  readonly changesKept?: number;
}

/** The registry's database does not answer, or not in time. What was asked may have been done all the same. */
export class RegistryAwayError extends Error {
  override name = "RegistryAwayError";
}
