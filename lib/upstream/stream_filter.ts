/**
 * What streams do with filters of NIP-01 as JSON values: narrow them to a stretch of time, compare two of them.
 * Runs on any thread; no state.
 *
 * @module
 */
import type { TimeRange } from "./gaps.ts";

/** A filter of NIP-01 as JSON, already checked. */
export type StreamFilter = Readonly<Record<string, unknown>>;

/** The part of a filter within a stretch of time, both ends included; null: there is none. */
export function withinTime(filter: StreamFilter, range: TimeRange): StreamFilter | null {
  const since = Math.max(secondsOf(filter.since, 0), range.since);
  const until = Math.min(secondsOf(filter.until, Infinity), range.until);
  if (since > until) return null;
  const { limit: _, ...rest } = filter;
  return {
    ...rest,
    ...(since > 0 && { since }),
    ...(until < Infinity && { until }),
  };
}

/** The filter in one spelling, whatever the order of its conditions and of their values. `limit` has no meaning here. */
export function canonicalFilter(filter: StreamFilter): string {
  const names = Object.keys(filter).filter((name) => name !== "limit").sort();
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, canonicalValue(filter[name])])));
}

/**
 * Whether every event that matches `filter` matches `other` too, as far as the conditions tell: what was fetched by the
 * other holds for this one.
 */
export function isWithin(filter: StreamFilter, other: StreamFilter): boolean {
  return Object.entries(other).every(([name, wide]) => {
    if (name === "limit") return true;
    const narrow = filter[name];
    if (narrow === undefined) return false;
    if (name === "since") return (narrow as number) >= (wide as number);
    if (name === "until") return (narrow as number) <= (wide as number);
    if (!Array.isArray(wide) || !Array.isArray(narrow)) return narrow === wide;
    // An event has to have all values of `&x`, and one of any other list.
    return name.startsWith("&") ? isSubset(wide, narrow) : isSubset(narrow, wide);
  });
}

function isSubset(few: readonly unknown[], many: readonly unknown[]): boolean {
  const values = new Set(many);
  return few.every((value) => values.has(value));
}

function canonicalValue(value: unknown): unknown {
  return Array.isArray(value) ? [...new Set(value)].sort() : value;
}

function secondsOf(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
