/**
 * What counting costs: a thousand writes an iteration, so divide by 1,000. Run: `deno bench bench/metrics_bench.ts`.
 *
 * @module
 */
import { createExposition } from "../lib/metrics/exposition.ts";
import { histogramOf, slotsOf } from "../lib/metrics/layout.ts";
import { createMetricsMemory, sumMetrics, ThreadMetrics } from "../lib/metrics/thread_metrics.ts";

const memory = createMetricsMemory(8);
const metrics = new ThreadMetrics(memory, 0);
const accepted = slotsOf("nostr_oks_total").accepted;
const ingest = histogramOf("nostr_ingest_seconds");
const exposition = createExposition(memory, {});

Deno.bench("1,000 × add", () => {
  for (let i = 0; i < 1_000; i++) metrics.add(accepted, 1);
});

Deno.bench("1,000 × observe, low and high buckets", () => {
  for (let i = 0; i < 1_000; i++) metrics.observe(ingest, (i & 7) * 0.002);
});

Deno.bench("sum of 8 threads", () => {
  sumMetrics(memory);
});

Deno.bench("one answer of /metrics", async () => {
  await exposition.render();
});
