/**
 * Where each metric lies in a thread's block, and the slots by which actors write them.
 *
 * ```
 *  block of thread 0                      block of thread 1
 *  | cell | cell | cell ...     | pad |   | cell | cell ...
 *
 *  a counter or gauge: one cell a label value
 *  a histogram:        one cell a bucket (not cumulative), one for +Inf, one for the sum; so a label value
 * ```
 *
 * A block is a whole number of cache lines, so that no two threads write to the same line.
 * Runs on any thread; both sides, writers and the sum, import it. Constants only.
 *
 * @module
 */
import {
  type CellName,
  type HistogramName,
  type LabelledName,
  type LabelValue,
  type Metric,
  type MetricName,
  METRICS,
} from "./metrics.ts";

/** The place of one counter or gauge in a block, in cells. */
export type Slot = number;

/** The place of one histogram in a block. */
export interface HistogramSlots {
  /** The cell of the first bucket; `bounds.length` is the cell of +Inf after it, then comes the sum. */
  readonly start: Slot;
  readonly bounds: readonly number[];
}

/** One series: a metric with one value of its label. */
export interface Series {
  readonly name: MetricName;
  readonly metric: Metric;
  /** Undefined when the metric has no label. */
  readonly value: string | undefined;
  readonly start: Slot;
}

/** 128 bytes, two cache lines: some processors fetch lines in pairs. */
const LINE_CELLS = 16;

/** All series, in the order of the table. */
export const SERIES: readonly Series[] = layOut();
/** Cells of one block, a whole number of cache lines. */
export const BLOCK_CELLS: number = Math.ceil(cellsUsed() / LINE_CELLS) * LINE_CELLS;
/** The cells that a thread sets to zero when it starts: what its predecessor held is gone. */
export const GAUGE_SLOTS: readonly Slot[] = SERIES.filter(({ metric }) => metric.type === "gauge").map((s) =>
  s.start
);

/** The slot of a counter or gauge without label. */
export function slotOf(name: Exclude<CellName, LabelledName>): Slot {
  return only(name).start;
}

/** The slots of a counter or gauge by the values of its label. */
export function slotsOf<Name extends CellName & LabelledName>(name: Name): Record<LabelValue<Name>, Slot> {
  return byLabel(name, (series) => series.start);
}

/** The slots of a histogram without label. */
export function histogramOf(name: Exclude<HistogramName, LabelledName>): HistogramSlots {
  return histogram(only(name));
}

/** The slots of a histogram by the values of its label. */
export function histogramsOf<Name extends HistogramName & LabelledName>(
  name: Name,
): Record<LabelValue<Name>, HistogramSlots> {
  return byLabel(name, histogram);
}

function layOut(): Series[] {
  const all: Series[] = [];
  let start = 0;
  for (const [name, metric] of Object.entries<Metric>(METRICS)) {
    for (const value of metric.label?.values ?? [undefined]) {
      all.push({ name: name as MetricName, metric, value, start });
      start += cellsOf(metric);
    }
  }
  return all;
}

function cellsOf(metric: Metric): number {
  return metric.buckets === undefined ? 1 : metric.buckets.length + 2;
}

function cellsUsed(): number {
  return SERIES.reduce((sum, { metric }) => sum + cellsOf(metric), 0);
}

function only(name: MetricName): Series {
  return SERIES.find((series) => series.name === name)!;
}

function histogram({ start, metric }: Series): HistogramSlots {
  return { start, bounds: metric.buckets ?? [] };
}

function byLabel<Key extends string, Value>(
  name: MetricName,
  of: (series: Series) => Value,
): Record<Key, Value> {
  const mine = SERIES.filter((series) => series.name === name);
  return Object.fromEntries(mine.map((series) => [series.value, of(series)])) as Record<Key, Value>;
}
