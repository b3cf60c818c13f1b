/**
 * The shared memory in which the actors meet: every lane, every doorbell, the tail, the metrics.
 * Main makes it once; it outlives every worker, so that a restarted one finds its lanes as they were.
 * Who writes and who reads each lane is said at its field: this is the data path in one page.
 *
 * @module
 */
import { createConfigMemory } from "../lib/config/shared_config.ts";
import { createBloomMemory } from "../lib/dedupe/blocked_bloom.ts";
import {
  LANE_BYTES,
  LANE_BYTES_FRAMES,
  LANE_BYTES_OUTCOMES,
  LANE_BYTES_QUERIES,
  TAIL_BYTES,
} from "../lib/limits.ts";
import { MANAGEMENT_VERSION_BYTES } from "../lib/management/change_log.ts";
import { createMetricsMemory, type MetricsMemory } from "../lib/metrics/thread_metrics.ts";
import { createDoorbellMemory, type DoorbellMemory } from "../lib/queue/doorbell.ts";
import { createLaneMemory, type LaneMemory } from "../lib/queue/lane.ts";
import { KEY_HASH_WORDS } from "../lib/nostr/key_hash.ts";
import { type AudienceMemory, createAudienceMemory } from "../lib/subscription/audience.ts";
import { createRateMemory } from "../lib/policy/rate_table.ts";
import { createSharedCountMemory } from "../lib/policy/shared_counts.ts";
import { type Actor, type ActorCounts, ACTORS, originActors, originCount, threadCount } from "./actors.ts";
import { createLogLevel } from "./log_level.ts";
import { createPhase } from "./relay_phase.ts";
import { createTailMemory, type TailMemory } from "../lib/log/tail.ts";

/** Everything shared; see the module's text. An *origin* is an actor that sends frames: `wire/actors.ts`. */
export interface RelayMemory {
  readonly counts: ActorCounts;
  /** `[origin][verifier]`: frames, from an origin to a verifier. */
  readonly frames: readonly (readonly LaneMemory[])[];
  /** `[verifier]`: packed events, from a verifier to the plugin; none where no write plugin is configured. */
  readonly asked: readonly LaneMemory[];
  /** `[verifier]`: packed events, from a verifier to the store; where there is one, from the plugin. */
  readonly packed: readonly LaneMemory[];
  /** `[verifier][origin]`: outcomes, from a verifier to whoever sent the frame; the last are the plugin's. */
  readonly refusals: readonly (readonly LaneMemory[])[];
  /** `[origin]`: outcomes, from the store to whoever sent the frame. */
  readonly outcomes: readonly LaneMemory[];
  /** Packed events that management answers or takes a copy of, from the store to management. */
  readonly handed: LaneMemory;
  /** `[origin]`: outcomes, from management to whoever sent the frame. */
  readonly answers: readonly LaneMemory[];
  /** `[gateway][reader]`: queries that exceed a gateway's budget. */
  readonly queries: readonly (readonly LaneMemory[])[];
  /** `[reader][gateway]`: slices of rows. */
  readonly rows: readonly (readonly LaneMemory[])[];
  /** The newest part of the log, from the store to every gateway. */
  readonly tail: TailMemory;
  /** The configuration that is in force: `lib/config/shared_config.ts`. */
  readonly config: SharedArrayBuffer;
  /** The least that is logged: `runtime/logger.ts`. */
  readonly logLevel: SharedArrayBuffer;
  /** Where the relay is in its life: `wire/relay_phase.ts`. */
  readonly phase: SharedArrayBuffer;
  /** What clients have used up of their rates: `lib/policy/rate_table.ts`. */
  readonly rates: SharedArrayBuffer;
  /** What clients have open at all gateways: `lib/policy/shared_counts.ts`. */
  readonly open: SharedArrayBuffer;
  /** `[gateway]`: bytes that wait for its clients: `services/gateway/outbound_pool.ts`. */
  readonly outbound: SharedArrayBuffer;
  /** How long the log of the operator's decisions is: `lib/management/change_log.ts`. */
  readonly managementVersion: SharedArrayBuffer;
  /** The Bloom filter of ids that upstream workers have seen: `lib/dedupe/blocked_bloom.ts`. */
  readonly seen: SharedArrayBuffer;
  /** `[gateway]`, then the router's: whether anybody may hear an ephemeral event, from a gateway to the store. */
  readonly audiences: readonly AudienceMemory[];
  /**
   * Of each worker, by its actor and index. Some of them again: `origins`, by the number of the origin, and `followers`,
   * which the store rings when the log has gone on.
   */
  readonly bells: Readonly<Record<Actor | "origins" | "followers", readonly DoorbellMemory[]>>;
  /** A block for each thread; `threadNumber` of `wire/actors.ts`. */
  readonly metrics: MetricsMemory;
}

