/**
 * The verifier: takes frames from every origin's lane, parses and verifies them in batches through FFI, and passes packed
 * events to the store or refusals back. Runs on a worker of its own and blocks there; owns its scratch memory.
 *
 * A frame is released from its lane only after what became of it lies in the next lane. If this thread dies in between,
 * its successor meets the frames again; the store knows what it already has.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import { histogramOf, slotOf } from "../../lib/metrics/layout.ts";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import {
  authorRatePolicy,
  contentPolicy,
  type RateMeans,
  senderPolicy,
} from "../../lib/relay/configured_policies.ts";
import { sizeLimits } from "../../lib/policy/event_limits.ts";
import {
  type EventPolicy,
  fromNobody,
  type PolicyContext,
  type PolicyEvent,
} from "../../lib/policy/policy.ts";
import { RateTable } from "../../lib/policy/rate_table.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { Heartbeat } from "../../lib/queue/heartbeat.ts";
import { LaneConsumer, LaneProducer } from "../../lib/queue/lane.ts";
import { EventIntake, type IntakeEntry, type Refusal } from "../../lib/verify/event_intake.ts";
import { openVerifier } from "../../lib/verify/open_verifier.ts";
import type { SignatureVerifier } from "../../lib/verify/verifier.ts";
import { type ActorStart, endWorker, onStart, report } from "../../runtime/actor.ts";
import { sendOk, sendText } from "../../wire/outcome.ts";
import { managementPath } from "../../runtime/data_paths.ts";
import { Logger } from "../../runtime/logger.ts";
import { relayMs } from "../../wire/relay_clock.ts";
import { threadNumber } from "../../wire/actors.ts";
import { PolicyFiles, policyFilesOf } from "../../runtime/policy_files.ts";
import { commitAsked, noteBytesMax, type SenderNote } from "../../wire/asked.ts";
import { commitPacked, type PackedHeader, reservePacked } from "../../wire/packed.ts";
import { FrameRecord } from "../../wire/frame.ts";
import { hasSender } from "../../wire/source.ts";

const BATCH_EVENTS = histogramOf("nostr_verifier_batch_events");
const FRAMES_LEFT = slotOf("nostr_verifier_frames_left_total");
const SECOND_DECISIONS = slotOf("nostr_verify_second_decisions_total");
/** How long to sleep before looking again whether the store has made room, ms. */
const STORE_FULL_WAIT_MS = 1;
/** Bytes of a quoted id that an OK repeats, where the id is none; a longer one is answered by a NOTICE. */
const ODD_ID_BYTES_MAX = 200;
/** Whoever sends it: an author's rate asks for no more. */
const NOBODY = fromNobody(0);

const nap = new Int32Array(new SharedArrayBuffer(4));

/** One frame of the batch: whom to answer, by which lane. */
interface Taken extends PackedHeader {
  /** For the plugin, where there is one. */
  readonly note: SenderNote | null;
}

class Verifier {
  readonly #verifier: SignatureVerifier;
  readonly #intake: EventIntake;
  readonly #settings: ConfigFollower;
  readonly #decisions: ManagementFollower;
  readonly #files: PolicyFiles;
  /** The settings whose policy files are in use. */
  #loadedFor: Config | null = null;
  #content: EventPolicy;
  /** Asked of events whose signatures are taken for granted. */
  #size: EventPolicy;
  #sender: EventPolicy;
  /** Asked of verified events, or null. */
  #author: EventPolicy | null;
  readonly #rates: RateMeans;
  readonly #frames: LaneConsumer[];
  readonly #refusals: LaneProducer[];
  readonly #hasPlugin: boolean;
  /** To the store, or to the plugin before it. */
  readonly #packed: LaneProducer;
  readonly #bell: Doorbell;
  readonly #heart: Heartbeat;
  readonly #nextBell: Doorbell;
  readonly #originBells: Doorbell[];
  readonly #metrics: ThreadMetrics;
  readonly #frame = new FrameRecord();
  #taken: Taken[] = [];
  #firstLane = 0;
  #id = new Uint8Array(32);

