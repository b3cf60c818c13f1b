/**
 * The reports of `/api/metrics/summary` and `/api/metrics/memory`: a few metrics as JSON, by the names of other relayers.
 * Runs on a gateway thread; no state.
 *
 * @module
 */
import type { RelayStatus } from "./relay_status.ts";

const MEGABYTE = 1024 * 1024;

/** How much the relay does at the moment. */
export function metricsSummary({ metric }: RelayStatus): Record<string, number> {
  return {
    events_processed_total: metric("events_processed_total"),
    duplicates_filtered_total: metric("duplicates_filtered_total"),
    events_in_queue: metric("events_in_queue"),
    active_connections: metric("active_connections"),
    memory_usage_mb: metric("memory_usage_bytes") / MEGABYTE,
  };
}

/** How much memory the process takes. */
export function memorySummary({ metric }: RelayStatus): Record<string, number> {
  const bytes = metric("memory_usage_bytes");
  return { memory_usage_bytes: bytes, memory_usage_mb: bytes / MEGABYTE };
}