/**
 * Makes the memory for so many workers.
 *
 * @param bloomIds Ids of the Bloom filter, if there are upstream workers.
 */
export function createRelayMemory(counts: ActorCounts, bloomIds = 1): RelayMemory {
  const origins = originCount(counts);
  const lanes = (many: number, bytes: number) => times(many, () => createLaneMemory(bytes));
  return {
    counts,
    frames: times(origins, () => lanes(counts.verifiers, LANE_BYTES_FRAMES)),
    asked: lanes(counts.plugins * counts.verifiers, LANE_BYTES),
    packed: lanes(counts.verifiers, LANE_BYTES),
    refusals: times(counts.verifiers + counts.plugins, () => lanes(origins, LANE_BYTES_OUTCOMES)),
    outcomes: lanes(origins, LANE_BYTES_OUTCOMES),
    handed: createLaneMemory(LANE_BYTES),
    answers: lanes(origins, LANE_BYTES_OUTCOMES),
    queries: times(counts.gateways, () => lanes(counts.readers, LANE_BYTES_QUERIES)),
    rows: times(counts.readers, () => lanes(counts.gateways, LANE_BYTES)),
    tail: createTailMemory(TAIL_BYTES),
    config: createConfigMemory(),
    logLevel: createLogLevel("info"),
    phase: createPhase(),
    rates: createRateMemory(crypto.getRandomValues(new Uint32Array(2))),
    open: createSharedCountMemory(crypto.getRandomValues(new Uint32Array(2)), counts.gateways),
    outbound: new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * counts.gateways),
    managementVersion: new SharedArrayBuffer(MANAGEMENT_VERSION_BYTES),
    audiences: times(counts.gateways + (counts.routers ?? 0), createAudienceMemory),
    seen: createBloomMemory(
      (counts.upstreams ?? 0) > 0 ? bloomIds : 1,
      crypto.getRandomValues(new Uint32Array(KEY_HASH_WORDS)),
    ),
    bells: createBells(counts),
    metrics: createMetricsMemory(threadCount(counts)),
  };
}

/** The lanes in which outcomes come to an origin. */
export function outcomeLanes({ outcomes, refusals, answers }: RelayMemory, origin: number): LaneMemory[] {
  return [outcomes[origin]!, ...refusals.map((lanes) => lanes[origin]!), answers[origin]!];
}

/** The bell of a worker, or undefined: there is none of that name and index. */
export function bellOf({ bells }: RelayMemory, name: string, index: number): DoorbellMemory | undefined {
  const row = ACTORS.find((row) => row.name === name);
  return row === undefined ? undefined : bells[row.name][index];
}

function createBells(counts: ActorCounts): RelayMemory["bells"] {
  const bells = Object.fromEntries(
    ACTORS.map(({ name, many }) => [name, times(many(counts), createDoorbellMemory)]),
  ) as Record<Actor, DoorbellMemory[]>;
  return {
    ...bells,
    origins: originActors().flatMap((actor) => bells[actor]),
    followers: ACTORS.filter(({ follows }) => follows).flatMap(({ name }) => bells[name]),
  };
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
