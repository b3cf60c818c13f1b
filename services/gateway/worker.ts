/**
 * Puts a gateway together on its worker: lanes, connection, listener, HTTP; and turns its loop.
 * The loop gives the sockets a turn after every round of work, and sleeps on the gateway's doorbell when there is none.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import {
  FRAME_BYTES_MAX,
  GOODBYE_MS_MAX,
  PAUSED_QUERIES_INTERVAL_MS,
  SOCKET_IDLE_SECONDS_MAX,
  WAIT_MS_MAX,
} from "../../lib/limits.ts";
import { createExposition } from "../../lib/metrics/exposition.ts";
import { slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import { sumOf, ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { relayRequestUrls } from "../../lib/nostr/http_auth.ts";
import { relayInformation } from "../../lib/nostr/relay_information.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { EventReader } from "../../lib/store/event_reader.ts";
import { openForReading } from "../../lib/store/open.ts";
import { STORAGE_FAULTS } from "../../lib/store/storage_fault.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import type { ManagementView } from "../../lib/management/view.ts";
import { eventFault } from "../../lib/verify/event_fault.ts";
import { openVerifier } from "../../lib/verify/open_verifier.ts";
import type { SignatureVerifier, VerifyTier } from "../../lib/verify/verifier.ts";
import { type ActorStart, type GatewayNotice, onStart, report } from "../actor.ts";
import { Log } from "../log.ts";
import { threadNumber } from "../memory.ts";
import { SOFTWARE } from "../software.ts";
import { managementPath, storePath } from "../data_paths.ts";
import { adminsOf, ManagementLink } from "../management/handle.ts";
import { ownUrls } from "./auth.ts";
import type { Connection } from "./connection.ts";
import { ClientAddress } from "./client_address.ts";
import { FrameSender } from "../verifier/handle.ts";
import { Gateway, socketEvents } from "./gateway.ts";
import type { ManagementDoor } from "./http/management.ts";
import { createApp } from "./http/app.ts";
import type { Phase, RelayStatus } from "./http/relay_status.ts";
import type { Listener, SocketEvents } from "./listener.ts";
import { LiveFeed } from "./live_feed.ts";
import { NegentropySessions } from "./negentropy_sessions.ts";
import { ReaderLink } from "./reader_link.ts";
import { listenWithServe } from "./serve_listener.ts";
import { StoredQueries } from "./stored_queries.ts";

/** How often a gateway that stops looks whether its clients have gone, ms. */
const GOODBYE_LOOK_MS = 5;

/** What main says while the gateway runs, taken up by its loop. */
const notices: Exclude<GatewayNotice, { type: "managed" | "open" }>[] = [];
const management = new ManagementLink();

/** What a gateway thread has to open before it starts. */
interface GatewayMeans {
  readonly listener: Listener;
  /** Verifies proofs of keys, one at a time. */
  readonly verifier: SignatureVerifier;
  readonly log: Log;
  readonly management: ManagementLink;
}

/** Whoever listens before there is a gateway behind it: another process had the store until then. */
type Opening = PromiseWithResolvers<SocketEvents<Connection>>;

/** A gateway and everything that turns with it. */
class GatewayThread {
  readonly #gateway: Gateway;
  readonly #feed: LiveFeed;
  readonly #link: ReaderLink;
  readonly #queries: StoredQueries;
  readonly #bell: Doorbell;
  readonly #listener: Listener;
  readonly #start: ActorStart;
  readonly #decisions: ManagementView;
  #phase: Phase = "starting";
  #drained = false;

  readonly socketEvents: SocketEvents<Connection>;

