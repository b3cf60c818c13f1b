/**
 * Tests of pauses between attempts. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { fullJitterMs, longestPauseMs } from "./backoff.ts";

const PAUSES = { firstMs: 1_000, mostMs: 60_000 };

Deno.test("the longest pause doubles with each failure, up to its bound", () => {
  const pauses = [1, 2, 3, 6, 7, 1_000_000].map((failures) => longestPauseMs(failures, PAUSES));
  assertEquals(pauses, [1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
});

Deno.test("pauses of many that failed together are spread over the whole span", () => {
  const prng = seededPrng("full jitter");
  const pauses = Array.from({ length: 1_000 }, () => fullJitterMs(5, PAUSES, prng.float()));
  const tenths = new Set(pauses.map((pause) => Math.floor(pause / 1_600)));
  assertEquals(tenths.size, 10);
  assert(pauses.every((pause) => pause >= 0 && pause < 16_000));
});
