/**
 * The shared memory in which the actors meet: every lane, every doorbell, the tail, the metrics.
 * Main makes it once; it outlives every worker, so that a restarted one finds its lanes as they were.
 * Who writes and who reads each lane is said at its field: this is the data path in one page.
 *
 * @module
 */
import { createConfigMemory } from "../lib/config/shared_config.ts";
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
import { type AudienceMemory, createAudienceMemory } from "../lib/subscription/audience.ts";
import { createRateMemory } from "../lib/policy/rate_table.ts";
import { createSharedCountMemory } from "../lib/policy/shared_counts.ts";
import { createLogLevel } from "./log_level.ts";
import { createPhase } from "./relay_phase.ts";
import { createTailMemory, type TailMemory } from "../lib/log/tail.ts";

/** How many workers of each kind there are. */
export interface WorkerCounts {
  readonly gateways: number;
  readonly verifiers: number;
  readonly readers: number;
}

/** Everything shared; see the module's text. An *origin* is whoever sends frames: the gateways, then control. */
export interface RelayMemory {
  readonly counts: WorkerCounts;
  /** `[origin][verifier]`: frames, from a gateway or control to a verifier. */
  readonly frames: readonly (readonly LaneMemory[])[];
  /** `[verifier]`: packed events, from a verifier to the plugin; none where no write plugin is configured. */
  readonly asked: readonly LaneMemory[];
  /** `[verifier]`: packed events, from a verifier to the store; where there is one, from the plugin. */
  readonly packed: readonly LaneMemory[];
  /** `[verifier][origin]`: outcomes, from a verifier to whoever sent the frame; the last are the plugin's. */
  readonly refusals: readonly (readonly LaneMemory[])[];
  /** `[origin]`: outcomes, from the store to whoever sent the frame. */
  readonly outcomes: readonly LaneMemory[];
  /** `[gateway][reader]`: queries that exceed a gateway's budget. */
  readonly queries: readonly (readonly LaneMemory[])[];
  /** `[reader][gateway]`: slices of rows. */
  readonly rows: readonly (readonly LaneMemory[])[];
  /** The newest part of the log, from the store to every gateway. */
  readonly tail: TailMemory;
  /** The configuration that is in force: `lib/config/shared_config.ts`. */
  readonly config: SharedArrayBuffer;
  /** The least that is logged: `runtime/log.ts`. */
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
  /** `[gateway]`: whether anybody may hear an ephemeral event, from a gateway to the store. */
  readonly audiences: readonly AudienceMemory[];
  readonly bells: {
    /** `[origin]` */
    readonly origins: readonly DoorbellMemory[];
    readonly verifiers: readonly DoorbellMemory[];
    readonly plugin: DoorbellMemory;
    readonly readers: readonly DoorbellMemory[];
    readonly store: DoorbellMemory;
    readonly indexer: DoorbellMemory;
  };
  /** A block for each thread; see `threadNumber`. */
  readonly metrics: MetricsMemory;
}

/** The actors that are threads of their own. */
export type Actor = "gateway" | "control" | "verifier" | "plugin" | "store" | "reader" | "indexer" | "main";

/** Makes the memory for so many workers, and for a write plugin or none. */
export function createRelayMemory(counts: WorkerCounts, hasPlugin: boolean): RelayMemory {
  const origins = counts.gateways + 1;
  const lanes = (many: number, bytes: number) => times(many, () => createLaneMemory(bytes));
  return {
    counts,
    frames: times(origins, () => lanes(counts.verifiers, LANE_BYTES_FRAMES)),
    asked: lanes(hasPlugin ? counts.verifiers : 0, LANE_BYTES),
    packed: lanes(counts.verifiers, LANE_BYTES),
    refusals: times(counts.verifiers + (hasPlugin ? 1 : 0), () => lanes(origins, LANE_BYTES_OUTCOMES)),
    outcomes: lanes(origins, LANE_BYTES_OUTCOMES),
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
    audiences: times(counts.gateways, createAudienceMemory),
    bells: {
      origins: times(origins, createDoorbellMemory),
      verifiers: times(counts.verifiers, createDoorbellMemory),
      plugin: createDoorbellMemory(),
      readers: times(counts.readers, createDoorbellMemory),
      store: createDoorbellMemory(),
      indexer: createDoorbellMemory(),
    },
    metrics: createMetricsMemory(origins + counts.verifiers + counts.readers + 4),
  };
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

/** The number of a thread's block of metrics. */
export function threadNumber(counts: WorkerCounts, actor: Actor, index = 0): number {
  const order: [Actor, number][] = [
    ["gateway", counts.gateways],
    ["control", 1],
    ["verifier", counts.verifiers],
    ["plugin", 1],
    ["reader", counts.readers],
    ["store", 1],
    ["indexer", 1],
    ["main", 1],
  ];
  let first = 0;
  for (const [name, many] of order) {
    if (name === actor) return first + index;
    first += many;
  }
  return first;
}

/** The number of the origin that control is. */
export function controlOrigin(counts: WorkerCounts): number {
  return counts.gateways;
}