  constructor(start: ActorStart, { listener, verifier, log, management }: GatewayMeans) {
    const { config, memory, index, epoch } = start;
    this.#start = start;
    const db = openForReading(storePath(config.DATA_DIR), config.CACHE_MB);
    const metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "gateway", index));
    const decisions = new ManagementFollower(managementPath(config.DATA_DIR), memory.managementVersion);
    this.#decisions = decisions.view;
    const frames = new FrameSender(memory, index, epoch);
    this.#gateway = new Gateway({ config, memory, index, epoch, metrics, frames, verifier, decisions });
    this.#link = new ReaderLink(memory, index, epoch);
    this.#queries = new StoredQueries(new EventReader(db), this.#link, this.#gateway.requests, log);
    this.#gateway.requests.queries = this.#queries;
    this.#gateway.syncs = new NegentropySessions(this.#link, this.#gateway);
    this.#feed = new LiveFeed(memory.tail, db, (event, seq) => this.#gateway.requests.deliver(event, seq));
    this.#bell = new Doorbell(memory.bells.origins[index]!);
    const app = createApp(this.#status(log, {
      urls: ownUrls(config).flatMap(relayRequestUrls),
      admins: adminsOf(config),
      eventFault: (event) => eventFault(event, verifier),
      ask: (body) => management.ask(body),
    }));
    const addresses = new ClientAddress(config.REAL_IP_HEADER, config.TRUSTED_PROXIES);
    this.#listener = listener;
    this.socketEvents = socketEvents(
      this.#gateway,
      (request, peer) => addresses.of(request, peer),
      (request) => {
        this.#gateway.followDecisions();
        return app.fetch(request);
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
      this.#gateway.followDecisions();
      const work = this.#gateway.events.drain() + this.#link.drain() +
        this.#feed.drain(this.#gateway.requests.hasSubscriptions);
      this.#bell.crashIfAsked();
      if (this.#queries.pausedCount > 0) this.#queries.resumePaused();
      this.#takeNotices();
      if (work > 0) await new Promise<void>((resolve) => setImmediate(() => resolve()));
      else {await this.#bell.waitAsync(
          seen,
          this.#queries.pausedCount > 0 ? PAUSED_QUERIES_INTERVAL_MS : WAIT_MS_MAX,
        );}
    }
    this.#gateway.closeAll();
    // The thread's end would cut off what the sockets have not taken yet; a client that reads nothing is not waited for.
    const untilMs = performance.now() + GOODBYE_MS_MAX;
    while (this.#gateway.hasConnections && performance.now() < untilMs) {
      await new Promise<void>((resolve) => setTimeout(resolve, GOODBYE_LOOK_MS));
    }
  }

  #takeNotices(): void {
    for (const notice of notices.splice(0)) {
      if (notice.type === "reader-restarted") this.#link.readerRestarted(notice.reader);
      else if (notice.type === "serve") this.#phase = "ready";
      else {
        this.#phase = "draining";
        this.#gateway.isDraining = true;
        this.#gateway.syncs.isDraining = true;
        this.#listener.stopAccepting();
      }
    }
    if (this.#phase === "draining" && !this.#drained && !this.#gateway.events.isAnswering) {
      this.#drained = true;
      report({ type: "drained" });
    }
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
      information: () => relayInformation(config, SOFTWARE, (name) => this.#decisions.text(name)),
      management,
      url: config.RELAY_URL,
      durability: config.DURABILITY,
      exposition: createExposition(memory.metrics, {
        version: SOFTWARE.version,
        tier: facts.tier ?? "",
        durability: config.DURABILITY,
      }),
      phase: () => this.#phase,
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

/** Listens; whoever comes waits until `opening` says who serves. */
async function listen({ config }: ActorStart, opening: Opening): Promise<Listener> {
  const tls = config.TLS_CERT === null || config.TLS_KEY === null
    ? null
    : { cert: await Deno.readTextFile(config.TLS_CERT), key: await Deno.readTextFile(config.TLS_KEY) };
  return listenWithServe({
    hostname: config.HOST,
    port: config.PORT,
    tls,
    frameBytesMax: FRAME_BYTES_MAX,
    connectionsMax: config.CONNECTIONS_MAX,
    idleSeconds: SOCKET_IDLE_SECONDS_MAX,
  }, opening.promise);
}

const released = Promise.withResolvers<ActorStart["facts"]>();

onStart(async (given) => {
  const { config } = given;
  const log = new Log(`gateway ${given.index}`, config.LOG_LEVEL);
  const { verifier } = await openVerifier({ tier: config.VERIFY_TIER, libraryPath: given.libraryPath });
  const opening: Opening = Promise.withResolvers();
  const listener = await listen(given, opening);
  let start = given;
  if (given.isHeld) {
    report({ type: "listening" });
    start = { ...given, facts: await released.promise };
  }
  const thread = new GatewayThread(start, { listener, verifier, log, management });
  opening.resolve(thread.socketEvents);
  report({ type: "ready", facts: { address: thread.address } });
  await thread.run();
  verifier.close();
  // The thread stays until the process ends: to close its socket now would refuse who waits there for another process.
  report({ type: "stopped" });
}, (notice) => {
  if (notice.type === "managed") management.answered(notice.number, notice.reply);
  else if (notice.type === "open") released.resolve(notice.facts);
  else notices.push(notice);
});
