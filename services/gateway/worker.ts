/**
 * Puts a gateway together on its worker: lanes, connection, listener, HTTP; and turns its loop.
 * The loop gives the sockets a turn after every round of work, and sleeps on the gateway's doorbell when there is none.
 *
 * @module
 */
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import {
  FRAME_BYTES_MAX,
  GOODBYE_MS_MAX,
  HELD_INTERVAL_MS,
  HOT_TEXTS_TOTAL_BYTES_MAX,
  OPEN_FILES_KEPT,
  PAGE_CONNECTIONS_MAX,
  PAUSED_QUERIES_INTERVAL_MS,
  READING_CACHE_MB,
  SOCKET_IDLE_SECONDS_MAX,
  WAIT_MS_MAX,
} from "../../lib/limits.ts";
import type { Config } from "../../lib/config/config.ts";
import { createExposition } from "../../lib/metrics/exposition.ts";
import { slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import { sumOf, ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { relayRequestUrls } from "../../lib/nostr/http_auth.ts";
import { relayInformation } from "../../lib/relay/relay_information.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { Heartbeat } from "../../lib/queue/heartbeat.ts";
import { tailPosition } from "../../lib/log/tail.ts";
import { EventReader } from "../../lib/store/read/event_reader.ts";
import { HotTexts } from "../../lib/store/read/hot_texts.ts";
import { openForReading } from "../../lib/store/keep/open.ts";
import { STORAGE_FAULTS } from "../../lib/sqlite/storage_fault.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import { SharedCounts } from "../../lib/policy/shared_counts.ts";
import type { ManagementView } from "../../lib/management/view.ts";
import { adminsOf } from "../../lib/relay/members.ts";
import { eventFault } from "../../lib/verify/event_fault.ts";
import { openVerifier } from "../../lib/verify/open_verifier.ts";
import type { SignatureVerifier, VerifyTier } from "../../lib/verify/verifier.ts";
import { type ActorNotice, type ActorStart, onStart, report } from "../../runtime/actor.ts";
import { Log } from "../../runtime/log.ts";
import { LoopTurn } from "../../runtime/loop_turn.ts";
import { threadNumber } from "../../wire/actors.ts";
import { OPEN_FILES_VARIABLE } from "../../runtime/open_files.ts";
import { SOFTWARE } from "../../lib/relay/software.ts";
import { managementPath, storePath } from "../../runtime/data_paths.ts";
import { ManagementLink } from "../../runtime/management_link.ts";
import { PolicyFiles, policyFilesOf } from "../../runtime/policy_files.ts";
import { phaseOf } from "../../wire/relay_phase.ts";
import { textOfSetting } from "../../runtime/settings_file.ts";
import { ownUrls } from "../../lib/relay/own_urls.ts";
import type { Connection } from "./connection.ts";
import { ClientAddress } from "./client_address.ts";
import { FrameSender } from "../../runtime/frame_sender.ts";
import { Gateway } from "./gateway.ts";
import { socketEvents } from "./socket_events.ts";
import { Turns } from "./sockets/turns.ts";
import type { ManagementDoor } from "./http/management.ts";
import { createApp } from "./http/app.ts";
import { PageRequests } from "./http/page_requests.ts";
import type { RelayStatus } from "./http/relay_status.ts";
import type { Listen, Listener, SocketEvents } from "./sockets/listener.ts";
import { Invites } from "./invites.ts";
import { LiveFeed } from "./live_feed.ts";
import { NegentropySessions } from "./negentropy_sessions.ts";
import { Opening } from "./sockets/opening.ts";
import { RequestPlugin } from "./request_plugin.ts";
import { ReaderLink } from "./reader_link.ts";
import { StoredQueries } from "./stored_queries.ts";

/** How long nothing must be there to answer or to read before a gateway that drains says that it has, ms. */
const DRAIN_QUIET_MS = 20;
/** How often a gateway that stops looks whether its clients have gone, ms. */
const GOODBYE_LOOK_MS = 5;

/** What main says while the gateway runs, taken up by its loop. */
const notices: Extract<ActorNotice, { type: "drain" | "restarted" }>[] = [];
const management = new ManagementLink();

/** What a gateway thread has to open before it starts. */
interface GatewayMeans {
  readonly listener: Listener;
  /** Verifies proofs of keys, one at a time. */
  readonly verifier: SignatureVerifier;
  readonly log: Log;
  readonly management: ManagementLink;
  readonly settings: ConfigFollower;
  readonly metrics: ThreadMetrics;
  readonly files: PolicyFiles;
  readonly loop: LoopTurn;
  readonly turns: Turns;
}

/** The engine that is asked for; the other one is not loaded. */
async function engine(name: Config["WEBSOCKET_ENGINE"]): Promise<Listen> {
  return name === "ws"
    ? (await import("./sockets/ws_listener.ts")).listenWithWs
    : (await import("./sockets/serve_listener.ts")).listenWithServe;
}

/** A gateway and everything that turns with it. */
class GatewayThread {
  readonly #gateway: Gateway;
  readonly #plugin: RequestPlugin;
  readonly #feed: LiveFeed;
  readonly #link: ReaderLink;
  readonly #queries: StoredQueries;
  readonly #bell: Doorbell;
  readonly #heart: Heartbeat;
  #listener!: Listener;
  readonly #start: ActorStart;
  readonly #settings: ConfigFollower;
  readonly #decisions: ManagementView;
  readonly #means: GatewayMeans;
  readonly #open: SharedCounts;
  #isDraining = false;
  #drained = false;
  /** When there was something to answer or to read, the last time that it was looked at while draining. */
  #busyMs = 0;

  constructor(start: ActorStart, means: GatewayMeans) {
    const { log, settings, metrics, files, verifier } = means;
    const { config, memory, index, epoch } = start;
    this.#start = start;
    const db = openForReading(storePath(config.DATA_DIR), READING_CACHE_MB);
    const decisions = new ManagementFollower(managementPath(config.DATA_DIR), memory.managementVersion);
    this.#decisions = decisions.view;
    this.#settings = settings;
    const hasMembers = config.MEMBERSHIP !== "off";
    const frames = new FrameSender(memory, index, epoch);
    this.#open = new SharedCounts(memory.open, index);
    const plugin = this.#plugin = new RequestPlugin(settings.config, log);
    this.#gateway = new Gateway({
      settings,
      plugin,
      turns: means.turns,
      files,
      memory,
      index,
      epoch,
      metrics,
      open: this.#open,
      frames,
      verifier,
      decisions,
      invites: hasMembers ? new Invites(start.facts.self!, means.management) : null,
    });
    this.#link = new ReaderLink(memory, index, epoch, () => settings.config.NEGENTROPY_EVENTS_MAX);
    const hot = new HotTexts(
      HOT_TEXTS_TOTAL_BYTES_MAX / memory.counts.gateways,
      config.WEBSOCKET_ENGINE === "ws" && !config.WEBSOCKET_COMPRESSION ? "bytes" : "strings",
    );
    const reader = new EventReader(db, tailPosition(memory.tail), hot);
    this.#queries = new StoredQueries(reader, this.#link, this.#gateway.requests, means.turns, log);
    this.#gateway.requests.queries = this.#queries;
    this.#gateway.syncs = new NegentropySessions(this.#link, this.#gateway);
    this.#feed = new LiveFeed(memory.tail, db, this.#gateway.requests);
    this.#bell = new Doorbell(memory.bells.origins[index]!);
    this.#heart = new Heartbeat(start.heartbeat);
    this.#means = means;
    this.#listener = means.listener;
  }

  /** What the listener asks. */
  get socketEvents(): SocketEvents<Connection> {
    const { config } = this.#start;
    const { verifier, log, management, settings } = this.#means;
    const app = createApp(this.#status(log, {
      urls: ownUrls(config).flatMap(relayRequestUrls),
      mayManage: (pubkey) => adminsOf(settings.config).has(pubkey),
      eventFault: (event) => eventFault(event, verifier),
      ask: (body) => management.ask(body),
    }));
    const addresses = new ClientAddress();
    const pages = new PageRequests(this.#open, (request) => app.fetch(request));
    return socketEvents(
      this.#gateway,
      (headers, peer) => {
        this.#gateway.follow();
        return addresses.of(headers, peer, settings.config);
      },
      (request, peer, ended) => {
        this.#gateway.follow();
        return pages.answer(request, addresses.of(request.headers, peer, settings.config), ended);
      },
    );
  }

  get address(): string {
    return `${this.#listener.address.hostname}:${this.#listener.address.port}`;
  }

  /** Turns until main asks it to stop. */
  async run(): Promise<void> {
    while (!this.#bell.stopRequested) {
      const seen = this.#bell.rings;
      this.#heart.beat();
      this.#gateway.follow();
      const work = this.#gateway.events.drain() + this.#link.drain() +
        this.#feed.drain(this.#gateway.requests.hasSubscriptions, this.#listener.messagesPerTurn);
      this.#bell.crashIfAsked();
      if (this.#queries.pausedCount > 0) this.#queries.resumePaused();
      if (this.#gateway.events.isHolding) this.#gateway.resumeSenders();
      this.#gateway.measureWaiting(performance.now());
      this.#takeNotices();
      if (work > 0) await this.#means.loop.next();
      else await Promise.race([this.#bell.waitAsync(seen, this.#waitMs), this.#means.loop.begun()]);
    }
    this.#gateway.closeAll();
    await this.#plugin.close();
    // The thread's end would cut off what the sockets have not taken yet; a client that reads nothing is not waited for.
    const untilMs = performance.now() + GOODBYE_MS_MAX;
    while (this.#gateway.hasConnections && performance.now() < untilMs) {
      await new Promise<void>((resolve) => setTimeout(resolve, GOODBYE_LOOK_MS));
    }
  }

  /** How long the loop may sleep: what is paused is looked at again, though nothing rings. */
  get #waitMs(): number {
    if (this.#queries.pausedCount > 0) return PAUSED_QUERIES_INTERVAL_MS;
    return this.#gateway.events.isHolding ? HELD_INTERVAL_MS : WAIT_MS_MAX;
  }

  #takeNotices(): void {
    for (const notice of notices.splice(0)) {
      if (notice.type === "restarted") {
        if (notice.actor === "reader") this.#link.readerRestarted(notice.index);
      } else {
        this.#isDraining = true;
        this.#busyMs = performance.now();
        this.#gateway.isDraining = true;
        this.#gateway.syncs.isDraining = true;
        this.#listener.stopAccepting();
      }
    }
    if (this.#isDraining && !this.#drained && this.#isQuiet()) {
      this.#drained = true;
      report({ type: "drained" });
    }
  }

  /** Whether everything that came is answered, and nothing lies in a socket that rests or was just read on. */
  #isQuiet(): boolean {
    const nowMs = performance.now();
    if (this.#gateway.events.isAnswering || this.#means.turns.resting > 0) this.#busyMs = nowMs;
    return nowMs - this.#busyMs >= DRAIN_QUIET_MS;
  }

  #status(log: Log, management: ManagementDoor): RelayStatus {
    const { config, memory, facts } = this.#start;
    const startedMs = Number(facts.startedMs);
    const sum = (slot: number) => sumOf(memory.metrics, slot);
    const subscriptions = slotOf("nostr_subscriptions_active");
    const queue = slotOf("nostr_relay_queue_length");
    const lag = slotOf("nostr_indexer_lag_events");
    const available = slotOf("nostr_search_available");
    const faults = slotsOf("nostr_store_fault");
    const free = slotOf("nostr_data_dir_free_bytes");
    return {
      information: () =>
        relayInformation(this.#settings.config, SOFTWARE, {
          changed: (name) => this.#decisions.text(name),
          self: facts.self ?? null,
        }),
      management,
      url: config.RELAY_URL,
      durability: config.DURABILITY,
      exposition: createExposition(memory.metrics, {
        version: SOFTWARE.version,
        tier: facts.tier ?? "",
        durability: config.DURABILITY,
      }),
      phase: () => phaseOf(memory.phase),
      queueLength: () => sum(queue),
      subscriptions: () => sum(subscriptions),
      subscriptionsByConnection: () => this.#gateway.subscriptionsByConnection(),
      verifier: () => ({ tier: facts.tier as VerifyTier, description: facts.verification ?? "" }),
      search: () => ({ backend: facts.search ?? "", available: sum(available) > 0, lagEvents: sum(lag) }),
      store: () => {
        const fault = STORAGE_FAULTS.find((name) => sum(faults[name]) > 0) ?? null;
        return { writable: fault === null, fault, freeBytes: sum(free) };
      },
      uptimeSeconds: () => (Date.now() - startedMs) / 1000,
      failed: (error) => log.error(`a page failed: ${error}`),
    };
  }
}

