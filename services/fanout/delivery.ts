/**
 * The work of the fan-out: reads the log, notes the signals of registered bots, encrypts each for every follower that is
 * connected, and serves those that were away from the log. In turns of a few milliseconds, between which the thread answers
 * pages and sockets. A registry that is away stops all of it, and the cursor waits.
 *
 * A follower is sent signals in the order of the log, whatever bot they are of, so that one number says what it has.
 * Belongs to the thread of the fan-out.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ECDH } from "node:crypto";
import { LRUCache } from "lru-cache";
import { plainContent, type RandomBytes, Signal } from "../../lib/fanout/payload.ts";
import { type Bot, type Registry, RegistryAwayError } from "../../lib/fanout/registry.ts";
import type { SignalLog, SignalPlace } from "../../lib/fanout/signal_log.ts";
import {
  FANOUT_AWAY_MS,
  FANOUT_LACKED_SIGNALS,
  FANOUT_LOG_ROWS,
  FANOUT_SIGNALS_CACHED,
  FANOUT_TURN_MS,
  FANOUT_TURN_PAYLOADS,
  WAIT_MS_MAX,
} from "../../lib/limits.ts";
import { Follower } from "../../lib/log/follower.ts";
import { type IdRow, LogReader, type TextRow } from "../../lib/log/log_reader.ts";
import type { TailMemory } from "../../lib/log/tail.ts";
import { expiresAt, type NostrEvent } from "../../lib/nostr/event.ts";
import { eventOf, kindOf } from "../../lib/nostr/exact.ts";
import type { Doorbell } from "../../lib/queue/doorbell.ts";
import type { ValueSet } from "../../lib/value_set.ts";
import type { Logger } from "../../runtime/logger.ts";
import { LoopTurn } from "../../runtime/loop_turn.ts";
import type { Listener } from "./listener.ts";
import { botOf, KIND_REGISTRATION } from "./registration.ts";
import type { Roster } from "./roster.ts";

/** What it works with. */
interface DeliveryParts {
  readonly registry: Registry;
  readonly roster: Roster;
  readonly signals: SignalLog;
  /** The store, to be read. */
  readonly store: DatabaseSync;
  readonly tail: TailMemory;
  readonly bell: Doorbell;
  /** `FANOUT_KINDS`. */
  readonly kinds: ValueSet<number>;
  /** The relay's secret key, or null. */
  readonly own: ECDH | null;
  readonly random: RandomBytes;
  readonly log: Logger;
  /** Whether nobody is to be shown the event any more: it, or its author, was banned (NIP-86). */
  readonly isBanned: (event: NostrEvent) => boolean;
  /** So many payloads were sent. */
  readonly sent: (payloads: number) => void;
}

/** An entry of the log that the fan-out has a use for. */
interface Found {
  readonly seq: number;
  readonly event: NostrEvent;
}

