/**
 * The orders of a search by what events were answered with: `sort:top`, `sort:hot`, `sort:rising`.
 * Runs on a reader's thread; no state.
 *
 * @module
 */
import type { SortOrder } from "./search_conditions.ts";

/** The orders that need the store's counts. */
export type PopularityOrder = Exclude<SortOrder, "new">;

/** Points of an event's answers: a reply and a repost count two, a reaction and a zap receipt one. */
export interface Popularity {
  readonly points: number;
  /** Of answers within the last `RECENT_SECONDS`. */
  readonly recentPoints: number;
}

/** Ten times the points put an event this much higher in `sort:hot`, seconds of age (Reddit's number: 12.5 hours). */
const TENFOLD_SECONDS = 45_000;
/** Keeps the youngest events from outrunning everything by their first answer, hours (Hacker News' number). */
const GRACE_HOURS = 2;
const GRAVITY = 1.5;

/**
 * The score of an event; the highest comes first.
 *
 * - `top`: the points.
 * - `hot`: log10(points) + created_at / 45,000 s.
 * - `rising`: recent points / (hours of age + 2)^1.5.
 *
 * @param createdAt Seconds. @param now Seconds.
 */
export function popularityScore(
  order: PopularityOrder,
  { points, recentPoints }: Popularity,
  { createdAt, now }: { readonly createdAt: number; readonly now: number },
): number {
  switch (order) {
    case "top":
      return points;
    case "hot":
      return Math.log10(Math.max(1, points)) + createdAt / TENFOLD_SECONDS;
    case "rising": {
      const hours = Math.max(0, now - createdAt) / 3_600;
      return recentPoints / (hours + GRACE_HOURS) ** GRAVITY;
    }
  }
}

/** The order by popularity that a search asks for; null: it asks for none. */
export function popularityOrder(sort: SortOrder | null): PopularityOrder | null {
  return sort === null || sort === "new" ? null : sort;
}
