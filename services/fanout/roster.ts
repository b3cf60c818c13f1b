/**
 * What the fan-out knows of the registry: all bots, and the subscriptions of those followers that are connected. It asks
 * for what has changed before signals are sent, and again while many are; whoever's subscriptions have changed is served
 * nothing until they are loaded again. So nobody is sent what was withdrawn, whichever relay withdrew it.
 * Belongs to the thread of the fan-out.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import type { ECDH } from "node:crypto";
import { type ConversationKey, conversationKey } from "../../lib/fanout/nip44.ts";
import type { Registry, Subscription } from "../../lib/fanout/registry.ts";
import type { SecretSeal } from "../../lib/fanout/sealed_secret.ts";
import {
  FANOUT_CONVERSATIONS_KEPT,
  FANOUT_LISTENERS_LOADED_MAX,
  FANOUT_LISTENERS_PER_KEY_MAX,
  FANOUT_PAGE_ROWS,
  FANOUT_ROSTER_MS,
} from "../../lib/limits.ts";
import type { Following, Listener } from "./listener.ts";

/** What it works with. */
interface RosterParts {
  readonly registry: Registry;
  readonly seal: SecretSeal;
  /** The relay's secret key, or null: there is none, and no NIP-44. */
  readonly own: ECDH | null;
  /** A bot was removed. */
  readonly removed: (bot: string) => void;
  /** A secret cannot be opened. */
  readonly unreadable: (subscription: Subscription) => void;
}

/** See the module's text. */
export class Roster {
  readonly #parts: RosterParts;
  #bots: Set<string> = new Set<string>();
  readonly #ofBot = new Map<string, Set<Listener>>();
  readonly #ofFollower = new Map<string, Set<Listener>>();
  readonly #loading = new Set<Listener>();
  /** Those that may be served what they lack. */
  readonly #behind = new Set<Listener>();
  readonly #conversations = new LRUCache<string, ConversationKey>({ max: FANOUT_CONVERSATIONS_KEPT });
  /** The newest change that was taken in; below 0: nothing is known yet. */
  #version = -1;
  /** How often bots were removed. */
  #removals = 0;
  #refreshedMs = -Infinity;
  /** The refresh under way, and those that wait for it. */
  #refreshing: Promise<void> = Promise.resolve();

  constructor(parts: RosterParts) {
    this.#parts = parts;
  }

  hasBot(pubkey: string): boolean {
    return this.#bots.has(pubkey);
  }

  /** A bot whose registration is known before the registry tells of it. */
  addBot(pubkey: string): void {
    this.#bots.add(pubkey);
  }

  /** How often bots were removed, as far as is known. */
  get removals(): number {
    return this.#removals;
  }

  /** Connected followers. */
  get size(): number {
    return this.#ofFollower.size;
  }

  /** Whether anybody who is connected follows a bot. */
  isFollowed(bot: string): boolean {
    return this.#ofBot.has(bot);
  }

  /** Those that follow a bot; the set may change while it is gone through. */
  listenersOf(bot: string): Iterable<Listener> {
    return this.#ofBot.get(bot) ?? [];
  }

  /** Those that are to be served what they lack. */
  get behind(): ReadonlySet<Listener> {
    return this.#behind;
  }

  get isLoading(): boolean {
    return this.#loading.size > 0;
  }

  /** Takes in a listener. False: this key has too many. */
  add(listener: Listener): boolean {
    const others = this.#ofFollower.get(listener.follower) ?? new Set();
    if (others.size >= FANOUT_LISTENERS_PER_KEY_MAX) return false;
    this.#ofFollower.set(listener.follower, others.add(listener));
    this.#loading.add(listener);
    return true;
  }

  remove(listener: Listener): void {
    this.#unfollow(listener);
    this.#loading.delete(listener);
    const others = this.#ofFollower.get(listener.follower);
    others?.delete(listener);
    if (others?.size === 0) this.#ofFollower.delete(listener.follower);
  }

  /** A listener lacks signals, and there is room for some. */
  lags(listener: Listener): void {
    if (listener.state === "loading") return;
    listener.state = "behind";
    this.#behind.add(listener);
  }

  /** There is no room for a listener: it waits until its socket tells of some. */
  waits(listener: Listener): void {
    listener.state = "behind";
    this.#behind.delete(listener);
  }

  /** A listener has all that there is. */
  isUpToDate(listener: Listener): void {
    listener.state = "live";
    this.#behind.delete(listener);
  }

