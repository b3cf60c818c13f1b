/**
 * The reader: answers what exceeds a gateway's budget, slice by slice: long scans, COUNT, and search.
 * Runs on a worker with an event loop (a search may be a call to OpenSearch); owns a read-only connection and the
 * queries that are open. Every client gets one slice in turn, so that neither long nor many queries hold up others'.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import {
  FULL_SET_FOLLOW_MS,
  FULL_SET_SLICE_ROWS,
  LANE_BYTES,
  READER_SLICE_NOTE_BYTES_MAX,
  READING_CACHE_MB,
  SEARCHES_AT_ONCE_CONNECTION_MAX,
  SEARCHES_AT_ONCE_MAX,
} from "../../lib/limits.ts";
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { Heartbeat } from "../../lib/queue/heartbeat.ts";
import { LaneConsumer, LaneProducer } from "../../lib/queue/lane.ts";
import { tailPosition } from "../../lib/log/tail.ts";
import { slotOf } from "../../lib/metrics/layout.ts";
import { blockOf } from "../../lib/metrics/thread_metrics.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import { privateKinds } from "../../lib/relay/configured_policies.ts";
import { ReadGate } from "../../lib/policy/read_gate.ts";
import { type SearchReader, SearchUnavailableError } from "../../lib/search/search_index.ts";
import { AnswerCounts } from "../../lib/store/read/answer_counts.ts";
import { EventReader } from "../../lib/store/read/event_reader.ts";
import { FullSet } from "../../lib/store/read/full_set.ts";
import { openForReading } from "../../lib/store/keep/open.ts";
import { type ActorStart, endWorker, onStart, report } from "../../runtime/actor.ts";
import { DomainSearch } from "../../lib/nip05/domain_search.ts";
import { VerifiedAuthors } from "../../lib/nip05/identities.ts";
import { openSearchReader } from "../../lib/search/open.ts";
import { searchOptions } from "../../runtime/search_options.ts";
import { Logger } from "../../runtime/logger.ts";
import { LoopTurn } from "../../runtime/loop_turn.ts";
import { identitiesPath, managementPath, storePath } from "../../runtime/data_paths.ts";
import { threadNumber } from "../../wire/actors.ts";
import { Job, type JobParts, type OpenedQuery, type Slice } from "./jobs.ts";
import { SyncJob, type SyncParts, SyncRefusal } from "./sync_job.ts";
import { type Asker, clientOf, OpenJobs } from "./open_jobs.ts";
import { isLate, SyncTurns, TOO_LATE } from "./sync_turns.ts";
import { FULL_SET_READER, QueryRecord } from "../../wire/query.ts";
import { rowsBytesMax, sendSlice, type SliceContent, type SliceNote } from "../../wire/slice.ts";

/** The pause before a refusal is offered again to a lane that was full, ms. */
const FULL_WAIT_MS = 5;
/** The most bytes that a slice takes in its lane, its header left out; `lib/limits.ts` asserts that it is enough. */
const SLICE_ROOM_BYTES = LANE_BYTES / 2 - 8;
/** The most bytes of it that are texts; an event that was stored without a limit may be longer. */
const SLICE_TEXTS_BYTES_MAX = SLICE_ROOM_BYTES - READER_SLICE_NOTE_BYTES_MAX;
/** What a client is told whose query has met an event that no slice holds. */
const TOO_LONG = "error: the query has met an event that is too long to be sent";
/** What a client is told that has too much open, or where all clients together have. */
const TOO_MANY = "rate-limited: too many long queries are open, try again";
const SEARCH_AVAILABLE = slotOf("nostr_search_available");

/** What a reader's thread has opened. */
interface ReaderMeans {
  readonly db: DatabaseSync;
  readonly search: SearchReader;
  readonly pause: JobParts["pause"];
  readonly log: Logger;
}

class Reader {
  readonly #settings: ConfigFollower;
  readonly #decisions: ManagementFollower;
  readonly #parts: JobParts;
  readonly #search: SearchReader;
  readonly #log: Logger;
  readonly #queries: LaneConsumer[];
  readonly #asked = new QueryRecord();
  readonly #rows: LaneProducer[];
  readonly #bell: Doorbell;
  readonly #heart: Heartbeat;
  readonly #gatewayBells: Doorbell[];
  readonly #jobs = new OpenJobs();
  readonly #makeFullSet: () => FullSet | null;
  readonly #syncTurns = new SyncTurns<SyncJob>();
  #sync: SyncParts;
  #followedMs = 0;
  #searching = 0;
  /** Client → its searches that are under way. */
  readonly #searches = new Map<string, number>();

