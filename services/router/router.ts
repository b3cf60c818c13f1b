/**
 * The router's thread: one read of the log, all targets, and what is counted of them.
 * Runs on the router's thread, which owns it.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import type { Config } from "../../lib/config/config.ts";
import { type EventFilter, readEventFilter } from "../../lib/forward/event_filter.ts";
import { ForwardRights } from "../../lib/forward/forward_rights.ts";
import { webhookKey } from "../../lib/forward/webhook.ts";
import { FORWARD_TICK_MS } from "../../lib/limits.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import { slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { ReadGate } from "../../lib/policy/read_gate.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { privateKinds } from "../../lib/relay/configured_policies.ts";
import { adminsOf } from "../../lib/relay/members.ts";
import { openForFollowing } from "../../lib/store/keep/open.ts";
import type { ActorStart } from "../../runtime/actor.ts";
import { managementPath, routerPath, storePath } from "../../runtime/data_paths.ts";
import type { GatewayPorts } from "../../runtime/gateway_ports.ts";
import { immediate } from "../../runtime/loop_turn.ts";
import { PageServer } from "../../runtime/page_server.ts";
import type { Logger } from "../../runtime/logger.ts";
import { threadNumber } from "../../wire/actors.ts";
import { HttpTarget } from "./http_target.ts";
import { LogFeed } from "./log_feed.ts";
import { Places } from "./places.ts";
import { EphemeralAudience } from "./ephemeral_audience.ts";
import { forwardPage } from "./forward_page.ts";
import { SocketConsumers } from "./socket_consumers.ts";
import { isLoopback, TcpPort } from "./tcp_port.ts";
import { TcpTarget } from "./tcp_target.ts";
import type { StateParts } from "./target_state.ts";

const EVENTS = slotsOf("nostr_forward_events_total");
const LAG = slotOf("nostr_forward_lag_events");
const WAITING = slotOf("nostr_forward_waiting_events");
const SET_ASIDE = slotOf("nostr_forward_set_aside");

/** See the module's text. */
export class Router {
  readonly #bell: Doorbell;
  readonly #metrics: ThreadMetrics;
  readonly #settings: ConfigFollower;
  readonly #decisions: ManagementFollower;
  readonly #gate: ReadGate;
  readonly #db: DatabaseSync;
  readonly #feed: LogFeed;
  readonly #places: Places;
  readonly #targets: readonly (HttpTarget | TcpTarget)[];
  readonly #port: TcpPort | null;
  readonly #consumers: SocketConsumers;
  readonly #audience: EphemeralAudience;
  readonly #stop = new AbortController();
  readonly #log: Logger;
  #tickMs = 0;

