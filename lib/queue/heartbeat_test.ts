/** Tests of heartbeats: who hangs is found, who moves is not, and main's own absence blames nobody. */
import { assertEquals } from "@std/assert";
import { HEARTBEAT_LOOK_MS } from "../limits.ts";
import { createHeartbeatMemory, Heartbeat, Watchdog } from "./heartbeat.ts";

Deno.test("a thread that beats never hangs", () => {
  const memory = createHeartbeatMemory();
  const watch = new Watchdog(memory, 0);
  for (let look = 1; look <= 10; look++) {
    new Heartbeat(memory).beat();
    assertEquals(watch.stillMs(look * HEARTBEAT_LOOK_MS), 0);
  }
});

Deno.test("time without a beat adds up from look to look, and a beat ends it", () => {
  const memory = createHeartbeatMemory();
  const watch = new Watchdog(memory, 100);
  assertEquals(watch.stillMs(600), 500);
  assertEquals(watch.stillMs(1_100), 1_000);
  new Heartbeat(memory).beat();
  assertEquals(watch.stillMs(1_600), 0);
});

Deno.test("an hour in which main did not look counts as one look", () => {
  const watch = new Watchdog(createHeartbeatMemory(), 0);
  assertEquals(watch.stillMs(3_600_000), 2 * HEARTBEAT_LOOK_MS);
});

Deno.test("a count that wraps is a beat like any other", () => {
  const memory = createHeartbeatMemory();
  new Int32Array(memory.buffer)[0] = 2 ** 31 - 1;
  const watch = new Watchdog(memory, 0);
  new Heartbeat(memory).beat();
  assertEquals(watch.stillMs(500), 0);
});
