/**
 * The reader: answers what exceeds a gateway's budget, slice by slice: long scans, COUNT, and search.
 * Runs on a worker with an event loop (a search may be a call to OpenSearch); owns a read-only connection and the
 * queries that are open. Every client gets one slice in turn, so that neither long nor many queries hold up others'.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import {
  FRAME_BYTES_MAX,
  FULL_SET_FOLLOW_MS,
  FULL_SET_SLICE_ROWS,
  NEGENTROPY_IDLE_MS_MAX,
  READER_QUERIES_MAX,
  READER_QUERY_IDLE_MS_MAX,
  READING_CACHE_MB,
  SEARCHES_AT_ONCE_MAX,
  SLICE_BYTES_MAX,
} from "../../lib/limits.ts";
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { Heartbeat } from "../../lib/queue/heartbeat.ts";
import { LaneConsumer, LaneProducer } from "../../lib/queue/lane.ts";
import { tailPosition } from "../../lib/queue/tail.ts";
import { slotOf } from "../../lib/metrics/layout.ts";
import { blockOf } from "../../lib/metrics/thread_metrics.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import { privateKinds } from "../../lib/policy/configured.ts";
import { ReadGate } from "../../lib/policy/read_gate.ts";
import { type SearchReader, SearchUnavailableError } from "../../lib/search/search_index.ts";
import { AnswerCounts } from "../../lib/store/answer_counts.ts";
import { EventReader } from "../../lib/store/event_reader.ts";
import { FullSet } from "../../lib/store/full_set.ts";
import { openForReading } from "../../lib/store/open.ts";
import { type ActorStart, endWorker, onStart, report } from "../actor.ts";
import { DomainSearch } from "../../lib/nip05/domain_search.ts";
import { VerifiedAuthors } from "../../lib/nip05/identities.ts";
import { openSearchReader } from "../../lib/search/open.ts";
import { searchOptions } from "../search_options.ts";
import { Log } from "../log.ts";
import { identitiesPath, managementPath, storePath } from "../data_paths.ts";
import { threadNumber } from "../memory.ts";
import { Job, type JobParts, type Slice } from "./jobs.ts";
import { SyncJob, type SyncParts, SyncRefusal } from "./sync_job.ts";
import { isLate, SyncTurns, TOO_LATE } from "./sync_turns.ts";
import {
  CANCEL,
  CONTINUE,
  FULL_SET_READER,
  MESSAGE,
  QUERY,
  type ReaderQuery,
  ROW_HEADER_BYTES,
  SLICE,
  SLICE_HEADER_BYTES,
  type SliceNote,
  STATE_DONE,
  STATE_FAILED,
  STATE_MORE,
} from "./messages.ts";

/** The most bytes that a slice takes in its lane: its texts in UTF-8, one event over the budget, headers and the note. */
const SLICE_ROOM_BYTES = SLICE_BYTES_MAX * 3 + FRAME_BYTES_MAX;
const SEARCH_AVAILABLE = slotOf("nostr_search_available");
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Who asked: what an answer is addressed by. */
interface Asker {
  readonly gateway: number;
  readonly query: Pick<ReaderQuery, "epoch" | "number">;
}

class Reader {
  readonly #settings: ConfigFollower;
  readonly #decisions: ManagementFollower;
  readonly #parts: JobParts;
  readonly #search: SearchReader;
  readonly #log: Log;
  readonly #queries: LaneConsumer[];
  readonly #rows: LaneProducer[];
  readonly #bell: Doorbell;
  readonly #heart: Heartbeat;
  readonly #gatewayBells: Doorbell[];
  readonly #jobs = new Map<string, Job | SyncJob>();
  readonly #makeFullSet: () => FullSet | null;
  readonly #syncTurns = new SyncTurns<SyncJob>();
  #sync: SyncParts;
  #followedMs = 0;
  #searching = 0;

