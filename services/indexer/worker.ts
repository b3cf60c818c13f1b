/**
 * The indexer: follows the log and keeps the search index equal to it, in one bulk call a second; sooner only when
 * `FLUSH_EVENTS_MAX` changes have gathered. While the log rests it sleeps until the store rings, or the second is over. It
 * says whether searches may be answered: only while the index was as far as the log a moment ago.
 * Runs on a worker with an event loop; owns the search cursor and the bulk. Nothing gathers in memory: what is not yet
 * sent lies in the log, and an outage makes the cursor wait.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import {
  BULK_EVENTS_BESIDE_WRITERS,
  BULK_EVENTS_EMBEDDED_MAX,
  INDEX_LOOK_MS,
  INDEXER_DRAIN_MS_MAX,
  SEARCH_BEHIND_MS_MAX,
} from "../../lib/limits.ts";
import { slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { type LaneMemory, usedBytesOf } from "../../lib/queue/lane.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { FOLLOWER } from "../../lib/search/index_state.ts";
import { SearchUnavailableError } from "../../lib/search/search_index.ts";
import { LogReader } from "../../lib/log/log_reader.ts";
import type { TailMemory } from "../../lib/log/tail.ts";
import { openForFollowing } from "../../lib/store/keep/open.ts";
import { type ActorStart, beatByTimer, endWorker, onStart, report } from "../../runtime/actor.ts";
import { Logger } from "../../runtime/logger.ts";
import { LoopTurn } from "../../runtime/loop_turn.ts";
import { threadNumber } from "../../wire/actors.ts";
import { identitiesPath, searchPath, storePath } from "../../runtime/data_paths.ts";
import { type DueIdentity, Identities } from "../../lib/nip05/identities.ts";
import type { Verdict } from "../../lib/nip05/verdict.ts";
import { checkIdentity, NIP05_MEANS } from "./nip05_fetch.ts";
import { Nip05Follower } from "./nip05_follower.ts";
import { searchOptions } from "../../runtime/search_options.ts";
import { type OpenedIndex, openSearchIndex } from "../../lib/search/open.ts";
import { backoffMs, isDamaged, isPassing } from "./failures.ts";
import { type FollowerParts, LogFollower } from "./log_follower.ts";
import { Rebuild } from "./rebuild.ts";

const LAG = slotOf("nostr_indexer_lag_events");
const AVAILABLE = slotOf("nostr_search_available");
const DEAD_LETTERS = slotOf("nostr_search_dead_letters");
const BULK_FAILURES = slotOf("nostr_bulk_failures_total");
const NIP05_CHECKS = slotsOf("nostr_nip05_checks_total");
/** How often the lag is measured, whatever else goes on, ms. */
const LAG_INTERVAL_MS = 1_000;

class Indexer {
  readonly #settings: ConfigFollower;
  readonly #backend: OpenedIndex;
  readonly #log: LogReader;
  readonly #lines: Logger;
  readonly #bell: Doorbell;
  readonly #loop = new LoopTurn();
  readonly #metrics: ThreadMetrics;
  readonly #packed: readonly LaneMemory[];
  readonly #parts: FollowerParts;
  readonly #rebuild: Rebuild;
  /** Fills the index that serves; null: it is not known yet which one that is, or what it holds. */
  #follower: LogFollower | null = null;
  /** False: the index may have been lost since the follower used it. */
  #isPrepared = false;
  /** When the log was read that the index was last equal to, or took a bulk of after that, ms; null: it is being filled. */
  #followsMs: number | null = null;
  #watch = new IndexWatch();
  #rebuildWaits = false;
  #failures = 0;
  /** The first comes at once: it finds out whether the index answers. */
  #lastFlushMs = -Infinity;

  constructor(start: ActorStart, backend: OpenedIndex, log: LogReader, lines: Logger) {
    const { memory } = start;
    this.#settings = new ConfigFollower(memory.config);
    this.#backend = backend;
    this.#log = log;
    this.#lines = lines;
    this.#bell = new Doorbell(memory.bells.indexer[0]!);
    this.#packed = memory.packed;
    this.#metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "indexer"));
    const { state, index } = backend;
    const acknowledged = () => this.#bell.crashIfAsked();
    this.#parts = { state, log, tail: memory.tail, lines, metrics: this.#metrics, acknowledged };
    this.#rebuild = new Rebuild(index, this.#parts, () => this.#hide());
  }