/** See the module's text. */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #follower: Follower<TextRow, IdRow>;
  readonly #text: StatementSync;
  readonly #loop = new LoopTurn();
  /** By seq. */
  readonly #cached = new LRUCache<number, Signal>({ max: FANOUT_SIGNALS_CACHED });
  /** What was read and is not noted yet. */
  #found: Found[] = [];
  /** When the present turn began. */
  #turnMs = 0;
  #isAway = false;
  /** How many removals of bots there were when nothing was left of them; below 0: a former life may have left some. */
  #sweptRemovals = -1;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    const { signals, store, tail } = parts;
    const log = new LogReader(store);
    signals.open(log.lastSeq);
    this.#text = store.prepare("SELECT text FROM body WHERE seq = ?");
    this.#follower = new Follower({
      log,
      after: signals.cursor,
      tail,
      sink: { add: ([seq, text]) => this.#find(seq, text), remove: () => {} },
    });
  }

  /** Whether the registry has not answered last. */
  get isAway(): boolean {
    return this.#isAway;
  }

  get lag(): number {
    return this.#follower.lag;
  }

  /** Works until it is asked to stop. */
  async run(): Promise<void> {
    const { bell, roster } = this.#parts;
    while (!bell.stopRequested) {
      const seen = bell.rings;
      bell.crashIfAsked();
      const isIdle = await this.#turn();
      if (isIdle === null) await bell.restAsync(FANOUT_AWAY_MS);
      else if (isIdle && !this.#follower.hasMore && !roster.isLoading && roster.behind.size === 0) {
        await bell.waitAsync(seen, WAIT_MS_MAX);
      } else await this.#rest();
    }
  }

  /** Does some of everything. Returns whether nothing more is known to do; null: the registry is away. */
  async #turn(): Promise<boolean | null> {
    const { roster } = this.#parts;
    this.#turnMs = performance.now();
    try {
      const isAtEnd = await this.#follow();
      if (roster.isLoading || roster.behind.size > 0) {
        if (roster.isStale(performance.now())) await roster.refresh();
        await roster.load();
        this.#serveLacking();
      }
      const isSwept = await this.#sweep();
      this.#answered();
      return isAtEnd && isSwept;
    } catch (error) {
      if (!(error instanceof RegistryAwayError)) throw error;
      this.#notAnswered(error);
      return null;
    }
  }

  /** Has what removed bots left deleted, some at a time. Returns whether nothing is left. */
  async #sweep(): Promise<boolean> {
    const { registry, roster } = this.#parts;
    const { removals } = roster;
    if (removals !== this.#sweptRemovals && !await registry.sweep()) this.#sweptRemovals = removals;
    return removals === this.#sweptRemovals;
  }

  /** Reads on in the log. Returns whether it is at its end. */
  async #follow(): Promise<boolean> {
    const { signals } = this.#parts;
    this.#found = [];
    const isAtEnd = this.#follower.step(FANOUT_LOG_ROWS);
    if (this.#follower.cursor === signals.cursor) return isAtEnd;
    try {
      for (const { seq, event } of await this.#note()) await this.#deliver(seq, event);
    } catch (error) {
      this.#follower.moveTo(signals.cursor);
      throw error;
    }
    return isAtEnd;
  }

  #find(seq: number, text: string): void {
    const kind = kindOf(text);
    if (kind !== KIND_REGISTRATION && !this.#parts.kinds.has(kind)) return;
    this.#found.push({ seq, event: eventOf(text) });
  }

  /** Registers who asks for it by an event, and makes the signals and the cursor durable. Returns the signals. */
  async #note(): Promise<Found[]> {
    const { roster, signals, kinds } = this.#parts;
    const found: Found[] = [];
    // After they were read: a bot that another relay has registered may have been quick to publish here.
    if (this.#found.length > 0) await roster.refresh();
    for (const one of this.#found) {
      const bot = one.event.kind === KIND_REGISTRATION ? botOf(one.event) : null;
      if (bot !== null) await this.#register(bot);
      if (kinds.has(one.event.kind) && roster.hasBot(one.event.pubkey)) found.push(one);
    }
    const at = Date.now();
    const places: SignalPlace[] = found.map(({ seq, event }) => ({ seq, bot: event.pubkey, at }));
    signals.advance(this.#follower.cursor, places);
    return found;
  }

  async #register(bot: Bot): Promise<void> {
    const { registry, roster, log } = this.#parts;
    if (await registry.register(bot) === "done") roster.addBot(bot.pubkey);
    else log.warn(`Cannot register bot "${bot.pubkey}": the registry is full`);
  }

  /** Encrypts a signal for all who are live; the others find it themselves. */
  async #deliver(seq: number, event: NostrEvent): Promise<void> {
    const { roster, random, isBanned } = this.#parts;
    if (isExpired(event) || isBanned(event) || !roster.isFollowed(event.pubkey)) return;
    const signal = this.#signalOf(seq, event);
    let payloads = 0;
    for (const listener of roster.listenersOf(event.pubkey)) {
      if (listener.state !== "live") continue;
      if (listener.give(signal, random)) payloads++;
      else roster.waits(listener);
      if (payloads % FANOUT_TURN_PAYLOADS === 0) await this.#restAfterTurn();
    }
    this.#parts.sent(payloads);
  }

  /** Gives those who lack signals some each, as long as the turn lasts. */
  #serveLacking(): void {
    for (const listener of this.#parts.roster.behind) {
      this.#serve(listener);
      if (performance.now() - this.#turnMs > FANOUT_TURN_MS) return;
    }
  }

  /** Gives one listener the next signals that it lacks. Nothing else runs meanwhile: at the cursor it is live. */
  #serve(listener: Listener): void {
    const { roster, signals, random } = this.#parts;
    // The next one has its turn before this one's next.
    roster.waits(listener);
    const lacked = this.#lackedBy(listener);
    let payloads = 0;
    for (const { seq, bot, at } of lacked) {
      const signal = at >= listener.following.get(bot)!.since ? this.#stored(seq) : null;
      if (signal === null) listener.after = seq;
      else if (listener.give(signal, random)) payloads++;
      else {
        this.#parts.sent(payloads);
        return;
      }
    }
    this.#parts.sent(payloads);
    if (lacked.length === FANOUT_LACKED_SIGNALS) return roster.lags(listener);
    listener.after = signals.cursor;
    roster.isUpToDate(listener);
  }

  /** The first signals after what it has, of all bots that it follows. */
  #lackedBy({ following, after }: Listener): SignalPlace[] {
    const range = { after, max: FANOUT_LACKED_SIGNALS };
    const places = [...following.keys()].flatMap((bot) => this.#parts.signals.signalsOf(bot, range));
    return places.sort((a, b) => a.seq - b.seq).slice(0, FANOUT_LACKED_SIGNALS);
  }

  /** A signal from the store, or null: it is no longer there, has expired, or was banned. */
  #stored(seq: number): Signal | null {
    const text = this.#text.get(seq)?.text as string | undefined;
    if (text === undefined) return null;
    const event = eventOf(text);
    return isExpired(event) || this.#parts.isBanned(event) ? null : this.#signalOf(seq, event);
  }

  #signalOf(seq: number, event: NostrEvent): Signal {
    const known = this.#cached.get(seq);
    if (known !== undefined) return known;
    const signal = new Signal(seq, event, plainContent(event, this.#parts.own));
    this.#cached.set(seq, signal);
    return signal;
  }

  /** Lets the thread's other work go on where the turn has lasted. */
  async #restAfterTurn(): Promise<void> {
    if (performance.now() - this.#turnMs < FANOUT_TURN_MS) return;
    await this.#rest();
    const { roster } = this.#parts;
    if (roster.isStale(performance.now())) await roster.refresh();
  }

  async #rest(): Promise<void> {
    await this.#loop.next();
    this.#turnMs = performance.now();
  }

  #answered(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#parts.log.info("the registry answers again");
  }

  #notAnswered(error: Error): void {
    this.#parts.roster.suspend();
    if (this.#isAway) return;
    this.#isAway = true;
    this.#parts.log.warn(`the registry is away, and nobody is sent anything: ${error.message}`);
  }
}

function isExpired(event: NostrEvent): boolean {
  const expires = expiresAt(event);
  return expires > 0 && expires <= nowSeconds();
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
