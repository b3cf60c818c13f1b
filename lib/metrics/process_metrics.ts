/**
 * What the process as a whole uses. Main samples it, as only one thread may report it; the sample comes from outside.
 * Runs on the main thread; holds no state.
 *
 * @module
 */
import { slotOf } from "./layout.ts";
import type { ThreadMetrics } from "./thread_metrics.ts";

/** A sample of the process. */
interface ProcessSample {
  /** Resident memory, bytes. */
  readonly residentBytes: number;
  /** User and system time since the start, seconds. */
  readonly cpuSeconds: number;
  /** Seconds since 1970. */
  readonly startSeconds: number;
  /** Free bytes of the disk with the data. */
  readonly freeBytes: number;
}

const RESIDENT = slotOf("process_resident_memory_bytes");
const CPU = slotOf("process_cpu_seconds_total");
const START = slotOf("process_start_time_seconds");
const FREE = slotOf("nostr_data_dir_free_bytes");

/** Writes a sample into the block of the thread that took it. */
export function writeProcessSample(metrics: ThreadMetrics, sample: ProcessSample): void {
  metrics.set(RESIDENT, sample.residentBytes);
  metrics.set(CPU, sample.cpuSeconds);
  metrics.set(START, sample.startSeconds);
  metrics.set(FREE, sample.freeBytes);
}
