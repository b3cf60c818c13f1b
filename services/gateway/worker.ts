/**
 * The gateway's thread: listens, is put together (`assemble.ts`), opens to clients, and turns (`gateway_loop.ts`) until
 * main asks it to stop. Owns what main says to it meanwhile.
 *
 * @module
 */
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { openVerifier } from "../../lib/verify/open_verifier.ts";
import { type ActorStart, onStart, report } from "../../runtime/actor.ts";
import { Logger } from "../../runtime/logger.ts";
import { LoopTurn } from "../../runtime/loop_turn.ts";
import { ManagementLink } from "../../runtime/management_link.ts";
import { PolicyFiles, policyFilesOf } from "../../runtime/policy_files.ts";
import { threadNumber } from "../../wire/actors.ts";
import { ActorLinks } from "./actor_links.ts";
import { type AssembledGateway, assembleGateway, type GatewayMeans } from "./assemble.ts";
import type { Connection } from "./connection.ts";
import { GatewayLoop, type LoopNotice } from "./gateway_loop.ts";
import { createApp } from "./http/app.ts";
import { PageRequests } from "./http/page_requests.ts";
import { relayStatus } from "./http/relay_facts.ts";
import { listen } from "./listen.ts";
import { proofDoor } from "./proof_door.ts";
import { socketEvents } from "./socket_events.ts";
import { Opening } from "./sockets/opening.ts";
import { Turns } from "./sockets/turns.ts";

/** What main says while the gateway runs, taken up by its loop. */
const notices: LoopNotice[] = [];
const management = new ManagementLink();
const links = new ActorLinks();
/** Resolves when main opens a gateway that was held. */
const released = Promise.withResolvers<ActorStart["facts"]>();

/** The pages of the relay, and the way to manage it. */
function pagesOf(
  start: ActorStart,
  { gateway, open, decisions }: AssembledGateway,
  { settings, proofs, log }: GatewayMeans,
): PageRequests {
  const app = createApp(relayStatus(start, {
    settings,
    decisions,
    management,
    proofs,
    actors: links.doors(start.memory.counts),
    subscriptionsByConnection: () => gateway.subscriptionsByConnection(),
    log,
  }));
  return new PageRequests(open, (request) => app.fetch(request));
}

onStart(async (given) => {
  const { config, memory, index, libraryPath } = given;
  const log = new Logger(`gateway ${index}`, memory.logLevel);
  const { verifier } = await openVerifier({ tier: config.VERIFY_TIER, libraryPath });
  const opening = new Opening<Connection>(config.CONNECTIONS_MAX);
  const loop = new LoopTurn();
  const turns = new Turns(loop);
  const listener = await listen(given, { opening, turns, log });
  let start = given;
  if (given.isHeld) {
    report({ type: "listening" });
    start = { ...given, facts: await released.promise };
  }
  const settings = new ConfigFollower(memory.config);
  const metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "gateway", index));
  const files = new PolicyFiles(metrics, log);
  await files.load(policyFilesOf(settings));
  const proofs = proofDoor({ settings, verifier, rates: memory.rates });
  const means = { verifier, log, management, links, proofs, settings, metrics, files, turns };
  const parts = assembleGateway(start, means);
  const { gateway, pipes } = parts;
  opening.open(socketEvents({ gateway, pipes, pages: pagesOf(start, parts, means), settings }));
  const { hostname, port } = listener.address;
  report({ type: "ready", facts: { address: `${hostname}:${port}` } });
  await new GatewayLoop(start, { parts, listener, loop, turns, notices }).run();
  verifier.close();
  // The thread stays until the process ends: to close its socket now would refuse who waits there for another process.
  report({ type: "stopped" });
}, (notice) => {
  if (notice.type === "port") {
    if (notice.actor === "management") management.connect(notice.port);
    else links.connect(notice);
  } else if (notice.type === "open") released.resolve(notice.facts);
  else notices.push(notice);
});
