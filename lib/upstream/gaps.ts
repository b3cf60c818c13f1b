/**
 * The stretches of time that a stream has still to fetch from a relay, by `created_at`. What lies outside of them is
 * certainly here. Each is worked off from its newest end.
 *
 * ```
 *   0            since ──────── until      since ── until   now
 *   |   fetched  |░░░ a gap ░░░░|  fetched |░░░░░░░|        |
 * ```
 *
 * Runs on the thread of the stream that owns it.
 *
 * @module
 */
import { UPSTREAM_GAPS_MAX } from "../limits.ts";

/** Seconds since 1970, both included. */
export interface TimeRange {
  readonly since: number;
  readonly until: number;
}

/** See the module's text. They are kept in ascending order, and no two of them touch. */
export class Gaps {
  #ranges: readonly TimeRange[];

  constructor(ranges: readonly TimeRange[] = []) {
    this.#ranges = joined(ranges);
  }

  /** All of them, oldest first. */
  get all(): readonly TimeRange[] {
    return this.#ranges;
  }

  /** The one to be fetched next: what is newest is wanted most. Null: nothing is missing. */
  get newest(): TimeRange | null {
    return this.#ranges.at(-1) ?? null;
  }

  /** Adds what is to be fetched. Where there are too many gaps, what lies between two of them is fetched again. */
  add(range: TimeRange): void {
    this.#ranges = joined([...this.#ranges, range]);
  }

  /** What lies in the range has been fetched. */
  remove({ since, until }: TimeRange): void {
    this.#ranges = joined(this.#ranges.flatMap((gap) => {
      if (until < gap.since || since > gap.until) return [gap];
      return [{ since: gap.since, until: since - 1 }, { since: until + 1, until: gap.until }];
    }));
  }
}

/** The ranges in order, those that touch as one, empty ones left out. */
function joined(ranges: readonly TimeRange[]): TimeRange[] {
  const result: TimeRange[] = [];
  const sorted = ranges.filter(({ since, until }) => since <= until).sort((a, b) => a.since - b.since);
  for (const range of sorted) {
    const last = result.at(-1);
    if (last !== undefined && range.since <= last.until + 1) {
      result[result.length - 1] = { since: last.since, until: Math.max(last.until, range.until) };
    } else result.push(range);
  }
  while (result.length > UPSTREAM_GAPS_MAX) joinNearest(result);
  return result;
}

function joinNearest(ranges: TimeRange[]): void {
  let nearest = 1;
  for (let at = 2; at < ranges.length; at++) {
    if (distance(ranges, at) < distance(ranges, nearest)) nearest = at;
  }
  const [before, after] = ranges.slice(nearest - 1, nearest + 1) as [TimeRange, TimeRange];
  ranges.splice(nearest - 1, 2, { since: before.since, until: after.until });
}

function distance(ranges: readonly TimeRange[], at: number): number {
  return ranges[at]!.since - ranges[at - 1]!.until;
}
