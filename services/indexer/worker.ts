/**
 * The indexer: follows the log and keeps the search index equal to it, in one bulk call a second; sooner only when
 * `FLUSH_EVENTS_MAX` changes have gathered.
 * Runs on a worker with an event loop; owns the search cursor and the bulk. Nothing gathers in memory: what is not yet
 * sent lies in the log, and an outage makes the cursor wait.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Config } from "../../lib/config.ts";
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import {
  BULK_BYTES_MAX,
  BULK_EVENTS_EMBEDDED_MAX,
  BULK_ITEM_ATTEMPTS_MAX,
  INDEXER_DRAIN_MS_MAX,
  OPENSEARCH_BACKOFF_MS_MAX,
  OPENSEARCH_BACKOFF_MS_MIN,
} from "../../lib/limits.ts";
import { histogramOf, slotOf } from "../../lib/metrics/layout.ts";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { type LaneMemory, usedBytesOf } from "../../lib/queue/lane.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import type { DeadLetter } from "../../lib/search/index_state.ts";
import type { SearchDocument } from "../../lib/search/search_fields.ts";
import { searchDocument } from "../../lib/search/search_document.ts";
import {
  type BulkResult,
  type Cursor,
  type IndexChange,
  SearchUnavailableError,
} from "../../lib/search/search_index.ts";
import { eventOf, idOf } from "../../lib/store/exact.ts";
import { LogReader } from "../../lib/store/log.ts";
import { openForFollowing } from "../../lib/store/open.ts";
import { storageFault } from "../../lib/store/storage_fault.ts";
import { type ActorStart, beatByTimer, endWorker, onStart, report } from "../actor.ts";
import { Log } from "../log.ts";
import { threadNumber } from "../memory.ts";
import { searchPath, storePath } from "../data_paths.ts";
import { searchOptions } from "../search_options.ts";
import { type OpenedIndex, openSearchIndex } from "../../lib/search/open.ts";

const LAG = slotOf("nostr_indexer_lag_events");
const AVAILABLE = slotOf("nostr_search_available");
const DEAD_LETTERS = slotOf("nostr_search_dead_letters");
const BULK_EVENTS = histogramOf("nostr_bulk_events");
const BULK_FAILURES = slotOf("nostr_bulk_failures_total");
/** How often the lag is measured, whatever else goes on, ms. */
const LAG_INTERVAL_MS = 1_000;
/** The name under which the cursor is kept. */
const FOLLOWER = "search";

/** A change that the index refused for a passing reason, to be sent first in the next bulk. */
interface Repeated {
  readonly change: IndexChange;
  readonly attempts: number;
}

/**
 * An addition whose document is made whenever it is asked for, and is not kept. A bulk of documents lives long enough to
 * be moved among V8's old objects, where it lay for hundreds of bulks.
 */
class Addition {
  readonly type = "add";
  readonly seq: number;
  readonly id: string;
  readonly #text: string;

  constructor(seq: number, text: string) {
    this.seq = seq;
    this.id = idOf(text);
    this.#text = text;
  }

