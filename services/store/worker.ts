/**
 * The store: the one thread that writes. Takes packed events from every verifier's lane, commits what has gathered as
 * one group, then publishes it in the tail and sends the outcomes. Blocks on its own worker.
 *
 * The order is the promise: commit (and, with `DURABILITY=full`, the disk's fsync) first, then the OK. An entry is
 * released only after its outcome was sent; a successor of this thread meets it again and finds it stored.
 *
 * @module
 */
import {
  EXPIRE_EVENTS_MAX,
  GROUP_COMMIT_BYTES_MAX,
  GROUP_COMMIT_EVENTS_MAX,
  START_CHECK_MS_MAX,
} from "../../lib/limits.ts";
import { ownUrls } from "../../lib/relay/own_urls.ts";
import { histogramOf, slotsOf } from "../../lib/metrics/layout.ts";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { kindClass } from "../../lib/nostr/kinds.ts";
import { FLAG_EPHEMERAL } from "../../lib/nostr/packed_event.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { Heartbeat } from "../../lib/queue/heartbeat.ts";
import { LaneConsumer, LaneProducer } from "../../lib/queue/lane.ts";
import { TailProducer } from "../../lib/log/tail.ts";
import { checkStore } from "../../lib/store/keep/damage.ts";
import { type AddOutcome, EventStore, type Removal } from "../../lib/store/write/event_store.ts";
import { type AudienceMemory, mayBeHeard } from "../../lib/subscription/audience.ts";
import { openForWriting } from "../../lib/store/keep/open.ts";
import { type ActorStart, endWorker, onStart, report } from "../../runtime/actor.ts";
import { sendOk } from "../../wire/outcome.ts";
import { Logger } from "../../runtime/logger.ts";
import { followingOrigins, threadNumber } from "../../wire/actors.ts";
import { probePath, storePath } from "../../runtime/data_paths.ts";
import { StorageWatch } from "./storage_watch.ts";
import { ManagementFeed } from "./management_feed.ts";
import { PackedRecord } from "../../wire/packed.ts";
import { hasSender } from "../../wire/source.ts";
import { TailWriter } from "../../wire/tail_entry.ts";

const COMMIT_SECONDS = histogramOf("nostr_commit_seconds");
const COMMIT_EVENTS = histogramOf("nostr_commit_events");
const STORED = slotsOf("nostr_events_stored_total");
/** How often the store looks for expired events, ms. */
const EXPIRE_INTERVAL_MS = 1_000;

/** The pause after the removal of what has vanished, or the merge of fresh events, failed, ms. */
const RETRY_MS = 1_000;

/** What became of an event: "unheard" is for ephemeral ones, "handed on" for those that management answers. */
type Outcome = AddOutcome | "unheard" | "handed on" | "unanswered" | "failed";

/** What an OK says of each outcome. */
const ANSWERS: Record<Exclude<Outcome, "handed on">, readonly [accepted: boolean, message: string]> = {
  stored: [true, ""],
  duplicate: [true, "duplicate: already have this event"],
  superseded: [false, "duplicate: a newer version of this event is stored"],
  vanished: [false, "blocked: its author or recipient has asked this relay to vanish"],
  deleted: [false, "blocked: its author has deleted this event"],
  unheard: [false, "mute: nobody listens to this ephemeral event"],
  unanswered: [false, "error: the relay could not decide, try again later"],
  failed: [false, "error: the event could not be stored, try again later"],
};

/** One packed event of the group: where it lies, and what became of it. */
interface Entry {
  readonly lane: LaneConsumer;
  readonly offset: number;
  outcome: Outcome;
  seq: number;
}

class Store {
  readonly #store: EventStore;
  readonly #lanes: LaneConsumer[];
  readonly #outcomes: LaneProducer[];
  readonly #tail: TailWriter;
  readonly #audiences: readonly AudienceMemory[];
  readonly #bell: Doorbell;
  readonly #heart: Heartbeat;
  readonly #originBells: Doorbell[];
  readonly #followerBells: Doorbell[];
  /** Whether an origin is rung as a follower anyway. */
  readonly #isFollower: readonly boolean[];
  /** The origins with an outcome in this group. */
  readonly #answered = new Set<number>();
  readonly #metrics: ThreadMetrics;
  readonly #log: Logger;
  readonly #watch: StorageWatch;
  readonly #record = new PackedRecord();
  readonly #management: ManagementFeed;
  #group: Entry[] = [];
  #removals: Removal[] = [];
  #expireAtMs = 0;
  #vanishAtMs = 0;
  #mergeAtMs = 0;

