/**
 * The router: follows the log and forwards events to other systems. A follower with a durable cursor for each target.
 * Runs on a worker with an event loop.
 *
 * @module
 */
import { beatByTimer, endWorker, onStart, report } from "../../runtime/actor.ts";
import { GatewayPorts } from "../../runtime/gateway_ports.ts";
import { Logger } from "../../runtime/logger.ts";
import { Router } from "./router.ts";

const ports = new GatewayPorts();

onStart(async (start) => {
  const router = new Router(start, new Logger("router", start.memory.logLevel));
  beatByTimer(start);
  router.answer(ports);
  report({ type: "ready", facts: {} });
  await router.run();
  ports.close();
  report({ type: "stopped" });
  endWorker();
}, (notice) => {
  if (notice.type === "port") ports.connect(notice);
});
