/** Tests of doorbells: no wake-up is lost, no wait is without end. */
import { assert, assertEquals } from "@std/assert";
import { createDoorbellMemory, Doorbell } from "./doorbell.ts";

Deno.test("a ring after the count was loaded ends the wait at once", async () => {
  const bell = new Doorbell(createDoorbellMemory());
  const seen = bell.rings;
  bell.ring();
  await bell.waitAsync(seen, 60_000);
  assertEquals(bell.rings, seen + 1);
});

Deno.test("a ring during the wait wakes the sleeper", async () => {
  const bell = new Doorbell(createDoorbellMemory());
  const seen = bell.rings;
  const waiting = bell.waitAsync(seen, 60_000);
  bell.ring();
  await waiting;
  assertEquals(bell.rings, seen + 1);
});

Deno.test("a wait that nobody ends is capped", () => {
  const bell = new Doorbell(createDoorbellMemory());
  const seen = bell.rings;
  bell.wait(seen, 1);
  assertEquals(bell.rings, seen);
});

Deno.test("a request to stop is seen by the thread that sleeps", async () => {
  const memory = createDoorbellMemory();
  const bell = new Doorbell(memory);
  const waiting = bell.waitAsync(bell.rings, 60_000);
  new Doorbell(memory).requestStop();
  await waiting;
  assert(bell.stopRequested);
});

Deno.test("a thread that ignores the log is rung for everything else", () => {
  const memory = createDoorbellMemory();
  const bell = new Doorbell(memory);
  const store = new Doorbell(memory);
  const before = bell.rings;
  store.ringForLog();
  assertEquals(bell.rings, before + 1);
  bell.ignoresLog = true;
  store.ringForLog();
  assertEquals(bell.rings, before + 1);
  store.ring();
  assertEquals(bell.rings, before + 2);
  bell.ignoresLog = false;
  store.ringForLog();
  assertEquals(bell.rings, before + 3);
});

Deno.test("a rest goes on whoever rings, and ends with a request to stop", async () => {
  const bell = new Doorbell(createDoorbellMemory());
  const resting = bell.restAsync(60_000).then(() => bell.stopRequested);
  bell.ring();
  bell.requestStop();
  assert(await resting);
  await bell.restAsync(60_000);
});