  /** Serves until it is asked to stop; then sends what is left, if the index takes it. */
  async run(): Promise<void> {
    // A bulk call may wait for a silent index for a minute; the log goes on meanwhile.
    const watching = setInterval(() => this.#tell(), LAG_INTERVAL_MS);
    while (!this.#bell.stopRequested) {
      await this.#waitForWork();
      await this.#flush();
    }
    // What does not fit this time is in the log, and is indexed after the next start.
    const until = performance.now() + INDEXER_DRAIN_MS_MAX;
    do await this.#flush(); while (this.#failures === 0 && this.#lag > 0 && performance.now() < until);
    clearInterval(watching);
    await this.#backend.close();
  }

  /** Until the second is over, enough has gathered, or the pause after a failure is over. */
  async #waitForWork(): Promise<void> {
    const pauseMs = this.#failures === 0 ? null : backoffMs(this.#failures);
    while (!this.#bell.stopRequested) {
      this.#settings.refresh();
      const { FLUSH_INTERVAL_MS, FLUSH_EVENTS_MAX, OPENSEARCH_URL } = this.#settings.config;
      const leftMs = this.#lastFlushMs + (pauseMs ?? FLUSH_INTERVAL_MS) - performance.now();
      if (leftMs <= 0) return;
      if (this.#isIdle) {
        await this.#follower!.wait(this.#bell, leftMs);
        continue;
      }
      const enough = this.#tell() >= FLUSH_EVENTS_MAX && (OPENSEARCH_URL !== null || !this.#writersWait);
      // To build an index anew has time.
      const mayRebuild = this.#rebuildWaits && !this.#writersWait;
      if (this.#failures === 0 && (enough || mayRebuild)) return;
      // While a bulk gathers, each commit rings.
      await this.#bell.restAsync(Math.min(leftMs, FLUSH_INTERVAL_MS / 4));
    }
  }

  /** Whether nothing is to be done before the log goes on. */
  get #isIdle(): boolean {
    return this.#failures === 0 && !this.#rebuildWaits && this.#follower?.isIdle === true;
  }

  /**
   * Whether events wait for the store. The embedded index works on the same cores as the relay: meanwhile it keeps to a
   * small bulk a second. Search falls behind for as long as the load lasts, which its lag tells, and writes do not.
   */
  get #writersWait(): boolean {
    return this.#packed.some((lane) => usedBytesOf(lane) > 0);
  }

  /** Whether a bulk ends after so many changes, because others need the cores. */
  #givesWay(changes: number): boolean {
    const isEmbedded = this.#settings.config.OPENSEARCH_URL === null;
    return isEmbedded && changes >= BULK_EVENTS_BESIDE_WRITERS && this.#writersWait;
  }

  async #flush(): Promise<void> {
    this.#lastFlushMs = performance.now();
    try {
      const follower = await this.#prepare();
      await this.#lookAtIndex(follower);
      await this.#step(follower);
      if (this.#failures > 0) {
        this.#lines.info(`the search index answers again: ${this.#backend.index.description}`);
      }
      this.#failures = 0;
      if (!this.#bell.stopRequested) await this.#rebuildOn();
    } catch (error) {
      if (isDamaged(error)) {
        // All of it comes from the log: the next life of this thread begins with an empty file.
        discardState(this.#settings.config, this.#lines, error);
      }
      if (!isPassing(error)) throw error;
      if (this.#failures++ === 0) {
        this.#lines.warn(`the search index does not answer: ${(error as Error).message}`);
      }
      // It may have been lost with its backend; and what was sent is sent again, which is harmless.
      this.#isPrepared = false;
      this.#hide();
      this.#metrics.add(BULK_FAILURES, 1);
    }
    this.#tell();
  }

  async #prepare(): Promise<LogFollower> {
    if (this.#isPrepared && this.#follower !== null) return this.#follower;
    const { index, state } = this.#backend;
    const { generation } = await index.prepare();
    this.#metrics.set(DEAD_LETTERS, state.deadLetterCount());
    this.#watch = new IndexWatch();
    // The same index as before the outage: what it refused is still known.
    if (this.#follower?.generation !== generation) {
      this.#follower = new LogFollower(index, generation, this.#parts);
    }
    this.#isPrepared = true;
    return this.#follower;
  }

  async #step(follower: LogFollower): Promise<void> {
    const { index, state } = this.#backend;
    const { FLUSH_EVENTS_MAX, OPENSEARCH_URL } = this.#settings.config;
    const atOnce = OPENSEARCH_URL === null ? BULK_EVENTS_EMBEDDED_MAX : FLUSH_EVENTS_MAX;
    let readMs, step;
    let left = FLUSH_EVENTS_MAX;
    do {
      readMs = performance.now();
      step = await follower.step(Math.min(left, atOnce));
      this.#watch.removals += step.removals;
      left -= atOnce;
      // The embedded index answers within microtasks: without this no timer runs while there is a backlog, not even
      // the one by which this thread beats.
      await this.#loop.next();
    } while (!step.isWhole && step.isTaken && left > 0 && !this.#givesWay(FLUSH_EVENTS_MAX - left));
    // An index that was whole and takes all that it is sent lags only as far as the load has it.
    if (step.isTaken && this.#followsMs !== null) this.#followsMs = readMs;
    if (!step.isWhole) return;
    await index.finishRebuild();
    // Else what the last bulks have brought would be found a second later.
    if (this.#followsMs === null) await index.refresh();
    this.#followsMs = readMs;
    if (index.rebuildsInPlace && state.rebuild === follower.generation) this.#rebuild.end();
  }

  /** Notices, though nothing may be there to be sent, that the index is away, another one, or emptied. */
  async #lookAtIndex({ generation }: LogFollower): Promise<void> {
    if (performance.now() < this.#watch.nextMs) return;
    const look = await this.#backend.index.look();
    this.#watch.nextMs = performance.now() + INDEX_LOOK_MS;
    if (look === null) return;
    if (look.generation !== generation) {
      throw new SearchUnavailableError("Cannot use the search index: another one is in its place");
    }
    if (!this.#watch.hasLost(look.documents)) return;
    this.#backend.state.advance({ follower: FOLLOWER, generation, seq: 0 });
    this.#follower = null;
    throw new SearchUnavailableError("Cannot use the search index: most of its documents are gone");
  }

  async #rebuildOn(): Promise<void> {
    const readMs = performance.now();
    const step = await this.#rebuild.step(this.#settings.config.FLUSH_EVENTS_MAX);
    this.#rebuildWaits = step === "more";
    if (step === "emptied") this.#hide();
    if (step === "emptied" || step === "succeeded") this.#follower = null;
    if (step === "succeeded") this.#followsMs = readMs;
  }

  /** Searches are refused until the index is as far as the log again. */
  #hide(): void {
    this.#followsMs = null;
    this.#metrics.set(AVAILABLE, 0);
  }

  get #lag(): number {
    return this.#follower?.lag ?? this.#log.lastSeq;
  }

  /** Measures and returns the lag, and says whether searches are answered. */
  #tell(): number {
    const lag = this.#lag;
    this.#metrics.set(LAG, lag);
    const { FLUSH_INTERVAL_MS } = this.#settings.config;
    const behindMs = this.#followsMs === null ? Infinity : performance.now() - this.#followsMs;
    this.#metrics.set(AVAILABLE, behindMs <= SEARCH_BEHIND_MS_MAX + FLUSH_INTERVAL_MS ? 1 : 0);
    return lag;
  }
}