  constructor(
    { config, memory, index, heartbeat }: ActorStart,
    db: DatabaseSync,
    search: SearchReader,
    log: Log,
  ) {
    this.#decisions = new ManagementFollower(managementPath(config.DATA_DIR), memory.managementVersion);
    this.#settings = new ConfigFollower(memory.config);
    const gate = new ReadGate(privateKinds(this.#settings.config), this.#decisions.view);
    const reader = new EventReader(db, tailPosition(memory.tail));
    const indexer = blockOf(memory.metrics, threadNumber(memory.counts, "indexer"));
    const isSearchWhole = () => indexer[SEARCH_AVAILABLE] === 1;
    const nowSeconds = () => Math.floor(Date.now() / 1000);
    this.#parts = { reader, search, isSearchWhole, answers: new AnswerCounts(db), gate, nowSeconds };
    this.#search = search;
    this.#log = log;
    const { view } = this.#decisions;
    this.#makeFullSet = () => {
      const { NEGENTROPY_EVENTS_MAX: eventsMax } = this.#settings.config;
      const kinds = privateKinds(this.#settings.config);
      const { bannedPubkeys, bannedEvents } = view;
      const hidden = { bannedPubkeys, bannedEvents, isPrivate: (kind: number) => kinds.has(kind) };
      return index === FULL_SET_READER ? new FullSet(db, hidden, eventsMax) : null;
    };
    this.#sync = this.#syncParts();
    this.#queries = memory.queries.map((lanes) => new LaneConsumer(lanes[index]!));
    this.#rows = memory.rows[index]!.map((lane) => new LaneProducer(lane));
    this.#bell = new Doorbell(memory.bells.readers[index]!);
    this.#heart = new Heartbeat(heartbeat);
    this.#gatewayBells = memory.bells.origins.map((bell) => new Doorbell(bell));
  }

  /** Serves until it is asked to stop. */
  async run(): Promise<void> {
    while (!this.#bell.stopRequested) {
      const seen = this.#bell.rings;
      this.#heart.beat();
      this.#takeQueries();
      if (this.#decisions.refresh()) this.#sync.fullSet?.bansChanged();
      const served = this.#turn();
      const worked = this.#keepFullSet() || served;
      if (worked) await new Promise<void>((resolve) => setImmediate(() => resolve()));
      else await this.#bell.waitAsync(seen);
    }
    this.#decisions.close();
    await this.#search.close();
  }

  #followSettings(): void {
    const before = JSON.stringify(this.#settings.config.PRIVATE_KINDS);
    if (!this.#settings.refresh()) return;
    this.#parts.gate.use(privateKinds(this.#settings.config));
    if (JSON.stringify(this.#settings.config.PRIVATE_KINDS) === before) return;
    // What is in the set depends on them.
    this.#sync = this.#syncParts();
  }

  #syncParts(): SyncParts {
    const settings = this.#settings;
    return {
      get eventsMax() {
        return settings.config.NEGENTROPY_EVENTS_MAX;
      },
      fullSet: this.#makeFullSet(),
      nowSeconds: this.#parts.nowSeconds,
    };
  }

  /** Reads on for the set of all events, and then follows the log now and then. Returns whether to go on soon. */
  #keepFullSet(): boolean {
    const { fullSet } = this.#sync;
    if (fullSet === null || fullSet.isGivenUp) return false;
    const wasBuilt = fullSet.isBuilt;
    if (wasBuilt && performance.now() - this.#followedMs < FULL_SET_FOLLOW_MS) return false;
    const isCurrent = fullSet.step(FULL_SET_SLICE_ROWS);
    if (isCurrent) this.#followedMs = performance.now();
    if (fullSet.isGivenUp) {
      this.#log.info(`more than ${this.#sync.eventsMax} events: sessions about all of them read the store`);
      return false;
    }
    if (!wasBuilt && fullSet.isBuilt) this.#log.info(`keeps the set of all ${fullSet.size} public events`);
    return !isCurrent;
  }

  #takeQueries(): void {
    for (let gateway = 0; gateway < this.#queries.length; gateway++) {
      const lane = this.#queries[gateway]!;
      while (lane.next()) this.#take(lane, gateway);
      lane.release();
    }
  }

  #take(lane: LaneConsumer, gateway: number): void {
    if (lane.type === QUERY) {
      const query = JSON.parse(
        decoder.decode(lane.bytes.slice(lane.offset, lane.offset + lane.length)),
      ) as ReaderQuery;
      return this.#open(query, gateway);
    }
    const word = lane.offset >>> 2;
    const name = `${gateway}:${lane.words[word]}:${lane.words[word + 1]}`;
    const job = this.#jobs.get(name);
    if (job === undefined) {
      if (lane.type === CANCEL) return;
      const query = { epoch: lane.words[word]!, number: lane.words[word + 1]! };
      return this.#refuse({ gateway, query }, {
        reason: "error: the query was given up because its client paused, try again",
      });
    }
    if (lane.type === CANCEL) this.#jobs.delete(name);
    job.touchedMs = performance.now();
    if (lane.type === CONTINUE) job.isWanted = true;
    if (lane.type === MESSAGE && job instanceof SyncJob) {
      job.take(lane.bytes.slice(lane.offset + 8, lane.offset + lane.length));
    }
  }

  #open(query: ReaderQuery, gateway: number): void {
    // The gateway that asks may know newer settings already.
    this.#followSettings();
    const job = query.type === "sync"
      ? new SyncJob(query, gateway, this.#parts, this.#sync)
      : new Job(query, gateway, this.#parts);
    job.touchedMs = performance.now();
    if (this.#jobs.size >= READER_QUERIES_MAX) this.#forgetIdle();
    if (this.#jobs.size >= READER_QUERIES_MAX) {
      this.#fail(job, { reason: "rate-limited: too many long queries are open, try again" });
    } else this.#jobs.set(nameOf(job), job);
  }

  /** Gives every client one slice, its queries taking turns. Returns whether there was anything to do. */
  #turn(): boolean {
    let worked = false;
    const served = new Set<string>();
    const nowMs = performance.now();
    this.#syncTurns.endTurns((job) => this.#jobs.get(nameOf(job)) === job);
    for (const [name, job] of [...this.#jobs]) {
      if (job instanceof SyncJob && job.isWanted && isLate(job, nowMs)) {
        this.#fail(job, { reason: TOO_LATE });
        continue;
      }
      if (!job.isWanted || this.#freeBytes(job) < SLICE_ROOM_BYTES) continue;
      if (job instanceof Job && job.needsSearch) {
        if (this.#searching < SEARCHES_AT_ONCE_MAX) this.#startSearch(job);
        continue;
      }
      worked = true;
      const client = `${job.gateway}:${job.query.epoch}:${job.query.connection}`;
      if (served.has(client) || (job instanceof SyncJob && !this.#syncTurns.mayWork(client, job))) continue;
      served.add(client);
      this.#bell.crashIfAsked();
      // Behind the others of its client.
      this.#jobs.delete(name);
      this.#jobs.set(name, job);
      this.#serve(job);
    }
    return worked;
  }

  #serve(job: Job | SyncJob): void {
    try {
      const slice = job instanceof SyncJob ? job.next(this.#syncItems()) : job.next();
      if (slice === null) return;
      if (slice.state === "done") this.#jobs.delete(nameOf(job));
      job.isWanted = false;
      this.#send(job, slice.state === "done" ? STATE_DONE : STATE_MORE, slice);
    } catch (error) {
      if (error instanceof SyncRefusal) {
        const { message: reason, eventsMax } = error;
        return this.#fail(job, { reason, ...(eventsMax !== undefined && { eventsMax }) });
      }
      this.#log.error(`a query failed: ${error}`);
      this.#fail(job, { reason: "error: the query failed" });
    }
  }

  /** Items that all negentropy sessions hold; those that their gateways must have forgotten are given up. */
  #syncItems(): number {
    let items = 0;
    const oldest = performance.now() - 2 * NEGENTROPY_IDLE_MS_MAX;
    for (const [name, job] of this.#jobs) {
      if (!(job instanceof SyncJob)) continue;
      if (!job.isWanted && job.touchedMs < oldest) this.#jobs.delete(name);
      else items += job.items;
    }
    return items;
  }

  #startSearch(job: Job): void {
    this.#searching++;
    job.isWanted = false;
    job.search().then(
      () => job.isWanted = true,
      (error) => {
        if (!(error instanceof SearchUnavailableError)) this.#log.error(`a search failed: ${error}`);
        else this.#log.debug(`a search failed: ${error.message}`);
        this.#fail(job, { reason: "error: search is unavailable now, try again later" });
      },
    ).finally(() => {
      this.#searching--;
      this.#bell.ring();
    });
  }

  #fail(job: Job | SyncJob, note: SliceNote): void {
    this.#jobs.delete(nameOf(job));
    this.#refuse(job, note);
  }

  #refuse(asker: Asker, note: SliceNote): void {
    this.#send(asker, STATE_FAILED, { state: "done", note, texts: [], seqs: [] });
  }

  /** Queries whose gateways have gone, or whose clients pause without end. */
  #forgetIdle(): void {
    const oldest = performance.now() - READER_QUERY_IDLE_MS_MAX;
    for (const [name, job] of this.#jobs) {
      if (!job.isWanted && job.touchedMs < oldest) this.#jobs.delete(name);
    }
  }

  #freeBytes(job: Asker): number {
    const lane = this.#rows[job.gateway]!;
    return lane.capacityBytes - lane.usedBytes;
  }

  #send(job: Asker, state: number, slice: Slice): void {
    const lane = this.#rows[job.gateway]!;
    const note = encoder.encode(JSON.stringify(slice.note));
    const texts = slice.texts.reduce((sum, text) => sum + text.length * 3 + ROW_HEADER_BYTES + 8, 0);
    const start = lane.reserve(SLICE_HEADER_BYTES + note.length + 8 + texts);
    if (start < 0) {
      // Only a refusal comes here without having looked for room; its client hears of it when there is some.
      setTimeout(() => this.#send(job, state, slice), 5);
      return;
    }
    const word = start >>> 2;
    lane.words[word] = job.query.epoch;
    lane.words[word + 1] = job.query.number;
    lane.words[word + 2] = state;
    lane.words[word + 3] = slice.texts.length;
    lane.words[word + 4] = note.length;
    lane.bytes.set(note, start + SLICE_HEADER_BYTES);
    let at = (start + SLICE_HEADER_BYTES + note.length + 7) & ~7;
    for (let row = 0; row < slice.texts.length; row++) {
      const { written } = encoder.encodeInto(slice.texts[row]!, lane.bytes.subarray(at + ROW_HEADER_BYTES));
      lane.doubles[at >>> 3] = slice.seqs[row]!;
      lane.words[(at >>> 2) + 2] = written;
      at = (at + ROW_HEADER_BYTES + written + 7) & ~7;
    }
    lane.commit(SLICE, at - start);
    this.#gatewayBells[job.gateway]!.ring();
  }
}

function nameOf(job: Asker): string {
  return `${job.gateway}:${job.query.epoch}:${job.query.number}`;
}

onStart(async (start) => {
  const { config } = start;
  const log = new Log(`reader ${start.index}`, start.memory.logLevel);
  const db = openForReading(storePath(config.DATA_DIR), READING_CACHE_MB);
  const found = await openSearchReader(await searchOptions(config));
  const search = config.NIP05_CHECK
    ? new DomainSearch(found, new VerifiedAuthors(identitiesPath(config.DATA_DIR)))
    : found;
  report({ type: "ready", facts: {} });
  await new Reader(start, db, search, log).run();
  db.close();
  report({ type: "stopped" });
  endWorker();
});