  constructor(
    { config, memory, index, heartbeat }: ActorStart,
    { db, search, pause, log }: ReaderMeans,
  ) {
    this.#decisions = new ManagementFollower(managementPath(config.DATA_DIR), memory.managementVersion);
    this.#settings = new ConfigFollower(memory.config);
    const gate = new ReadGate(privateKinds(this.#settings.config), this.#decisions.view);
    const reader = new EventReader(db, tailPosition(memory.tail));
    const indexer = blockOf(memory.metrics, threadNumber(memory.counts, "indexer"));
    const isSearchWhole = () => indexer[SEARCH_AVAILABLE] === 1;
    const nowSeconds = () => Math.floor(Date.now() / 1000);
    this.#parts = { reader, search, isSearchWhole, answers: new AnswerCounts(db), gate, nowSeconds, pause };
    this.#search = search;
    this.#log = log;
    const { view } = this.#decisions;
    this.#makeFullSet = () => {
      const { NEGENTROPY_EVENTS_MAX: eventsMax } = this.#settings.config;
      const kinds = privateKinds(this.#settings.config);
      const { bannedPubkeys, bannedEvents } = view;
      const hidden = { bannedPubkeys, bannedEvents, isPrivate: (kind: number) => kinds.has(kind) };
      return index === FULL_SET_READER
        ? new FullSet(db, hidden, { itemsMax: eventsMax, tail: memory.tail })
        : null;
    };
    this.#sync = this.#syncParts();
    this.#queries = memory.queries.map((lanes) => new LaneConsumer(lanes[index]!));
    this.#rows = memory.rows[index]!.map((lane) => new LaneProducer(lane));
    this.#bell = new Doorbell(memory.bells.reader[index]!);
    this.#heart = new Heartbeat(heartbeat);
    this.#gatewayBells = memory.bells.origins.map((bell) => new Doorbell(bell));
  }

  /** Serves until it is asked to stop. */
  async run(): Promise<void> {
    while (!this.#bell.stopRequested) {
      const seen = this.#bell.rings;
      this.#heart.beat();
      this.#drainQueries();
      this.#followDecisions();
      const served = this.#turn();
      const worked = this.#keepFullSet() || served;
      if (worked) await this.#parts.pause();
      else await this.#bell.waitAsync(seen);
    }
    this.#decisions.close();
    await this.#search.close();
  }

  #followDecisions(): void {
    if (this.#decisions.refresh()) this.#sync.fullSet?.bansChanged();
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

  /** Reads on for the set of all events, and then follows the log, now and then. Returns whether to go on soon. */
  #keepFullSet(): boolean {
    const { fullSet } = this.#sync;
    const isEarly = performance.now() - this.#followedMs < FULL_SET_FOLLOW_MS;
    // A commit need not wake this thread while it would follow nothing.
    this.#bell.ignoresLog = fullSet === null || fullSet.isGivenUp || isEarly;
    if (fullSet === null || fullSet.isGivenUp) return false;
    const wasBuilt = fullSet.isBuilt;
    if (wasBuilt && (isEarly || !fullSet.hasMore)) return false;
    const isCurrent = fullSet.step(FULL_SET_SLICE_ROWS);
    if (isCurrent) this.#followedMs = performance.now();
    if (fullSet.isGivenUp) {
      this.#log.info(`more than ${this.#sync.eventsMax} events: sessions about all of them read the store`);
      return false;
    }
    if (!wasBuilt && fullSet.isBuilt) this.#log.info(`keeps the set of all ${fullSet.size} public events`);
    return !isCurrent;
  }

  #drainQueries(): void {
    for (let gateway = 0; gateway < this.#queries.length; gateway++) {
      const lane = this.#queries[gateway]!;
      while (lane.next()) this.#receive(lane, gateway);
      lane.release();
    }
  }

  #receive(lane: LaneConsumer, gateway: number): void {
    const asked = this.#asked.at(lane);
    const { type } = asked;
    if (type === "query") return this.#open({ query: asked.query, gateway, bytes: asked.length });
    const { epoch, number } = asked;
    const job = this.#jobs.get(`${gateway}:${epoch}:${number}`);
    if (job === undefined) {
      if (type === "cancel") return;
      return this.#refuse({ gateway, query: { epoch, number } }, {
        reason: "error: the query was given up because its client paused, try again",
      });
    }
    if (type === "cancel") this.#jobs.end(job);
    job.touchedMs = performance.now();
    if (type === "continue") job.isWanted = true;
    if (type === "message" && job instanceof SyncJob) job.receive(asked.message);
  }

  #open(opened: OpenedQuery): void {
    // The gateway that asks may know newer settings and decisions already.
    this.#followSettings();
    this.#followDecisions();
    if (!this.#jobs.hasRoom(opened)) return this.#refuse(opened, { reason: TOO_MANY });
    const job = opened.query.type === "sync"
      ? new SyncJob(opened, this.#parts, this.#sync)
      : new Job(opened, this.#parts);
    job.touchedMs = performance.now();
    this.#jobs.add(job);
  }

  /** Gives every client one slice, its queries taking turns. Returns whether there was anything to do. */
  #turn(): boolean {
    let worked = false;
    const served = new Set<string>();
    const nowMs = performance.now();
    this.#syncTurns.endTurns((job) => this.#jobs.isOpen(job));
    for (const job of this.#jobs.all()) {
      if (job instanceof SyncJob && job.isWanted && isLate(job, nowMs)) {
        this.#fail(job, { reason: TOO_LATE });
        continue;
      }
      if (!job.isWanted || this.#freeBytes(job) < SLICE_ROOM_BYTES) continue;
      if (job instanceof Job && job.needsSearch) {
        const ofClient = this.#searches.get(clientOf(job)) ?? 0;
        const mayBegin = this.#searching < SEARCHES_AT_ONCE_MAX && ofClient < SEARCHES_AT_ONCE_CONNECTION_MAX;
        if (mayBegin) this.#startSearch(job);
        continue;
      }
      worked = true;
      const client = clientOf(job);
      if (served.has(client) || (job instanceof SyncJob && !this.#syncTurns.mayWork(client, job))) continue;
      served.add(client);
      this.#bell.crashIfAsked();
      // Behind the others of its client.
      this.#jobs.putLast(job);
      this.#serve(job);
    }
    return worked;
  }

  #serve(job: Job | SyncJob): void {
    try {
      const slice = job instanceof SyncJob ? this.#nextOfSync(job) : job.next();
      if (slice === null) return;
      if (rowsBytesMax(slice.texts) > SLICE_TEXTS_BYTES_MAX) return this.#fail(job, { reason: TOO_LONG });
      if (slice.state === "done") this.#jobs.end(job);
      job.isWanted = false;
      this.#send(job, slice);
    } catch (error) {
      if (error instanceof SyncRefusal) {
        const { message: reason, eventsMax } = error;
        return this.#fail(job, { reason, ...(eventsMax !== undefined && { eventsMax }) });
      }
      this.#log.error(`a query failed: ${error}`);
      this.#fail(job, { reason: "error: the query failed" });
    }
  }

  #nextOfSync(job: SyncJob): Slice | null {
    try {
      return job.next(this.#jobs.mayGrow(job, this.#sync.eventsMax));
    } finally {
      if (this.#jobs.isOpen(job)) this.#jobs.countItems(job);
    }
  }

  #startSearch(job: Job): void {
    const client = clientOf(job);
    this.#searching++;
    this.#searches.set(client, (this.#searches.get(client) ?? 0) + 1);
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
      const left = this.#searches.get(client)! - 1;
      if (left > 0) this.#searches.set(client, left);
      else this.#searches.delete(client);
      this.#bell.ring();
    });
  }

  #fail(job: Job | SyncJob, note: SliceNote): void {
    this.#jobs.end(job);
    this.#refuse(job, note);
  }

  #refuse(asker: Asker, note: SliceNote): void {
    this.#send(asker, { state: "failed", note, texts: [], seqs: [] });
  }

  #freeBytes(job: Asker): number {
    const lane = this.#rows[job.gateway]!;
    return lane.capacityBytes - lane.usedBytes;
  }

  #send(asker: Asker, slice: SliceContent): void {
    if (sendSlice(this.#rows[asker.gateway]!, asker.query, slice)) {
      return this.#gatewayBells[asker.gateway]!.ring();
    }
    // Only a refusal comes here without having looked for room; its client hears of it when there is some.
    setTimeout(() => this.#send(asker, slice), FULL_WAIT_MS);
  }
}

onStart(async (start) => {
  const { config } = start;
  const log = new Logger(`reader ${start.index}`, start.memory.logLevel);
  const db = openForReading(storePath(config.DATA_DIR), READING_CACHE_MB);
  const loop = new LoopTurn();
  const pause = () => loop.next();
  const found = await openSearchReader({ ...await searchOptions(config), pause });
  const search = config.NIP05_CHECK
    ? new DomainSearch(found, new VerifiedAuthors(identitiesPath(config.DATA_DIR)))
    : found;
  report({ type: "ready", facts: {} });
  await new Reader(start, { db, search, pause, log }).run();
  db.close();
  report({ type: "stopped" });
  endWorker();
});
