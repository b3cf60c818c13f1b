/**
 * Tests of the Prometheus text. Runs on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createExposition } from "./exposition.ts";
import { histogramOf, histogramsOf, slotOf, slotsOf } from "./layout.ts";
import { METRICS } from "./metrics.ts";
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
