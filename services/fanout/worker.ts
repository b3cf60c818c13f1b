/**
 * Fan-out: follows the log and encrypts the events of registered bots for each of their followers.
 * Runs on a worker with an event loop.
 *
 * @module
 */
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { beatByTimer, endWorker, onStart, report } from "../../runtime/actor.ts";

onStart(async (start) => {
  const bell = new Doorbell(start.memory.bells.fanout[start.index]!);
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
