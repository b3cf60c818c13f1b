/**
 * The router: follows the log and forwards events to other systems. A follower with a durable cursor for each target.
 * Runs on a worker with an event loop.
 *
 * @module
 */
import { beatByTimer, endWorker, onStart, report } from "../../runtime/actor.ts";
import { Logger } from "../../runtime/logger.ts";
import { Router } from "./router.ts";

onStart(async (start) => {
  const router = new Router(start, new Logger("router", start.memory.logLevel));
  beatByTimer(start);
  report({ type: "ready", facts: {} });
  await router.run();
  report({ type: "stopped" });
  endWorker();
});
