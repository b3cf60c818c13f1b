/**
 * Upstream relays: reads events from other relays, and sends them those of the streams that go up. An origin and a
 * follower. Runs on U workers with an event loop; each owns its share of the relays.
 *
 * @module
 */
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { beatByTimer, endWorker, onStart, report } from "../../runtime/actor.ts";

onStart(async (start) => {
  const bell = new Doorbell(start.memory.bells.upstream[start.index]!);
  beatByTimer(start);
  report({ type: "ready", facts: {} });
  while (!bell.stopRequested) {
    const seen = bell.rings;
    bell.crashIfAsked();
    await bell.waitAsync(seen);
  }
  report({ type: "stopped" });
  endWorker();
});