  constructor(start: ActorStart, verifier: SignatureVerifier, log: Logger) {
    const { memory, index } = start;
    this.#verifier = verifier;
    this.#heart = new Heartbeat(start.heartbeat);
    this.#decisions = new ManagementFollower(managementPath(start.config.DATA_DIR), memory.managementVersion);
    this.#settings = new ConfigFollower(memory.config);
    this.#content = contentPolicy(this.#settings.config, this.#decisions.view);
    this.#size = sizeLimits(this.#settings.config);
    this.#sender = senderPolicy(this.#settings.config);
    this.#rates = { nowMs: relayMs, table: new RateTable(memory.rates) };
    this.#author = authorRatePolicy(this.#settings.config, this.#rates);
    this.#intake = new EventIntake(
      verifier,
      (event, context) => this.#refusalOf(event, context),
      (event, context) => this.#size(event, context),
    );
    this.#frames = memory.frames.map((lanes) => new LaneConsumer(lanes[index]!));
    for (const [origin, lane] of this.#frames.entries()) this.#intake.attach(origin, lane.bytes);
    this.#refusals = memory.refusals[index]!.map((lane) => new LaneProducer(lane));
    this.#hasPlugin = memory.asked.length > 0;
    this.#packed = new LaneProducer((this.#hasPlugin ? memory.asked : memory.packed)[index]!);
    this.#bell = new Doorbell(memory.bells.verifier[index]!);
    this.#nextBell = new Doorbell((this.#hasPlugin ? memory.bells.plugin : memory.bells.store)[0]!);
    this.#originBells = memory.bells.origins.map((bell) => new Doorbell(bell));
    this.#metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "verifier", index));
    this.#files = new PolicyFiles(this.#metrics, log);
  }

