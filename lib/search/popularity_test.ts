/** Tests of the orders by popularity. */
import { assert, assertEquals } from "@std/assert";
import { type Popularity, type PopularityOrder, popularityOrder, popularityScore } from "./popularity.ts";

const NOW = 1_700_000_000;
const HOUR = 3_600;

function score(order: PopularityOrder, popularity: Partial<Popularity>, hoursOld: number): number {
  const both = { points: 0, recentPoints: 0, ...popularity };
  return popularityScore(order, both, { createdAt: NOW - hoursOld * HOUR, now: NOW });
}

Deno.test("popularityScore() of top is the points, whatever the age", () => {
  assertEquals(score("top", { points: 7 }, 1), 7);
  assertEquals(score("top", { points: 7 }, 10_000), 7);
});

Deno.test("popularityScore() of hot weighs ten times the points like 12.5 hours", () => {
  const difference = score("hot", { points: 100 }, 12.5) - score("hot", { points: 10 }, 0);
  assert(Math.abs(difference) < 1e-6, String(difference));
  assert(score("hot", { points: 100 }, 12) > score("hot", { points: 10 }, 0));
  assert(score("hot", { points: 100 }, 13) < score("hot", { points: 10 }, 0));
  assertEquals(score("hot", { points: 0 }, 5), score("hot", { points: 1 }, 5));
});

Deno.test("popularityScore() of rising counts recent points only, of young events more", () => {
  assertEquals(score("rising", { points: 1_000 }, 1), 0);
  assert(score("rising", { recentPoints: 10 }, 1) > score("rising", { recentPoints: 10 }, 2));
  assert(score("rising", { recentPoints: 10 }, 24) < score("rising", { recentPoints: 2 }, 1));
  assertEquals(score("rising", { recentPoints: 4 }, -5), score("rising", { recentPoints: 4 }, 0));
});

Deno.test("popularityOrder() leaves time and the best match to the index", () => {
  assertEquals([null, "new", "top", "hot", "rising"].map((sort) => popularityOrder(sort as "top")), [
    null,
    null,
    "top",
    "hot",
    "rising",
  ]);
});