/** A gateway's share of the descriptors; pages need a few beyond the connections that are allowed. */
function socketsMax(config: Config, gateways: number): number {
  const most = config.CONNECTIONS_MAX + PAGE_CONNECTIONS_MAX;
  const files = Number(Deno.env.get(OPEN_FILES_VARIABLE)) || Infinity;
  return Math.max(1, Math.min(most, Math.floor((files - OPEN_FILES_KEPT) / gateways)));
}

/** Listens; whoever comes waits until `opening` has somebody to serve. */
async function listen(
  { config, memory, libraryPath }: ActorStart,
  opening: Opening<Connection>,
  turns: Turns,
  log: Log,
): Promise<Listener> {
  const tls = config.TLS_CERT === null || config.TLS_KEY === null ? null : {
    cert: await textOfSetting("TLS_CERT", config.TLS_CERT),
    key: await textOfSetting("TLS_KEY", config.TLS_KEY),
  };
  const listenBy = await engine(config.WEBSOCKET_ENGINE);
  return await listenBy({
    hostname: config.HOST,
    port: config.PORT,
    tls,
    frameBytesMax: FRAME_BYTES_MAX,
    idleSeconds: SOCKET_IDLE_SECONDS_MAX,
    compression: config.WEBSOCKET_COMPRESSION,
    libraryPath,
    socketsMax: socketsMax(config, memory.counts.gateways),
    turns,
    failed: (error) => log.error(`cannot accept connections, tries again: ${error}`),
  }, opening);
}