  /** Nobody is sent anything until the registry has answered again. */
  suspend(): void {
    for (const listeners of this.#ofFollower.values()) for (const listener of listeners) this.lags(listener);
  }

  /** Whether what is known is too old for sending more. */
  isStale(nowMs: number): boolean {
    return nowMs - this.#refreshedMs > FANOUT_ROSTER_MS;
  }

  /**
   * Takes in what has changed up to now.
   *
   * @throws {RegistryAwayError}
   */
  refresh(): Promise<void> {
    const next = this.#refreshing.then(() => this.#refresh());
    this.#refreshing = next.catch(() => {});
    return next;
  }

  /**
   * Loads the subscriptions of some of those that wait for it.
   *
   * @throws {RegistryAwayError}
   */
  async load(): Promise<void> {
    const listeners = [...this.#loading].slice(0, FANOUT_LISTENERS_LOADED_MAX);
    await Promise.all(listeners.map(async (listener) => {
      this.#loading.delete(listener);
      const removals = this.#removals;
      try {
        const subscriptions = await this.#parts.registry.subscriptionsOf(listener.follower);
        // A bot that is gone since may be among them.
        if (removals !== this.#removals && this.#has(listener)) this.#loading.add(listener);
        this.#follow(listener, subscriptions);
      } catch (error) {
        if (this.#has(listener)) this.#loading.add(listener);
        throw error;
      }
    }));
  }

  async #refresh(): Promise<void> {
    const askedMs = performance.now();
    const { version, bots, followers } = await this.#parts.registry.changesAfter(this.#version);
    if (bots === null) {
      this.#removals++;
      await this.#reloadAll();
    } else {
      for (const bot of new Set(bots)) await this.#botChanged(bot);
      for (const follower of followers) this.#reload(this.#ofFollower.get(follower) ?? []);
    }
    this.#version = version;
    this.#refreshedMs = askedMs;
  }

  async #botChanged(bot: string): Promise<void> {
    const is = await this.#parts.registry.hasBot(bot);
    if (is) this.#bots.add(bot);
    else this.#bots.delete(bot);
    // Its subscriptions went with it, though it may be back.
    this.#removals++;
    this.#reload(this.#ofBot.get(bot) ?? []);
    if (!is) this.#parts.removed(bot);
  }

  async #reloadAll(): Promise<void> {
    for (const listeners of this.#ofFollower.values()) this.#reload(listeners);
    const bots = new Set<string>();
    for (let after: string | undefined = ""; after !== undefined;) {
      const page: string[] = await this.#parts.registry.bots({ after, max: FANOUT_PAGE_ROWS });
      for (const bot of page) bots.add(bot);
      after = page[FANOUT_PAGE_ROWS - 1];
    }
    this.#bots = bots;
  }

  #reload(listeners: Iterable<Listener>): void {
    for (const listener of [...listeners]) {
      this.#unfollow(listener);
      this.#loading.add(listener);
    }
  }

  #follow(listener: Listener, subscriptions: readonly Subscription[]): void {
    // It has closed, or its subscriptions have changed again since they were asked for.
    if (!this.#has(listener) || this.#loading.has(listener)) return;
    const following = new Map<string, Following>();
    for (const subscription of subscriptions) {
      const keys = this.#keysOf(listener, subscription);
      if (keys === null) continue;
      following.set(subscription.bot, { keys, since: subscription.since });
      const listeners = this.#ofBot.get(subscription.bot) ?? new Set();
      this.#ofBot.set(subscription.bot, listeners.add(listener));
    }
    listener.following = following;
    listener.state = "behind";
    this.#behind.add(listener);
  }

  #unfollow(listener: Listener): void {
    for (const bot of listener.following.keys()) {
      const listeners = this.#ofBot.get(bot);
      listeners?.delete(listener);
      if (listeners?.size === 0) this.#ofBot.delete(bot);
    }
    listener.following = new Map();
    listener.state = "loading";
    this.#behind.delete(listener);
  }

  #has(listener: Listener): boolean {
    return this.#ofFollower.get(listener.follower)?.has(listener) ?? false;
  }

  /** A subscription without a secret is served by NIP-44 whatever was asked for. Null: its secret cannot be read. */
  #keysOf(listener: Listener, subscription: Subscription): Following["keys"] | null {
    const { sealed } = subscription;
    if (sealed === null || listener.encryption === "nip44") {
      return { secret: null, conversation: this.#conversation(listener.follower) };
    }
    const secret = this.#parts.seal.open(sealed, subscription);
    if (secret !== null) return { secret, conversation: null };
    this.#parts.unreadable(subscription);
    return null;
  }

  #conversation(follower: string): ConversationKey | null {
    const { own } = this.#parts;
    if (own === null) return null;
    const known = this.#conversations.get(follower);
    if (known !== undefined) return known;
    const made = conversationKey(own, follower);
    if (made !== null) this.#conversations.set(follower, made);
    return made;
  }
}