/** Remembers how many documents an index held, and finds out whether somebody else has removed most of them. */
class IndexWatch {
  /** When the next look is due, ms. */
  nextMs = performance.now() + INDEX_LOOK_MS;
  /** Removals that were sent since the last look. */
  removals = 0;
  /** Those before it: the index may have shown them late. */
  #removalsBefore = 0;
  #documents = 0;

  hasLost(documents: number): boolean {
    const least = this.#documents - this.removals - this.#removalsBefore;
    this.#documents = documents;
    this.#removalsBefore = this.removals;
    this.removals = 0;
    return documents < least / 2;
  }
}

/** Puts the damaged file of the search index aside; readers and a new index find none. */
function discardState(config: Config, log: Logger, error: unknown): void {
  discard(searchPath(config.DATA_DIR), log, error);
}

function discard(path: string, log: Logger, error: unknown): void {
  log.error(`"${path}" is damaged and is made anew from the log: ${(error as Error).message}`);
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      Deno.removeSync(file);
    } catch (missing) {
      if (!(missing instanceof Deno.errors.NotFound)) throw missing;
    }
  }
}

async function openIndex(config: Config, log: Logger): Promise<OpenedIndex> {
  const options = await searchOptions(config);
  try {
    return await openSearchIndex(options);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    discardState(config, log, error);
    return await openSearchIndex(options);
  }
}

/** What checks identifiers (NIP-05), or null: nobody is asked. A file that is no sound database is made anew. */
function openNip05(
  config: Config,
  entries: LogReader,
  { log, metrics, tail }: { log: Logger; metrics: ThreadMetrics; tail: TailMemory },
): Nip05Follower | null {
  if (!config.NIP05_CHECK) return null;
  const path = identitiesPath(config.DATA_DIR);
  const open = () => {
    const identities = new Identities(path);
    const nowSeconds = () => Math.floor(Date.now() / 1000);
    const check = (asked: DueIdentity) => checkIdentity(asked, NIP05_MEANS);
    const checked = (verdict: Verdict) => metrics.add(NIP05_CHECKS[verdict], 1);
    return new Nip05Follower({ identities, entries, tail, check, nowSeconds, checked, log });
  };
  try {
    return open();
  } catch (error) {
    if (!isDamaged(error)) throw error;
    discard(path, log, error);
    return open();
  }
}

onStart(async (start) => {
  const { config } = start;
  const log = new Logger("indexer", start.memory.logLevel);
  const db = openForFollowing(storePath(config.DATA_DIR));
  const backend = await openIndex(config, log);
  beatByTimer(start);
  const reader = new LogReader(db);
  // Before any event comes: afterwards the log could have grown past the cursor again.
  if (backend.state.cursors.forgetBeyond(reader.lastSeq)) {
    log.warn("the log is shorter than the search index remembers: the index is filled anew");
  }
  const { memory } = start;
  const metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "indexer"));
  const identities = openNip05(config, reader, { log, metrics, tail: memory.tail });
  report({ type: "ready", facts: { search: backend.index.description } });
  identities?.run(new Doorbell(memory.bells.indexer[0]!));
  await new Indexer(start, backend, reader, log).run();
  identities?.close();
  db.close();
  report({ type: "stopped" });
  endWorker();
});
