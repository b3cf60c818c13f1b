/**
 * Tests of the Prometheus text. Runs on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createExposition } from "./exposition.ts";
import { histogramOf, histogramsOf, slotOf, slotsOf } from "./layout.ts";
import { METRICS } from "./metrics.ts";
import { relayerSum } from "./relayer_names.ts";
import { createMetricsMemory, ThreadMetrics } from "./thread_metrics.ts";

/** The value of one line of the text, by all that stands before it. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split("\n").find((line) => line.startsWith(series + " "));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

Deno.test("the text holds the sum of all threads, as it is when asked", async () => {
  const memory = createMetricsMemory(2);
  const exposition = createExposition(memory, { version: '1"2\\3' });
  const [one, two] = [new ThreadMetrics(memory, 0), new ThreadMetrics(memory, 1)];
  const oks = slotsOf("nostr_oks_total");
  one.add(oks["rate-limited"], 2);
  two.add(oks["rate-limited"], 3);
  two.set(slotOf("nostr_connections_active"), 4);
  const { text, contentType } = await exposition.render();
  assertEquals(valueOf(text, 'nostr_oks_total{result="rate-limited"}'), 5);
  assertEquals(valueOf(text, 'nostr_oks_total{result="accepted"}'), 0);
  assertEquals(valueOf(text, "nostr_connections_active"), 4);
  assertEquals(valueOf(text, 'nostr_relay_info{version="1\\"2\\\\3"}'), 1);
  one.add(oks["rate-limited"], 1);
  assertEquals(valueOf((await exposition.render()).text, 'nostr_oks_total{result="rate-limited"}'), 6);
  assertStringIncludes(contentType, "text/plain; version=0.0.4");
});

Deno.test("every metric of the table has its HELP and its TYPE", async () => {
  const { text } = await createExposition(createMetricsMemory(1), {}).render();
  for (const [name, { type }] of Object.entries(METRICS)) {
    assertStringIncludes(text, `# HELP ${name} `);
    assertStringIncludes(text, `# TYPE ${name} ${type}\n`);
  }
  assert(!text.includes("NaN") && !text.includes("undefined"));
});

Deno.test("buckets are cumulative, end in +Inf, and agree with the count and the sum", async () => {
  const memory = createMetricsMemory(2);
  const [one, two] = [new ThreadMetrics(memory, 0), new ThreadMetrics(memory, 1)];
  const commit = histogramOf("nostr_commit_events");
  for (const value of [1, 2, 3, 100_000]) one.observe(commit, value);
  two.observe(commit, 2);
  two.observe(histogramsOf("nostr_query_seconds").reader, 0.02);
  const { text } = await createExposition(memory, {}).render();
  assertEquals(valueOf(text, 'nostr_commit_events_bucket{le="1"}'), 1);
  assertEquals(valueOf(text, 'nostr_commit_events_bucket{le="2"}'), 3);
  assertEquals(valueOf(text, 'nostr_commit_events_bucket{le="16384"}'), 4);
  assertEquals(valueOf(text, 'nostr_commit_events_bucket{le="+Inf"}'), 5);
  assertEquals(valueOf(text, "nostr_commit_events_count"), 5);
  assertEquals(valueOf(text, "nostr_commit_events_sum"), 100_008);
  assertEquals(valueOf(text, 'nostr_query_seconds_bucket{le="0.025",place="reader"}'), 1);
  assertEquals(valueOf(text, 'nostr_query_seconds_count{place="gateway"}'), 0);
});

Deno.test("our metrics are there by the names of other relayers too", async () => {
  const memory = createMetricsMemory(2);
  const [one, two] = [new ThreadMetrics(memory, 0), new ThreadMetrics(memory, 1)];
  one.add(slotOf("nostr_events_received_total"), 2);
  two.add(slotOf("nostr_upstream_events_total"), 30);
  one.add(slotsOf("nostr_oks_total").duplicate, 1);
  two.add(slotsOf("nostr_upstream_duplicates_total").recent, 20);
  two.add(slotsOf("nostr_upstream_duplicates_total").store, 3);
  one.set(slotOf("nostr_relay_queue_length"), 4);
  two.set(slotsOf("nostr_upstream_relays").open, 5);
  two.set(slotsOf("nostr_upstream_relays").waiting, 6);
  one.set(slotOf("process_resident_memory_bytes"), 7_000);
  one.observe(histogramOf("nostr_ingest_seconds"), 0.003);
  const { text } = await createExposition(memory, {}).render();
  const expected = {
    events_processed_total: 32,
    duplicates_filtered_total: 24,
    events_in_queue: 4,
    active_connections: 5,
    memory_usage_bytes: 7_000,
  };
  for (const [name, value] of Object.entries(expected)) {
    assertEquals(valueOf(text, name), value, name);
    assertEquals(relayerSum(memory, name as keyof typeof expected), value, name);
  }
  assertStringIncludes(text, "# TYPE events_processed_total counter\n");
  assertStringIncludes(text, "# TYPE processing_latency_seconds histogram\n");
  assertEquals(valueOf(text, 'processing_latency_seconds_bucket{le="0.0025"}'), 0);
  assertEquals(valueOf(text, 'processing_latency_seconds_bucket{le="0.005"}'), 1);
  assertEquals(valueOf(text, "processing_latency_seconds_count"), 1);
});
