/**
 * Metrics again, by the names that relayers of Nostr events have given them, so that their dashboards read this relay.
 * Each is a sum of ours. Runs on any thread; constants only.
 *
 * @module
 */
import { histogramOf, type HistogramSlots, type Slot, slotOf, slotsOf } from "./layout.ts";
import { type MetricsMemory, sumOf } from "./thread_metrics.ts";

/** A metric that is a sum of others. */
export interface SumMetric {
  readonly type: "counter" | "gauge";
  /** One sentence, with the unit. */
  readonly help: string;
  readonly of: readonly Slot[];
}

/** Counters and gauges. */
export const RELAYER_SUMS = {
  events_processed_total: {
    type: "counter",
    help: "Events that clients and upstream relays sent.",
    of: [slotOf("nostr_events_received_total"), slotOf("nostr_upstream_events_total")],
  },
  duplicates_filtered_total: {
    type: "counter",
    help: "Events among them that this relay had already, or is verifying.",
    of: [slotsOf("nostr_oks_total").duplicate, ...Object.values(slotsOf("nostr_upstream_duplicates_total"))],
  },
  events_in_queue: {
    type: "gauge",
    help: "Events received and not yet answered.",
    of: [slotOf("nostr_relay_queue_length")],
  },
  active_connections: {
    type: "gauge",
    help: "Upstream relays that are connected.",
    of: [slotsOf("nostr_upstream_relays").open],
  },
  memory_usage_bytes: {
    type: "gauge",
    help: "Resident memory of the process, bytes.",
    of: [slotOf("process_resident_memory_bytes")],
  },
} as const satisfies Record<string, SumMetric>;

/** The histogram: its name, and ours. */
export const RELAYER_LATENCY: { readonly name: string; readonly help: string; readonly of: HistogramSlots } =
  {
    name: "processing_latency_seconds",
    help: "From an event's frame to its OK, seconds.",
    of: histogramOf("nostr_ingest_seconds"),
  };

/** The value of one of the sums, over all threads. */
export function relayerSum(memory: MetricsMemory, name: keyof typeof RELAYER_SUMS): number {
  return RELAYER_SUMS[name].of.reduce((sum, slot) => sum + sumOf(memory, slot), 0);
}
