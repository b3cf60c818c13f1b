/**
 * From many measurements to one figure a peer and step: the median of the rounds, with the least and the greatest.
 * Pure; runs in the bench's own process.
 *
 * @module
 */
import type { Measured } from "../driver.ts";

/** One measurement of one peer in one round; `error` when the step could not run. */
export interface Measurement {
  readonly peer: string;
  readonly round: number;
  readonly step: string;
  readonly line?: Measured;
  readonly error?: string;
}

/** A number over all rounds. */
interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

/** The figures of one peer in one step, by their names in the driver's line. */
export interface Summary {
  readonly peer: string;
  readonly step: string;
  readonly figures: Readonly<Record<string, Spread>>;
  /** Wrong, missing or repeated answers, summed over the rounds. */
  readonly problems: number;
  /** Why the step could not run, when it never could. */
  readonly error?: string;
}

/** Summarizes each peer and step, in the order in which they first appear. */
export function summarize(measurements: readonly Measurement[]): Summary[] {
  const groups = Map.groupBy(measurements, ({ peer, step }) => `${peer}\n${step}`);
  return [...groups.values()].map((group) => {
    const { peer, step } = group[0]!;
    const lines = group.flatMap(({ line }) => line === undefined ? [] : [line]);
    const problems = lines.reduce((sum, line) => sum + Number(line.problems ?? 0), 0);
    const error = lines.length === 0 ? group[0]!.error : undefined;
    return { peer, step, figures: figures(lines), problems, ...(error === undefined ? {} : { error }) };
  });
}

function figures(lines: readonly Measured[]): Record<string, Spread> {
  const names = new Set(lines.flatMap((line) => Object.keys(line)));
  const result: Record<string, Spread> = {};
  for (const name of names) {
    const values = lines.map((line) => line[name]).filter((value) => typeof value === "number");
    if (values.length > 0) result[name] = spread(values);
  }
  return result;
}

/** The median (of an even count: the mean of the middle two), least and greatest of at least one number. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [(sorted.length - 1) >> 1, sorted.length >> 1];
  return { median: (sorted[low]! + sorted[high]!) / 2, least: sorted[0]!, greatest: sorted.at(-1)! };
}
