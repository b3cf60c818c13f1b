/** Tests of retries: what an answer means, and how long the next attempt waits. */
import { assert, assertEquals } from "@std/assert";
import { FORWARD_RETRY_AFTER_MS_MAX, FORWARD_RETRY_MS_MAX, FORWARD_RETRY_MS_MIN } from "../limits.ts";
import { judge, retryAfterMs, retryDelayMs } from "./retry.ts";

Deno.test("judge() tells what is wrong with a batch from what is wrong with a target", () => {
  const by = (judgement: string, ...statuses: number[]) =>
    assertEquals(statuses.map(judge), statuses.map(() => judgement as ReturnType<typeof judge>));
  by("taken", 200, 202, 204);
  by("wait", 301, 302, 401, 403, 404, 408, 410, 425, 429, 500, 503);
  by("refused", 400, 415, 422);
  by("too-long", 413);
});

Deno.test("the pause doubles up to a bound, is all by chance, and is never less than was asked for", () => {
  const pause = (failures: number, retryAfterMs: number | null = null, chance = 1) =>
    retryDelayMs({ failures, retryAfterMs, random: () => chance });
  assertEquals([pause(1), pause(2), pause(3)], [1, 2, 4].map((times) => times * FORWARD_RETRY_MS_MIN));
  assertEquals([pause(60), pause(1, null, 0)], [FORWARD_RETRY_MS_MAX, 0]);
  assertEquals(pause(1, 5_000, 0), 5_000);
  assert(pause(1, 1e15) <= FORWARD_RETRY_AFTER_MS_MAX + FORWARD_RETRY_MS_MIN);
});

Deno.test("Retry-After is seconds or a date", () => {
  const nowMs = Date.parse("2026-01-01T00:00:00Z");
  assertEquals(retryAfterMs("7", nowMs), 7_000);
  assertEquals(retryAfterMs("Thu, 01 Jan 2026 00:00:09 GMT", nowMs), 9_000);
  assertEquals(retryAfterMs("Wed, 31 Dec 2025 00:00:00 GMT", nowMs), 0);
  assertEquals([retryAfterMs(null, nowMs), retryAfterMs("soon", nowMs)], [null, null]);
});
