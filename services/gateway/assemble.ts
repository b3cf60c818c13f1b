/**
 * Puts a gateway together. Each part is given what it needs when it is made, so the order here is that of their needs: who
 * answers, who reads, who serves requests, the gate before them, and the gateway that hands all of them their messages.
 * Runs once, on the gateway's thread, which owns all of it.
 *
 * @module
 */
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import { READING_CACHE_MB, TEXT_CACHE_TOTAL_BYTES_MAX } from "../../lib/limits.ts";
import { tailPosition } from "../../lib/log/tail.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import type { ManagementView } from "../../lib/management/view.ts";
import { sumOf, type ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { RateTable } from "../../lib/policy/rate_table.ts";
import { ReadGate } from "../../lib/policy/read_gate.ts";
import { SharedCounts } from "../../lib/policy/shared_counts.ts";
import { privateKinds } from "../../lib/relay/configured_policies.ts";
import { openForReading } from "../../lib/store/keep/open.ts";
import { EventReader } from "../../lib/store/read/event_reader.ts";
import { TextCache } from "../../lib/store/read/text_cache.ts";
import { Audience } from "../../lib/subscription/audience.ts";
import type { SignatureVerifier } from "../../lib/verify/verifier.ts";
import type { ActorStart } from "../../runtime/actor.ts";
import { managementPath, storePath } from "../../runtime/data_paths.ts";
import { Origin } from "../../runtime/origin.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { ManagementLink } from "../../runtime/management_link.ts";
import type { PolicyFiles } from "../../runtime/policy_files.ts";
import type { ActorLinks } from "./actor_links.ts";
import { Admission } from "./admission.ts";
import { Answers } from "./answers.ts";
import { Authentication } from "./auth.ts";
import { contextOf, PoliciesInForce } from "./client_policies.ts";
import type { Connection } from "./connection.ts";
import { ConnectionCounts } from "./connection_counts.ts";
import { Events } from "./events.ts";
import { FILTER_VALUES, FilterRoom } from "./filter_room.ts";
import { Gateway } from "./gateway.ts";
import { Invites } from "./invites.ts";
import { LiveFeed } from "./live_feed.ts";
import { NegentropySessions } from "./negentropy_sessions.ts";
import type { ProofDoor } from "./http/request_proof.ts";
import { OutboundPool } from "./outbound_pool.ts";
import { SocketPipes } from "./piped_sockets.ts";
import { ReaderLink } from "./reader_link.ts";
import { RequestGate } from "./request_gate.ts";
import { RequestPlugin } from "./request_plugin.ts";
import { Requests } from "./requests.ts";
import type { Turns } from "./sockets/turns.ts";

/** What a gateway's thread has opened before it puts the gateway together. */
export interface GatewayMeans {
  /** Verifies proofs of keys, one at a time. */
  readonly verifier: SignatureVerifier;
  readonly log: Logger;
  readonly management: ManagementLink;
  readonly links: ActorLinks;
  /** Whose requests are whose. */
  readonly proofs: ProofDoor;
  readonly settings: ConfigFollower;
  readonly metrics: ThreadMetrics;
  /** Loaded already. */
  readonly files: PolicyFiles;
  readonly turns: Turns;
}

/** A gateway, and the parts of it that its thread's loop turns. */
export interface AssembledGateway {
  readonly gateway: Gateway;
  /** Clients that other actors serve. */
  readonly pipes: SocketPipes;
  readonly events: Events;
  readonly origin: Origin;
  readonly requests: Requests;
  readonly gate: RequestGate;
  readonly link: ReaderLink;
  readonly feed: LiveFeed;
  /** What clients have open at all gateways. */
  readonly open: SharedCounts;
  /** The operator's decisions. */
  readonly decisions: ManagementView;
}

/** See the module's text. */
export function assembleGateway(start: ActorStart, means: GatewayMeans): AssembledGateway {
  const { config, memory, index, epoch } = start;
  const { settings, metrics, files, turns, log } = means;
  const db = openForReading(storePath(config.DATA_DIR), READING_CACHE_MB);
  const decisions = new ManagementFollower(managementPath(config.DATA_DIR), memory.managementVersion);
  const policies = new PoliciesInForce(settings.config, decisions, new RateTable(memory.rates));
  const readGate = new ReadGate(privateKinds(settings.config), decisions.view);
  const answers = new Answers(metrics);
  const open = new SharedCounts(memory.open, index);
  const room = new FilterRoom(metrics, () => sumOf(memory.metrics, FILTER_VALUES));
  const link = new ReaderLink(memory, index, epoch, () => settings.config.NEGENTROPY_EVENTS_MAX);
  const spent = (connection: Connection, rows: number) => {
    turns.charge(connection.socket, rows);
    policies.current.budget?.spend(contextOf(connection), rows);
  };
  const requests = new Requests({
    settings,
    metrics,
    answers,
    gate: readGate,
    spent,
    audience: new Audience(memory.audiences[index]!),
    room,
    reading: { reader: new EventReader(db, tailPosition(memory.tail), textCacheOf(start)), link, turns, log },
  });
  const syncs = new NegentropySessions(link, { spent, room, answers });
  const plugin = new RequestPlugin(settings.config, log);
  const invites = config.MEMBERSHIP === "off" ? null : new Invites(start.facts.self!, means.management);
  const gate = new RequestGate({ settings, policies, files, plugin, invites, requests, syncs });
  const connections = new Map<number, Connection>();
  const origin = new Origin(memory, index, epoch);
  const events = new Events({ memory, metrics, origin, answers, connections });
  const pool = new OutboundPool(memory.outbound, index);
  const admission = new Admission({ settings, policies, counts: new ConnectionCounts(open), metrics });
  const pipes = new SocketPipes(
    { settings, metrics, admission, proofs: means.proofs, pool },
    means.links.paths(memory.counts, settings),
  );
  const gateway = new Gateway({
    settings,
    metrics,
    origin,
    files,
    decisions,
    policies,
    readGate,
    admission,
    pipes,
    pool,
    answers,
    authentication: new Authentication(settings.config, means.verifier, answers),
    events,
    gate,
    connections,
  });
  const feed = new LiveFeed(memory.tail, db, requests);
  return { gateway, pipes, origin, events, requests, gate, link, feed, open, decisions: decisions.view };
}

/** A gateway's share of the cached texts, in the form in which its engine sends them. */
function textCacheOf({ config, memory }: ActorStart): TextCache {
  const isCopied = config.WEBSOCKET_ENGINE === "ws" && !config.WEBSOCKET_COMPRESSION;
  return new TextCache(TEXT_CACHE_TOTAL_BYTES_MAX / memory.counts.gateways, isCopied ? "bytes" : "strings");
}