  get document(): SearchDocument {
    return searchDocument(eventOf(this.#text));
  }
}

class Indexer {
  readonly #settings: ConfigFollower;
  readonly #backend: OpenedIndex;
  readonly #log: LogReader;
  readonly #lines: Log;
  readonly #bell: Doorbell;
  readonly #metrics: ThreadMetrics;
  readonly #packed: readonly LaneMemory[];
  /** The index that is being filled, or null: it must be prepared first. */
  #generation: string | null = null;
  /** The last entry read from the log. */
  #readTo = 0;
  #repeated: Repeated[] = [];
  #failures = 0;
  /** The first comes at once: it finds out whether the index answers. */
  #lastFlushMs = -Infinity;

  constructor(start: ActorStart, backend: OpenedIndex, log: LogReader, lines: Log) {
    const { memory } = start;
    this.#settings = new ConfigFollower(memory.config);
    this.#backend = backend;
    this.#log = log;
    this.#lines = lines;
    this.#bell = new Doorbell(memory.bells.indexer);
    this.#packed = memory.packed;
    this.#metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "indexer"));
  }

  /** Serves until it is asked to stop; then sends what is left, if the index takes it. */
  async run(): Promise<void> {
    // A bulk call may wait for a silent index for a minute; the log goes on meanwhile.
    const watching = setInterval(() => this.#lag(), LAG_INTERVAL_MS);
    while (!this.#bell.stopRequested) {
      await this.#waitForWork();
      await this.#flush();
    }
    // What does not fit this time is in the log, and is indexed after the next start.
    const until = performance.now() + INDEXER_DRAIN_MS_MAX;
    do await this.#flush(); while (this.#failures === 0 && this.#lag() > 0 && performance.now() < until);
    clearInterval(watching);
    await this.#backend.close();
  }

  /** Until the second is over, enough has gathered, or the pause after a failure is over. */
  async #waitForWork(): Promise<void> {
    const pauseMs = this.#failures === 0 ? null : this.#backoffMs();
    while (!this.#bell.stopRequested) {
      this.#settings.refresh();
      const { FLUSH_INTERVAL_MS, FLUSH_EVENTS_MAX } = this.#settings.config;
      const leftMs = this.#lastFlushMs + (pauseMs ?? FLUSH_INTERVAL_MS) - performance.now();
      if (leftMs <= 0) return;
      const enough = this.#failures === 0 && this.#lag() >= FLUSH_EVENTS_MAX;
      if (enough && !this.#yieldsToWriters()) return;
      await this.#bell.waitAsync(this.#bell.rings, Math.min(leftMs, FLUSH_INTERVAL_MS / 4));
    }
  }

  /**
   * The embedded index works on the same cores as the relay. While events wait for the store it keeps to one bulk a
   * second: search falls behind for as long as the load lasts, which its lag tells, and writes do not.
   */
  #yieldsToWriters(): boolean {
    return this.#settings.config.OPENSEARCH_URL === null &&
      this.#packed.some((lane) => usedBytesOf(lane) > 0);
  }

  /** Doubles with each failure up to a bound; half of it by chance, so that relays do not knock in step. */
  #backoffMs(): number {
    const whole = Math.min(OPENSEARCH_BACKOFF_MS_MAX, OPENSEARCH_BACKOFF_MS_MIN * 2 ** (this.#failures - 1));
    return whole / 2 + Math.random() * whole / 2;
  }

  async #flush(): Promise<void> {
    this.#lastFlushMs = performance.now();
    try {
      await this.#prepare();
      await this.#sendNext();
      if (this.#lag() === 0 && this.#repeated.length === 0) await this.#backend.index.finishRebuild();
      if (this.#failures > 0) {
        this.#lines.info(`the search index answers again: ${this.#backend.index.description}`);
      }
      this.#failures = 0;
      this.#metrics.set(AVAILABLE, 1);
    } catch (error) {
      if (isDamaged(error)) {
        // All of it comes from the log: the next life of this thread begins with an empty file.
        discardState(this.#settings.config, this.#lines, error);
        throw error;
      }
      if (!(error instanceof SearchUnavailableError) && storageFault(error) === null) throw error;
      if (this.#failures++ === 0) {
        this.#lines.warn(`the search index does not answer: ${(error as Error).message}`);
      }
      // It may have been lost with its backend; and what was sent is sent again, which is harmless.
      this.#generation = null;
      this.#metrics.set(AVAILABLE, 0);
      this.#metrics.add(BULK_FAILURES, 1);
    }
    this.#lag();
  }

  async #prepare(): Promise<void> {
    if (this.#generation !== null) return;
    const { index, state } = this.#backend;
    const { generation } = await index.prepare();
    this.#generation = generation;
    this.#readTo = state.seqOf(FOLLOWER, generation);
    this.#repeated = [];
    this.#metrics.set(DEAD_LETTERS, state.deadLetterCount());
  }

  /** Sends as much as one bulk may hold; to the embedded index piece by piece, because every call is in memory whole. */
  async #sendNext(): Promise<void> {
    const { FLUSH_EVENTS_MAX, OPENSEARCH_URL } = this.#settings.config;
    const atOnce = OPENSEARCH_URL === null ? BULK_EVENTS_EMBEDDED_MAX : FLUSH_EVENTS_MAX;
    for (let left = FLUSH_EVENTS_MAX; left > 0;) {
      const bulk = this.#nextBulk(Math.min(left, atOnce));
      if (bulk.length > 0) await this.#send(bulk);
      // The embedded index answers within microtasks: without this no timer runs while there is a backlog, not even
      // the one by which this thread beats.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (bulk.length < atOnce) return;
      left -= bulk.length;
    }
  }

  /** What was refused before, then what is new in the log, within the bounds of one call. */
  #nextBulk(changesMax: number): Repeated[] {
    const bulk = [...this.#repeated];
    const room = changesMax - bulk.length;
    let bytes = 0;
    for (const entry of room > 0 ? this.#log.read(this.#readTo, room) : []) {
      if (entry.type === "add") bytes += entry.text.length;
      if (bytes > BULK_BYTES_MAX && bulk.length > 0) break;
      bulk.push({ change: entry.type === "add" ? new Addition(entry.seq, entry.text) : entry, attempts: 0 });
    }
    return bulk;
  }

  async #send(bulk: readonly Repeated[]): Promise<void> {
    const readTo = Math.max(this.#readTo, bulk.at(-1)!.change.seq);
    const cursor = { follower: FOLLOWER, generation: this.#generation!, seq: readTo };
    const result = await this.#backend.index.apply(bulk.map(({ change }) => change), cursor);
    this.#bell.crashIfAsked();
    this.#metrics.observe(BULK_EVENTS, bulk.length);
    this.#readTo = readTo;
    const letters = this.#sort(bulk, result);
    this.#advance(cursor, letters, result);
  }

  /** Keeps what is to be repeated; returns what is set aside for good. */
  #sort(bulk: readonly Repeated[], result: BulkResult): DeadLetter[] {
    const at = Math.floor(Date.now() / 1000);
    const letters = result.rejected.map(({ position, reason }) =>
      letterOf(bulk[position]!.change, reason, at)
    );
    this.#repeated = [];
    for (const { position, reason } of result.retry) {
      const { change, attempts } = bulk[position]!;
      if (attempts + 1 < BULK_ITEM_ATTEMPTS_MAX) this.#repeated.push({ change, attempts: attempts + 1 });
      else letters.push(letterOf(change, `refused ${BULK_ITEM_ATTEMPTS_MAX} times: ${reason}`, at));
    }
    for (const { seq, id, reason } of letters) {
      this.#lines.warn(`entry ${seq} (${id}) was set aside: ${reason}`);
    }
    return letters;
  }

  /** Moves the durable cursor up to the first change that is not in the index yet. */
  #advance(cursor: Cursor, letters: readonly DeadLetter[], result: BulkResult): void {
    const { state } = this.#backend;
    const first = this.#repeated.reduce((least, { change }) => Math.min(least, change.seq), Infinity);
    const seq = Math.min(cursor.seq, first - 1);
    if (!result.cursorStored || letters.length > 0) state.advance({ ...cursor, seq }, letters);
    if (letters.length > 0) this.#metrics.set(DEAD_LETTERS, state.deadLetterCount());
  }

  #lag(): number {
    const lag = Math.max(0, this.#log.lastSeq - this.#readTo) + this.#repeated.length;
    this.#metrics.set(LAG, lag);
    return lag;
  }
}

function letterOf(change: IndexChange, reason: string, at: number): DeadLetter {
  return { seq: change.seq, id: change.id, reason, at };
}

/** Whether an error says that the file of the search index is no sound database. */
function isDamaged(error: unknown): boolean {
  return storageFault(error) === "corrupt" ||
    (error instanceof SearchUnavailableError && storageFault(error.cause) === "corrupt");
}

/** Puts the damaged file of the search index aside; readers and a new index find none. */
function discardState(config: Config, log: Log, error: unknown): void {
  const path = searchPath(config.DATA_DIR);
  log.error(`"${path}" is damaged and is made anew from the log: ${(error as Error).message}`);
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      Deno.removeSync(file);
    } catch (missing) {
      if (!(missing instanceof Deno.errors.NotFound)) throw missing;
    }
  }
}

async function openIndex(config: Config, log: Log): Promise<OpenedIndex> {
  const options = await searchOptions(config);
  try {
    return await openSearchIndex(options);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    discardState(config, log, error);
    return await openSearchIndex(options);
  }
}

onStart(async (start) => {
  const { config } = start;
  const log = new Log("indexer", start.memory.logLevel);
  const db = openForFollowing(storePath(config.DATA_DIR));
  const backend = await openIndex(config, log);
  beatByTimer(start);
  const reader = new LogReader(db);
  // Before any event comes: afterwards the log could have grown past the cursor again.
  if (backend.state.forgetCursorsBeyond(reader.lastSeq)) {
    log.warn("the log is shorter than the search index remembers: the index is filled anew");
  }
  report({ type: "ready", facts: { search: backend.index.description } });
  await new Indexer(start, backend, reader, log).run();
  db.close();
  report({ type: "stopped" });
  endWorker();
});