  /** Serves until it is asked to stop and its lanes are empty. */
  async run(): Promise<void> {
    while (true) {
      const seen = this.#bell.rings;
      this.#heart.beat();
      if (!this.#isCurrent()) await this.#load();
      if (this.#gather() > 0) {
        this.#decide();
        continue;
      }
      if (!this.#isCurrent()) continue;
      if (this.#bell.stopRequested) return this.#decisions.close();
      this.#bell.wait(seen);
    }
  }

  /** Follows the settings: one load where nothing was changed. Returns whether the policy files are those that are set. */
  #isCurrent(): boolean {
    if (this.#settings.refresh()) {
      this.#content = contentPolicy(this.#settings.config, this.#decisions.view);
      this.#size = sizeLimits(this.#settings.config);
      this.#sender = senderPolicy(this.#settings.config);
      this.#author = authorRatePolicy(this.#settings.config, this.#rates);
    }
    return this.#loadedFor === this.#settings.config;
  }

  /** To load a module takes an event loop, which this thread otherwise does without. */
  async #load(): Promise<void> {
    this.#loadedFor = this.#settings.config;
    await this.#files.load(policyFilesOf(this.#settings));
  }

  /** Takes what lies in the lanes, each batch beginning with another lane, up to what a batch holds. */
  #gather(): number {
    this.#intake.clear();
    this.#taken = [];
    const nowSeconds = Math.floor(Date.now() / 1000);
    const lanes = this.#frames.length;
    for (let n = 0; n < lanes; n++) {
      const origin = (this.#firstLane + n) % lanes;
      const lane = this.#frames[origin]!;
      while (this.#intake.hasRoom && this.#isCurrent() && lane.next()) this.#add(lane, origin, nowSeconds);
    }
    this.#firstLane = (this.#firstLane + 1) % lanes;
    return this.#taken.length;
  }

  #add(lane: LaneConsumer, origin: number, nowSeconds: number): void {
    const frame = this.#frame.at(lane);
    const { source, connection, address, keys } = frame;
    const isClient = hasSender(source);
    const context = {
      nowSeconds,
      authenticated: keys,
      ip: isClient && address !== "" ? address : null,
      connection: isClient ? connection : null,
      anySize: frame.isAnySize,
      isOwn: source === "own",
    };
    this.#taken.push({
      origin,
      epoch: frame.epoch,
      connection,
      receivedAtMs: frame.receivedAtMs,
      source,
      note: this.#hasPlugin ? { address, keys: [...keys] } : null,
    });
    // A frame that came after a decision finds it: one load where nothing was decided.
    this.#decisions.refresh();
    const place = { source: origin, start: frame.textAt, end: frame.textEnd };
    this.#intake.add(place, context, frame.isTrusted);
  }

  #refusalOf(event: PolicyEvent, context: PolicyContext): string | null {
    if (context.isOwn) return null;
    const refusal = this.#content(event, context) ??
      (context.connection === null ? null : this.#sender(event, context));
    return refusal === null && this.#files.event !== null ? this.#files.event(event, context) : refusal;
  }

  #decide(): void {
    const verified = this.#intake.decide();
    if (verified > 0) this.#metrics.observe(BATCH_EVENTS, verified);
    if (this.#intake.left > 0) this.#metrics.add(FRAMES_LEFT, this.#intake.left);
    const counters = this.#verifier.counters();
    this.#metrics.set(SECOND_DECISIONS, counters.secondDecisions);
    const { entries } = this.#intake;
    let packed = 0;
    const answered = new Set<number>();
    for (let n = 0; n < entries.length; n++) {
      const entry = entries[n]!;
      const taken = this.#taken[n]!;
      const refusal = entry.refusal ?? this.#excessOf(entry, taken);
      if (refusal === null) {
        this.#pass(entry, taken);
        packed++;
      } else {
        this.#refuse(refusal, taken);
        answered.add(taken.origin);
      }
    }
    this.#bell.crashIfAsked();
    for (const lane of this.#frames) lane.release();
    if (packed > 0) this.#nextBell.ring();
    for (const origin of answered) this.#originBells[origin]!.ring();
  }

  /** Whether its author sends too much. Before the signature was verified, anybody could use up an author's rate. */
  #excessOf(entry: IntakeEntry, { source }: Taken): Refusal | null {
    if (this.#author === null || !hasSender(source)) return null;
    const event = this.#intake.eventOf(entry);
    const message = this.#author(event, NOBODY);
    return message === null ? null : { id: event.id, message };
  }

  #pass(entry: IntakeEntry, taken: Taken): void {
    const lane = this.#packed;
    const { note } = taken;
    const bytesMax = this.#intake.packedBytesMax(entry) + (note === null ? 0 : noteBytesMax(note));
    let at: number;
    while ((at = reservePacked(lane, taken, bytesMax)) < 0) {
      // The store is behind. Waiting here fills the frames' lanes, and gateways answer that with `rate-limited:`.
      this.#heart.beat();
      this.#nextBell.ring();
      Atomics.wait(nap, 0, 0, STORE_FULL_WAIT_MS);
    }
    const bytes = this.#intake.pack(entry, lane, at);
    if (note === null) commitPacked(lane, bytes);
    else commitAsked(lane, at, bytes, note);
  }

  #refuse(refusal: { id: string | null; message: string }, taken: Taken): void {
    const lane = this.#refusals[taken.origin]!;
    const { id, message } = refusal;
    if (id !== null && /^[0-9a-f]{64}$/.test(id)) {
      this.#id.setFromHex(id);
      return sendOk(lane, taken, this.#id, false, message);
    }
    const quoted = JSON.stringify(id);
    const notice = id === null || quoted.length > ODD_ID_BYTES_MAX;
    sendText(
      lane,
      taken,
      notice ? `["NOTICE",${JSON.stringify(message)}]` : `["OK",${quoted},false,${JSON.stringify(message)}]`,
    );
  }
}

onStart(async (start) => {
  const log = new Logger(`verifier ${start.index}`, start.memory.logLevel);
  const { verifier, skipped } = await openVerifier({
    tier: start.config.VERIFY_TIER,
    libraryPath: start.libraryPath,
  });
  for (const { tier, reason } of skipped) log.debug(`tier ${tier} was passed over: ${reason}`);
  report({ type: "ready", facts: { tier: verifier.tier, verification: verifier.description } });
  await new Verifier(start, verifier, log).run();
  verifier.close();
  report({ type: "stopped" });
  endWorker();
});
