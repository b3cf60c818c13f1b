/**
 * Tests of the quarantine of one relay. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  UPSTREAM_QUARANTINE_EVENTS_MIN,
  UPSTREAM_QUARANTINE_FIRST_MS,
  UPSTREAM_QUARANTINE_WINDOW_MS,
} from "../limits.ts";
import { Quarantine } from "./quarantine.ts";

const FAULT = "invalid: the signature does not verify";

Deno.test("a relay that sends mostly invalid events is quarantined, with the share and the reason", () => {
  const quarantine = new Quarantine();
  quarantine.valid(0);
  const began = Array.from({ length: UPSTREAM_QUARANTINE_EVENTS_MIN }, () => quarantine.invalid(FAULT, 1));
  assertEquals(began.indexOf(true), UPSTREAM_QUARANTINE_EVENTS_MIN - 1);
  assertEquals(quarantine.reason, `10 of 11 verified events (91 %) were invalid, the last: ${FAULT}`);
  assert(quarantine.isOn(UPSTREAM_QUARANTINE_FIRST_MS));
  assert(!quarantine.isOn(1 + UPSTREAM_QUARANTINE_FIRST_MS));
});

Deno.test("few invalid events among many valid ones are no reason", () => {
  const quarantine = new Quarantine();
  for (let n = 0; n < 10_000; n++) {
    quarantine.valid(n);
    if (n % 100 === 0) assert(!quarantine.invalid(FAULT, n));
  }
});

Deno.test("invalid events that are older than the span do not count", () => {
  const quarantine = new Quarantine();
  for (let n = 0; n < 5 * UPSTREAM_QUARANTINE_EVENTS_MIN; n++) {
    assert(!quarantine.invalid(FAULT, n * UPSTREAM_QUARANTINE_WINDOW_MS / 5));
  }
});

Deno.test("each quarantine lasts twice as long, and one of an earlier life goes on", () => {
  const quarantine = new Quarantine();
  const lasted: number[] = [];
  let now = 0;
  for (let n = 0; n < 3; n++) {
    while (!quarantine.invalid(FAULT, now));
    lasted.push((quarantine.untilMs - now) / UPSTREAM_QUARANTINE_FIRST_MS);
    now = quarantine.untilMs;
  }
  assertEquals(lasted, [1, 2, 4]);
  const next = new Quarantine();
  next.resume(quarantine.untilMs, quarantine.reason, quarantine.times);
  assert(next.isOn(now - 1) && !next.isOn(now));
  while (!next.invalid(FAULT, now));
  assertEquals((next.untilMs - now) / UPSTREAM_QUARANTINE_FIRST_MS, 8);
});