  constructor({ config, memory, heartbeat }: ActorStart, store: EventStore, log: Logger) {
    this.#heart = new Heartbeat(heartbeat);
    this.#management = new ManagementFeed(config, memory);
    this.#store = store;
    this.#log = log;
    this.#lanes = memory.packed.map((lane) => new LaneConsumer(lane));
    this.#outcomes = memory.outcomes.map((lane) => new LaneProducer(lane));
    this.#tail = new TailWriter(new TailProducer(memory.tail));
    this.#audiences = memory.audiences;
    this.#bell = new Doorbell(memory.bells.store[0]!);
    this.#originBells = memory.bells.origins.map((bell) => new Doorbell(bell));
    this.#followerBells = memory.bells.followers.map((bell) => new Doorbell(bell));
    this.#isFollower = followingOrigins(memory.counts);
    this.#metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "store"));
    this.#watch = new StorageWatch(this.#metrics, log, probePath(config.DATA_DIR));
  }

  /** Serves until it is asked to stop and its lanes are empty. */
  run(): void {
    // A predecessor may have committed what it did not live to publish.
    this.#tail.reached(this.#store.lastSeq);
    while (true) {
      const seen = this.#bell.rings;
      this.#heart.beat();
      if (this.#watch.fault === null) {
        this.#expire();
        this.#vanish();
        this.#mergeFresh();
      }
      if (this.#gather() > 0) {
        this.#write();
        this.#bell.crashIfAsked();
        this.#publish();
        continue;
      }
      if (this.#bell.stopRequested) return;
      this.#watch.probe(() => this.#store.touch());
      if (this.#isVanishDue()) continue;
      this.#bell.wait(seen);
    }
  }

  #gather(): number {
    this.#group = [];
    let bytes = 0;
    for (const lane of this.#lanes) {
      while (this.#group.length < GROUP_COMMIT_EVENTS_MAX && bytes < GROUP_COMMIT_BYTES_MAX && lane.next()) {
        this.#group.push({ lane, offset: lane.offset, outcome: "failed", seq: 0 });
        bytes += lane.length;
      }
    }
    return this.#group.length;
  }

  /** Writes the group as one transaction; if that fails, each event as one, so that none suffers for another. */
  #write(): void {
    if (this.#watch.isDamaged) return this.#failAll();
    const started = performance.now();
    try {
      this.#commit(this.#group);
    } catch (error) {
      // None of the events is to blame for the disk, and each would meet the same.
      if (this.#watch.failed(error)) this.#failAll();
      else {
        this.#log.error(`a group of ${this.#group.length} events failed, writing them one by one: ${error}`);
        for (const entry of this.#group) this.#commitAlone(entry);
      }
    }
    this.#metrics.observe(COMMIT_SECONDS, (performance.now() - started) / 1000);
    this.#metrics.observe(COMMIT_EVENTS, this.#group.length);
  }

  #failAll(): void {
    for (const entry of this.#group) entry.outcome = "failed";
  }

  #commitAlone(entry: Entry): void {
    try {
      this.#commit([entry]);
    } catch (error) {
      entry.outcome = "failed";
      if (this.#watch.failed(error)) return;
      this.#log.error(`an event could not be stored: ${error}`);
    }
  }

  #commit(entries: readonly Entry[]): void {
    this.#store.begin();
    try {
      for (const entry of entries) {
        const record = this.#at(entry);
        const { event } = record;
        const ephemeral = (event.flags & FLAG_EPHEMERAL) !== 0;
        entry.outcome = ephemeral ? this.#pass(record) : this.#store.add(event);
        entry.seq = ephemeral ? this.#store.lastSeq : this.#store.addedSeq;
      }
      this.#store.commit();
    } catch (error) {
      this.#store.rollback();
      throw error;
    }
    this.#watch.succeeded();
    this.#removals.push(...this.#store.removals);
  }

  /** An ephemeral event that certainly nobody hears goes nowhere, and its sender is told. */
  #pass({ event, source }: PackedRecord): Outcome {
    if (this.#management.useOf(event.kind) === "answer") {
      return hasSender(source) ? "handed on" : "unheard";
    }
    return mayBeHeard(event, this.#audiences) ? "stored" : "unheard";
  }

  /** What is on disk now goes into the tail and is answered; then its room in the lanes is given back. */
  #publish(): void {
    let removal = 0;
    for (const entry of this.#group) {
      const record = this.#at(entry);
      const { event } = record;
      if (entry.outcome === "stored") {
        // The tail keeps the order of the log, in which additions and removals alternate.
        while (removal < this.#removals.length && this.#removals[removal]!.seq < entry.seq) {
          this.#appendRemoval(this.#removals[removal++]!);
        }
        this.#append(record, entry.seq);
      }
      if (entry.outcome === "handed on") {
        if (this.#management.hand(record)) continue;
        entry.outcome = "unanswered";
      }
      this.#answered.add(record.origin);
      const [accepted, message] = ANSWERS[entry.outcome];
      sendOk(this.#outcomes[record.origin]!, record, event.id, accepted, message);
    }
    for (const left of this.#removals.slice(removal)) this.#appendRemoval(left);
    this.#removals = [];
    for (const lane of this.#lanes) lane.release();
    this.#ringAnswered();
    this.#ringFollowers();
  }

  #ringAnswered(): void {
    for (const origin of this.#answered) if (!this.#isFollower[origin]) this.#originBells[origin]!.ring();
    this.#answered.clear();
  }

  #ringFollowers(): void {
    for (const bell of this.#followerBells) bell.ringForLog();
  }

  #append(record: PackedRecord, seq: number): void {
    const { event } = record;
    const ephemeral = (event.flags & FLAG_EPHEMERAL) !== 0;
    if (ephemeral) return this.#tail.ephemeral(seq, event.packed);
    this.#tail.stored(seq, event.packed);
    const storage = kindClass(event.kind);
    if (storage !== "ephemeral") this.#metrics.add(STORED[storage], 1);
    if (this.#management.useOf(event.kind) !== "copy") return;
    if (!this.#management.hand(record)) {
      this.#log.warn("management has much to do: a report waits for no moderator");
    }
  }

  #appendRemoval(removal: Removal): void {
    this.#tail.removed(removal.seq, Uint8Array.fromHex(removal.id));
  }

  /** Removes what has expired (NIP-40); queries leave it out from the second it expires. */
  #expire(): void {
    const nowMs = Date.now();
    if (nowMs < this.#expireAtMs) return;
    this.#expireAtMs = nowMs + EXPIRE_INTERVAL_MS;
    const nowSeconds = Math.floor(nowMs / 1000);
    if (!this.#store.hasExpired(nowSeconds)) return;
    this.#removeSome("expired events", () => {
      const removed = this.#store.expire(nowSeconds, EXPIRE_EVENTS_MAX);
      if (removed === EXPIRE_EVENTS_MAX) this.#expireAtMs = nowMs;
    });
  }

  #isVanishDue(): boolean {
    return this.#store.isVanishing && this.#watch.fault === null && Date.now() >= this.#vanishAtMs;
  }

  /** Removes a slice of what authors have asked to vanish (NIP-62); queries leave it out from the request on. */
  #vanish(): void {
    if (!this.#isVanishDue()) return;
    const done = this.#removeSome("events of an author who vanished", () => this.#store.vanishSome());
    if (!done) this.#vanishAtMs = Date.now() + RETRY_MS;
  }

  /** Removes events in a transaction of their own. Returns whether that succeeded. */
  #removeSome(what: string, remove: () => void): boolean {
    try {
      this.#store.begin();
      remove();
      this.#store.commit();
    } catch (error) {
      this.#store.rollback();
      if (!this.#watch.failed(error)) this.#log.error(`${what} could not be removed: ${error}`);
      return false;
    }
    for (const removal of this.#store.removals) this.#appendRemoval(removal);
    this.#ringFollowers();
    return true;
  }

  /** Moves the fresh events into the settled tables; while that fails, they are served from where they are. */
  #mergeFresh(): void {
    if (!this.#store.isMergeDue || Date.now() < this.#mergeAtMs) return;
    try {
      this.#store.mergeFresh();
    } catch (error) {
      if (!this.#watch.failed(error)) this.#log.error(`fresh events could not be merged: ${error}`);
      this.#mergeAtMs = Date.now() + RETRY_MS;
    }
  }

  #at({ lane, offset }: Entry): PackedRecord {
    return this.#record.atOffset(lane, offset);
  }
}

/** Refuses a store that is damaged, before anything is written to it. */
function checkAtStart(path: string): void {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const untilMs = performance.now() + START_CHECK_MS_MAX;
  checkStore(path, { random: Math.random, hasTime: () => performance.now() < untilMs });
}

onStart((start) => {
  const { config } = start;
  const path = storePath(config.DATA_DIR);
  checkAtStart(path);
  const db = openForWriting(path, {
    durability: config.DURABILITY,
    cacheMebibytes: config.CACHE_MB,
  });
  const store = new EventStore(db, ownUrls(config));
  report({ type: "ready", facts: { lastSeq: String(store.lastSeq) } });
  new Store(start, store, new Logger("store", start.memory.logLevel)).run();
  // A clean stop leaves everything in one file, which a plain copy then holds.
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  report({ type: "stopped" });
  endWorker();
});