/** Resolves when main opens a gateway that was held. */
const released = Promise.withResolvers<ActorStart["facts"]>();

onStart(async (given) => {
  const { config, memory, index } = given;
  const log = new Log(`gateway ${index}`, memory.logLevel);
  const { verifier } = await openVerifier({ tier: config.VERIFY_TIER, libraryPath: given.libraryPath });
  const opening = new Opening<Connection>(config.CONNECTIONS_MAX);
  const loop = new LoopTurn();
  const turns = new Turns(loop);
  const listener = await listen(given, opening, turns, log);
  let start = given;
  if (given.isHeld) {
    report({ type: "listening" });
    start = { ...given, facts: await released.promise };
  }
  const settings = new ConfigFollower(memory.config);
  const metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "gateway", index));
  const files = new PolicyFiles(metrics, log);
  await files.load(policyFilesOf(settings));
  const thread = new GatewayThread(start, {
    listener,
    verifier,
    log,
    management,
    settings,
    metrics,
    files,
    loop,
    turns,
  });
  opening.open(thread.socketEvents);
  report({ type: "ready", facts: { address: thread.address } });
  await thread.run();
  verifier.close();
  // The thread stays until the process ends: to close its socket now would refuse who waits there for another process.
  report({ type: "stopped" });
}, (notice) => {
  if (notice.type === "port") management.connect(notice.port);
  else if (notice.type === "open") released.resolve(notice.facts);
  else notices.push(notice);
});
