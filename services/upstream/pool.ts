/**
 * The relays of one worker: those that are named become its own, are called in turn, and leave when nobody names them.
 * Runs on an upstream worker, which owns it.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { slotsOf } from "../../lib/metrics/layout.ts";
import { UPSTREAM_STATES } from "../../lib/metrics/metrics.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { CallableTargets } from "../../lib/network/callable_targets.ts";
import { DialQueue, hostOf } from "../../lib/upstream/dial_queue.ts";
import { workerOf } from "../../lib/upstream/relay_sources.ts";
import type { UpstreamStore } from "../../lib/upstream/upstream_store.ts";
import { readRelayDocument } from "../../runtime/relay_document.ts";
import type { Directory } from "./directory.ts";
import { RelayLimits } from "./relay_limits.ts";
import { RelayTableWriter } from "./relay_table_writer.ts";
import { type SharedParts, UpstreamRelay } from "./upstream_relay.ts";

const RELAYS = slotsOf("nostr_upstream_relays");

/** What a pool works with. */
interface PoolParts extends Pick<SharedParts, "worker" | "intake" | "key" | "streams" | "log"> {
  readonly workers: number;
  readonly config: () => Config;
  readonly directory: Directory;
  readonly store: UpstreamStore;
  readonly metrics: ThreadMetrics;
}

/** See the module's text. */
export class Pool {
  readonly #parts: PoolParts;
  readonly #relays = new Map<string, UpstreamRelay>();
  readonly #table: RelayTableWriter;
  readonly #dials: DialQueue;
  readonly #shared: SharedParts;
  #callable: CallableTargets;
  /** The directory and the settings for which the relays were made last. */
  #version = "";
  #config: Config | null = null;
  #lastNumber = 0;
  /** Whether the last write failed. */
  #isFaulty = false;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    const { worker, intake, key, streams, log, store, config } = parts;
    const limits = new RelayLimits((url) => readRelayDocument(url, { callable: this.#callable }));
    this.#table = new RelayTableWriter(store, () => parts.streams.ups.flush());
    this.#dials = new DialQueue(dialLimits(config(), parts.workers));
    this.#callable = new CallableTargets(config().UPSTREAM_ALLOW ?? []);
    this.#shared = {
      worker,
      intake,
      key,
      streams,
      limitsOf: (url) => limits.of(url),
      log,
      dials: this.#dials,
      handshakeMs: () => parts.directory.connectMsMax,
      callable: () => this.#callable,
      healthMs: () => config().UPSTREAM_HEALTH_SECONDS * 1000,
      nextNumber: () => ++this.#lastNumber,
      changed: (relay) => this.#table.changed(relay),
    };
  }

  /** Takes in who is named, does what is due, and calls whom there is room for. Called about once a second. */
  tick(): void {
    this.#reconcileIfPossible();
    const nowMs = performance.now();
    for (const relay of this.#relays.values()) relay.tick(nowMs);
    this.dial();
    this.#flush();
    this.#count();
  }

  /** Calls whom there is room for. */
  dial(): void {
    for (let url = this.#dials.next(); url !== null; url = this.#dials.next()) {
      const relay = this.#relays.get(url);
      if (relay === undefined) this.#dials.release(url);
      // The place in the queue is free when the attempt is over.
      else void relay.dial().finally(() => this.dial());
    }
  }

  /** Closes all connections politely. */
  async close(): Promise<void> {
    const relays = [...this.#relays.values()];
    this.#relays.clear();
    await Promise.all(relays.map((relay) => relay.remove()));
    this.#flush();
  }

  /** Writes states and places. While the disk is at fault all goes on, and an older place is a safe one. */
  #flush(): void {
    try {
      this.#table.flush();
      this.#isFaulty = false;
    } catch (error) {
      this.#faulty(error);
    }
  }

  #faulty(error: unknown): void {
    if (!this.#isFaulty) this.#parts.log.error(`Cannot write upstream.db: ${(error as Error).message}`);
    this.#isFaulty = true;
  }

  /** A stream that is new has its cursor stored. Where that is not possible, all are taken in again at the next tick. */
  #reconcileIfPossible(): void {
    try {
      this.#reconcile();
    } catch (error) {
      this.#version = "";
      this.#faulty(error);
    }
  }

  #reconcile(): void {
    const { config, directory } = this.#parts;
    if (directory.version === this.#version && config() === this.#config) return;
    const isFirst = this.#config === null;
    this.#version = directory.version;
    this.#config = config();
    this.#callable = new CallableTargets(this.#config.UPSTREAM_ALLOW ?? []);
    this.#dials.limits = dialLimits(this.#config, this.#parts.workers);
    const mine = directory.relays(this.#config.UPSTREAM_RELAYS_MAX).filter(({ url }) => this.#isMine(url));
    const named = new Set(mine.map(({ url }) => url));
    for (const [url, relay] of this.#relays) {
      if (named.has(url)) continue;
      this.#relays.delete(url);
      this.#table.gone(url);
      void relay.remove();
    }
    for (const { url, sources, streams } of mine) this.#relayOf(url).use(sources, streams);
    if (isFirst) this.#table.forgetOthers((url) => this.#isMine(url), (url) => named.has(url));
  }

  #isMine(url: string): boolean {
    return workerOf(hostOf(url), this.#parts.workers) === this.#parts.worker;
  }

  /** The relay with this URL, with what an earlier life knew of it. */
  #relayOf(url: string): UpstreamRelay {
    const known = this.#relays.get(url);
    if (known !== undefined) return known;
    const relay = new UpstreamRelay(url, this.#shared);
    const row = this.#parts.store.relays.get(url);
    if (row !== null) relay.resume(row);
    this.#relays.set(url, relay);
    this.#table.returned(url);
    return relay;
  }

  #count(): void {
    const counts = Object.fromEntries(UPSTREAM_STATES.map((state) => [state, 0]));
    for (const { state } of this.#relays.values()) counts[state]!++;
    for (const state of UPSTREAM_STATES) this.#parts.metrics.set(RELAYS[state], counts[state]!);
  }
}

/** What one of so many workers may have. */
function dialLimits(config: Config, workers: number) {
  return {
    attemptsMax: Math.max(1, Math.floor(config.UPSTREAM_CONNECTS_MAX / workers)),
    perHostMax: config.UPSTREAM_PER_HOST_MAX,
  };
}
