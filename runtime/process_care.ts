/**
 * What the process does for itself beside serving: it measures itself, gives memory back, and ends where a worker stands
 * still or draining does not finish.
 * Runs on the main thread; timers that live as long as the process.
 *
 * @module
 */
import process from "node:process";
import { DRAIN_MS_MAX, EXIT_HANG, HEARTBEAT_LOOK_MS, TRIM_INTERVAL_MS } from "../lib/limits.ts";
import { slotOf } from "../lib/metrics/layout.ts";
import { writeProcessSample } from "../lib/metrics/process_metrics.ts";
import type { ThreadMetrics } from "../lib/metrics/thread_metrics.ts";
import { freeBytesOf } from "./data_dir.ts";
import { keepGivingBack } from "./freed_memory.ts";
import type { Logger } from "./logger.ts";
import type { Supervisor } from "./supervisor.ts";

/** How often the process's own memory and CPU are sampled, ms. */
const SAMPLE_INTERVAL_MS = 1_000;

/** What is looked after. */
interface ProcessParts {
  readonly metrics: ThreadMetrics;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly dataDir: string;
  readonly libraryPath: string | null;
}

/** Measures the process, and gives back what its threads have freed, for as long as it lives. */
export function lookAfterProcess({ metrics, startedMs, dataDir, libraryPath }: ProcessParts): void {
  const sample = () => {
    const { user, system } = process.cpuUsage();
    writeProcessSample(metrics, {
      residentBytes: Deno.memoryUsage().rss,
      cpuSeconds: (user + system) / 1e6,
      startSeconds: startedMs / 1000,
      freeBytes: freeBytesOf(dataDir),
    });
  };
  metrics.set(slotOf("nostr_process_restarts_total"), Number(Deno.env.get("SLUICE_PROCESS_RESTARTS")) || 0);
  sample();
  setInterval(sample, SAMPLE_INTERVAL_MS);
  keepGivingBack(libraryPath, TRIM_INTERVAL_MS);
}

/**
 * Ends the process when a worker hangs. Deno cannot end a thread in the middle of a loop, and a successor beside it
 * would share its lanes; so all go, as in a crash, and `deno task start` starts the relay again. No OK is lost by that.
 */
export function endAtHang(supervisor: Supervisor, log: Logger): void {
  setInterval(() => {
    const worker = supervisor.findHang(performance.now());
    if (worker === null) return;
    log.error(`${worker} hangs: the process ends, to be started again`);
    Deno.exit(EXIT_HANG);
  }, HEARTBEAT_LOOK_MS);
}

/** Ends the process where draining does not. Returns what calls that off. */
export function boundDraining(log: Logger): () => void {
  const timer = setTimeout(() => {
    log.error(`Cannot drain: not finished after ${DRAIN_MS_MAX} ms`);
    Deno.exit(1);
  }, DRAIN_MS_MAX);
  return () => clearTimeout(timer);
}
