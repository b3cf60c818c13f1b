/**
 * Tests of the counters in shared memory. Runs on the main thread, with workers of its own.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { BLOCK_CELLS, histogramOf, histogramsOf, SERIES, slotOf, slotsOf } from "./layout.ts";
import { METRICS } from "./metrics.ts";
import { writeProcessSample } from "./process_metrics.ts";
import { blockOf, createMetricsMemory, sumMetrics, ThreadMetrics, threadsOf } from "./thread_metrics.ts";
import type { WriteOrder } from "./thread_metrics_test_worker.ts";

const ACCEPTED = slotsOf("nostr_oks_total").accepted;
const CONNECTIONS = slotOf("nostr_connections_active");
const COMMIT = histogramOf("nostr_commit_events");

Deno.test("no two series share a cell, and blocks are whole cache lines", () => {
  const taken = new Set<number>();
  for (const { start, metric } of SERIES) {
    const cells = metric.type === "histogram" ? metric.buckets!.length + 2 : 1;
    for (let cell = start; cell < start + cells; cell++) {
      assert(!taken.has(cell) && cell < BLOCK_CELLS);
      taken.add(cell);
    }
  }
  assertEquals((BLOCK_CELLS * 8) % 128, 0);
});

Deno.test("histograms have rising buckets, and nothing else has buckets", () => {
  for (const [name, metric] of Object.entries(METRICS)) {
    assertEquals("buckets" in metric, metric.type === "histogram", name);
    if ("buckets" in metric) {
      assertEquals([...metric.buckets].sort((a, b) => a - b), [...metric.buckets], name);
    }
  }
});

Deno.test("slots differ by name and by label value", () => {
  const query = histogramsOf("nostr_query_seconds");
  assertEquals(new Set([query.gateway.start, query.reader.start, query.search.start]).size, 3);
  const oks = slotsOf("nostr_oks_total");
  assertEquals(new Set(Object.values(oks)).size, METRICS.nostr_oks_total.label.values.length);
  // @ts-expect-error -- a name that does not exist does not compile
  assertThrows(() => slotOf("nostr_unknown_total"));
  // @ts-expect-error -- neither does a label value
  assertEquals(oks.unknown, undefined);
});

Deno.test("an observation falls into the first bucket that holds it", () => {
  const memory = createMetricsMemory(1);
  const metrics = new ThreadMetrics(memory, 0);
  for (const value of [0, 1, 1.5, 2, 16_384, 16_385, -5, NaN]) metrics.observe(COMMIT, value);
  const cells = blockOf(memory, 0).subarray(COMMIT.start);
  const last = COMMIT.bounds.length;
  assertEquals([cells[0], cells[1], cells[last - 1], cells[last]], [4, 2, 1, 1]);
  assertEquals(cells[last + 1], 1 + 1.5 + 2 + 16_384 + 16_385);
});

Deno.test("a new writer of a thread keeps its counters and drops its gauges", () => {
  const memory = createMetricsMemory(2);
  const first = new ThreadMetrics(memory, 1);
  first.add(ACCEPTED, 7);
  first.set(CONNECTIONS, 7);
  new ThreadMetrics(memory, 1);
  const sum = sumMetrics(memory);
  assertEquals([sum[ACCEPTED], sum[CONNECTIONS]], [7, 0]);
});

Deno.test("a thread without a block is our own mistake", () => {
  const memory = createMetricsMemory(2);
  assertEquals(threadsOf(memory), 2);
  for (const thread of [2, -1]) assertThrows(() => new ThreadMetrics(memory, thread), Error, "has a block");
  assertThrows(() => createMetricsMemory(0), Error, "at least one thread");
});

Deno.test("the sample of the process is written by one thread", () => {
  const memory = createMetricsMemory(1);
  writeProcessSample(new ThreadMetrics(memory, 0), {
    residentBytes: 5,
    cpuSeconds: 1.5,
    startSeconds: 9,
    freeBytes: 7,
  });
  const sum = sumMetrics(memory);
  assertEquals(sum[slotOf("process_resident_memory_bytes")], 5);
  assertEquals(sum[slotOf("process_cpu_seconds_total")], 1.5);
});

Deno.test("two workers write at once, nothing is lost and no value is torn", async () => {
  const memory = createMetricsMemory(3);
  const writes = 200_000;
  const start = slotOf("process_start_time_seconds");
  const seen = new Set<number>();
  const workers = [1, 2].map((thread) => {
    const worker = new Worker(import.meta.resolve("./thread_metrics_test_worker.ts"), { type: "module" });
    const done = Promise.withResolvers<void>();
    worker.onmessage = () => done.resolve();
    worker.onerror = (event) => done.reject(new Error(event.message));
    worker.postMessage({ memory, thread, writes } satisfies WriteOrder);
    return { worker, done: done.promise };
  });
  let running = true;
  const finished = Promise.all(workers.map(({ done }) => done)).finally(() => running = false);
  const block = blockOf(memory, 1);
  while (running) {
    for (let i = 0; i < 10_000; i++) seen.add(block[start]!);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await finished;
  for (const { worker } of workers) worker.terminate();
  const sum = sumMetrics(memory);
  assertEquals(sum[ACCEPTED], 2 * writes);
  assertEquals(sum[COMMIT.start + COMMIT.bounds.indexOf(4)], 2 * writes);
  assertEquals(sum[COMMIT.start + COMMIT.bounds.length + 1], 3 * 2 * writes);
  assertEquals(sum[CONNECTIONS], 1 + 2);
  seen.delete(0);
  for (const value of seen) {
    assert(value === 1.1111111111111112e-55 || value === -9.87654321987654e+99, `${value}`);
  }
});
