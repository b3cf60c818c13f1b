/**
 * Stretches of time by age, as `7d-1d`: from seven days ago to one day ago.
 * Runs on any thread; no state.
 *
 * @module
 */
import type { TimeRange } from "./gaps.ts";

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 7 * 86_400,
  M: 30.5 * 86_400,
  Y: 365.2425 * 86_400,
};
const RANGE = /^(?:(\d+(?:\.\d+)?)([smhdwMY]))?-(?:(\d+(?:\.\d+)?)([smhdwMY]))?$/;

/**
 * Reads `START-END`: ages as a number and a unit (s, m, h, d, w, M of 30.5 days, Y); either may be missing.
 *
 * @param nowSeconds Seconds since 1970.
 * @throws {SyntaxError} if the text is none.
 * @throws {RangeError} if the start is younger than the end.
 *
 * @example Usage
 * ```ts
 * import { readAgeRange } from "./age_range.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(readAgeRange("2h-60s", 10_000), { since: 2_800, until: 9_940 });
 * assertEquals(readAgeRange("1m-", 10_000), { since: 9_940, until: Infinity });
 * ```
 */
export function readAgeRange(text: string, nowSeconds: number): TimeRange {
  const match = RANGE.exec(text);
  if (match === null) {
    throw new SyntaxError(`Cannot read range "${text}": it has the form START-END, such as 7d-1d or 2M-`);
  }
  const [, start, startUnit, end, endUnit] = match;
  const ago = (count: string, unit: string) =>
    Math.max(0, Math.floor(nowSeconds - Number(count) * UNIT_SECONDS[unit]!));
  const since = start === undefined ? 0 : ago(start, startUnit!);
  const until = end === undefined ? Infinity : ago(end, endUnit!);
  if (since > until) throw new RangeError(`Cannot read range "${text}": its start is younger than its end`);
  return { since, until };
}
