/**
 * A worker for the tests of metrics: writes to its block as told, and says when it is done.
 * Runs on a worker thread; owns the block of the thread number that it is given.
 *
 * @module
 */
import { histogramOf, slotOf, slotsOf } from "./layout.ts";
import { type MetricsMemory, ThreadMetrics } from "./thread_metrics.ts";

/** The order: write `writes` times as thread `thread`. */
export interface WriteOrder {
  readonly memory: MetricsMemory;
  readonly thread: number;
  readonly writes: number;
}

// The types of the main thread are in force for tests; these two members are what a worker has of them.
const self = globalThis as unknown as {
  onmessage: (message: MessageEvent<WriteOrder>) => void;
  postMessage(message: unknown): void;
};

self.onmessage = ({ data }) => {
  const metrics = new ThreadMetrics(data.memory, data.thread);
  const accepted = slotsOf("nostr_oks_total").accepted;
  const connections = slotOf("nostr_connections_active");
  const commit = histogramOf("nostr_commit_events");
  const start = slotOf("process_start_time_seconds");
  for (let i = 0; i < data.writes; i++) {
    metrics.add(accepted, 1);
    metrics.observe(commit, 3);
    // Two values without a byte in common: a half-written one would be neither.
    metrics.set(start, i % 2 === 0 ? 1.1111111111111112e-55 : -9.87654321987654e+99);
  }
  metrics.set(connections, data.thread);
  self.postMessage("done");
};
