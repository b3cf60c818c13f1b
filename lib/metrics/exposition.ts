/**
 * The metrics as Prometheus reads them: the sum over all threads, whichever gateway is asked.
 * Runs on a gateway; it owns the prom-client registry, which reads the shared memory anew for every answer. The library is
 * loaded for the first answer: it takes a quarter of a gateway's start, and many relays are never asked.
 *
 * @module
 */
import type { Metric as PromMetric, Registry } from "prom-client";
import { type Metric, type MetricName, METRICS } from "./metrics.ts";
import { SERIES, type Series, type Slot } from "./layout.ts";
import { RELAYER_LATENCY, RELAYER_SUMS, type SumMetric } from "./relayer_names.ts";
import { type MetricsMemory, sumMetrics } from "./thread_metrics.ts";

/** One line of a metric, as prom-client writes it. */
interface Sample {
  readonly value: number;
  readonly labels: Record<string, string | number>;
  readonly metricName?: string;
}

/** Answers of `/metrics`. */
export interface Exposition {
  /** The text with the values of this moment, and its `Content-Type`. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** The exposition of `memory`. `info` becomes the labels of `nostr_relay_info`, e.g. version and verification tier. */
export function createExposition(memory: MetricsMemory, info: Readonly<Record<string, string>>): Exposition {
  // One sum serves all metrics of an answer, so that they show the same moment.
  let sum = sumMetrics(memory);
  let registry: Registry | undefined;
  async function open(): Promise<Registry> {
    const { Registry } = await import("prom-client");
    const opened = new Registry();
    register(opened, "nostr_relay_info", { type: "gauge", help: "What runs; the value is always 1." }, () => [
      { value: 1, labels: { ...info } },
    ]);
    for (const name of Object.keys(METRICS) as MetricName[]) {
      const series = SERIES.filter((one) => one.name === name);
      register(opened, name, METRICS[name], () => series.flatMap((one) => samples(one, sum)));
    }
    registerRelayerNames(opened, () => sum);
    return opened;
  }
  return {
    async render() {
      registry ??= await open();
      sum = sumMetrics(memory);
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** Our metrics by the names of other relayers. */
function registerRelayerNames(registry: Registry, cells: () => Float64Array): void {
  for (const [name, metric] of Object.entries<SumMetric>(RELAYER_SUMS)) {
    const value = () => metric.of.reduce((sum, slot) => sum + cells()[slot]!, 0);
    register(registry, name, metric, () => [{ value: value(), labels: {} }]);
  }
  const { name, help, of: { start, bounds } } = RELAYER_LATENCY;
  const values = () => histogramSamples(name, {}, bounds, cells().subarray(start));
  register(registry, name, { type: "histogram", help, buckets: bounds }, values);
}

/** Hands prom-client a metric that reads its values when asked, instead of one that counts. */
function register(registry: Registry, name: string, metric: Metric, values: () => Sample[]): void {
  const { help, type } = metric;
  const get = () => Promise.resolve({ name, help, type, values: values(), aggregator: "sum" });
  // The registry calls nothing but `name` and `get`; its type asks for one of its own classes.
  registry.registerMetric({ name, help, type, get } as unknown as PromMetric);
}

function samples({ name, metric, value, start }: Series, cells: Float64Array): Sample[] {
  const labels = metric.label && value !== undefined ? { [metric.label.name]: value } : {};
  if (metric.buckets === undefined) return [{ value: cells[start]!, labels }];
  return histogramSamples(name, labels, metric.buckets, cells.subarray(start as Slot));
}

/** Buckets become cumulative here, and the count is their last: it can never disagree with them. */
function histogramSamples(
  name: string,
  labels: Sample["labels"],
  bounds: readonly number[],
  cells: Float64Array,
): Sample[] {
  let count = 0;
  const buckets = [...bounds, "+Inf"].map((le, i) => {
    count += cells[i]!;
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: cells[bounds.length + 1]! },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