  /** @throws {Error} if a setting cannot be used. */
  constructor({ config, memory }: ActorStart, log: Logger) {
    const filter = readForwardFilter(config);
    this.#log = log;
    this.#bell = new Doorbell(memory.bells.router[0]!);
    this.#metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "router"));
    this.#settings = new ConfigFollower(memory.config);
    this.#decisions = new ManagementFollower(managementPath(config.DATA_DIR), memory.managementVersion);
    this.#gate = new ReadGate(privateKinds(this.#settings.config), this.#decisions.view);
    const nowSeconds = () => Math.floor(Date.now() / 1000);
    const rights = new ForwardRights({ gate: this.#gate, filter, nowSeconds });
    this.#db = openForFollowing(storePath(config.DATA_DIR));
    this.#feed = new LogFeed({ db: this.#db, tail: memory.tail, filter, rights });
    this.#places = new Places(routerPath(config.DATA_DIR), this.#feed.endSeq, (text) => log.error(text));
    this.#audience = new EphemeralAudience(memory.audiences[memory.counts.gateways]!, filter.filter);
    this.#port = this.#openPort(config);
    this.#consumers = new SocketConsumers({
      feed: this.#feed,
      isRestricted: () => restrictsReads(this.#settings.config) || rights.reachesPrivate,
      isAdmin: (pubkey) => adminsOf(this.#settings.config).has(pubkey),
      delivered: (events) => this.#metrics.add(EVENTS.ws, events),
    });
    this.#targets = this.#openTargets(config, { metrics: this.#metrics, log, stop: this.#stop.signal });
  }

  /** Answers what gateways ask. */
  answer(ports: GatewayPorts): void {
    const page = forwardPage({
      endSeq: () => this.#feed.endSeq,
      targets: this.#targets,
      consumers: this.#consumersOfAll,
    });
    const failed = (error: unknown) => this.#log.error(`a page failed: ${error}`);
    ports.open({ pages: new PageServer([page], failed), sockets: this.#consumers.sockets });
  }

  /** Forwards until the thread is asked to stop. */
  async run(): Promise<void> {
    const running = [...this.#targets, ...this.#port === null ? [] : [this.#port]].map((each) => each.run());
    while (!this.#bell.stopRequested) {
      const seen = this.#bell.rings;
      this.#bell.crashIfAsked();
      this.#followSettings();
      this.#decisions.refresh();
      this.#audience.isThere = this.#targets.length > 0 || this.#consumersOfAll.some(({ size }) => size > 0);
      const isEnd = this.#feed.follow();
      this.#tick();
      if (isEnd) await this.#bell.waitAsync(seen);
      else await immediate();
    }
    this.#feed.close();
    this.#stop.abort();
    this.#port?.close();
    this.#consumers.close();
    await Promise.all(running);
    this.#decisions.close();
    this.#places.close();
    this.#db.close();
  }

  get #consumersOfAll(): (TcpPort | SocketConsumers)[] {
    return this.#port === null ? [this.#consumers] : [this.#port, this.#consumers];
  }

  #openPort({ HOST: hostname, FORWARD_TCP_PORT: port, API_TOKEN: token }: Config): TcpPort | null {
    if (port === null) return null;
    const delivered = (events: number) => this.#metrics.add(EVENTS.tcp, events);
    return new TcpPort({ hostname, port, token, isLocal: isLoopback, feed: this.#feed, delivered });
  }

  #openTargets(config: Config, parts: StateParts): (HttpTarget | TcpTarget)[] {
    const shared = { ...parts, feed: this.#feed, places: this.#places };
    const secret = config.FORWARD_HTTP_SECRET;
    const key = secret === null ? null : webhookKey(secret);
    const relay = config.RELAY_URL ?? `ws://${config.HOST}:${config.PORT}`;
    const { FORWARD_BATCH_EVENTS: batchEvents, FORWARD_LATENCY_MS: latencyMs } = config;
    const http = { ...shared, key, relay, batchEvents, latencyMs };
    return [
      ...[...new Set(config.FORWARD_HTTP)].map((url) => new HttpTarget(url, http)),
      ...[...new Set(config.FORWARD_TCP)].map((address) => new TcpTarget(address, shared)),
    ];
  }

  #followSettings(): void {
    if (!this.#settings.refresh()) return;
    this.#gate.use(privateKinds(this.#settings.config));
    this.#consumers.followSettings();
  }

  /** Stores cursors and measures, once a second. */
  #tick(): void {
    const nowMs = performance.now();
    if (nowMs - this.#tickMs < FORWARD_TICK_MS) return;
    this.#tickMs = nowMs;
    for (const target of this.#targets) target.store();
    const { endSeq } = this.#feed;
    this.#metrics.set(LAG, Math.max(0, ...this.#targets.map(({ seq }) => endSeq - seq)));
    const all = [...this.#targets, ...this.#consumersOfAll];
    this.#metrics.set(WAITING, all.reduce((sum, { waiting }) => sum + waiting, 0));
    this.#metrics.set(SET_ASIDE, this.#places.setAsideCount);
  }
}

/** Whether not everybody may read what the relay holds: by whom, `/ws` cannot ask as a subscription does. */
function restrictsReads(config: Config): boolean {
  return config.AUTH_TO_READ || config.MEMBERSHIP === "all" || config.REQUEST_PLUGIN !== null ||
    config.POLICY_FILES !== null;
}

function readForwardFilter({ FORWARD_FILTER: text }: Config): EventFilter {
  try {
    return readEventFilter(JSON.parse(text));
  } catch (error) {
    throw new SyntaxError(`Cannot read FORWARD_FILTER "${text}": ${(error as Error).message}`);
  }
}
