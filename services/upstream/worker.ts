/**
 * Upstream relays: reads events from other relays, and sends them those of the streams that go up. An origin and a
 * follower. Runs on U workers with an event loop; each owns its share of the relays.
 *
 * @module
 */
import { BlockedBloom } from "../../lib/dedupe/blocked_bloom.ts";
import { PendingEvents } from "../../lib/dedupe/pending_events.ts";
import { SeenEvents } from "../../lib/dedupe/seen_events.ts";
import { StoredIds } from "../../lib/dedupe/stored_ids.ts";
import type { Config } from "../../lib/config/config.ts";
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import { UPSTREAM_FULL_WAIT_MS, UPSTREAM_LOOK_MS, UPSTREAM_OUTCOMES_PER_TURN } from "../../lib/limits.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import { slotsOf } from "../../lib/metrics/layout.ts";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { KEY_HASH_WORDS, KeyHash } from "../../lib/nostr/key_hash.ts";
import { openRelayKey, type RelayKey } from "../../lib/relay/relay_key.ts";
import { openForFollowing } from "../../lib/store/keep/open.ts";
import { EventReader } from "../../lib/store/read/event_reader.ts";
import { OwnItems } from "../../lib/upstream/own_items.ts";
import { UpstreamStore } from "../../lib/upstream/upstream_store.ts";
import { type ActorStart, beatByTimer, endWorker, onStart, report } from "../../runtime/actor.ts";
import { managementPath, storePath, upstreamPath } from "../../runtime/data_paths.ts";
import { GatewayPorts } from "../../runtime/gateway_ports.ts";
import { Logger } from "../../runtime/logger.ts";
import { Origin } from "../../runtime/origin.ts";
import { PageServer } from "../../runtime/page_server.ts";
import { originNumber, threadNumber } from "../../wire/actors.ts";
import { Directory } from "./directory.ts";
import { Intake } from "./intake.ts";
import { upstreamPages } from "./pages.ts";
import { Pool } from "./pool.ts";
import { RelayLists } from "./relay_lists.ts";
import { StreamPlugins } from "./stream_plugins.ts";
import { UpRuns } from "./up_runs.ts";
import { UpwardRule } from "./upward_rule.ts";

const SENT = slotsOf("nostr_upstream_sent_total");

class Upstream {
  readonly #log: Logger;
  readonly #settings: ConfigFollower;
  readonly #origin: Origin;
  readonly #intake: Intake;
  readonly #seen: SeenEvents;
  readonly #stored: StoredIds;
  readonly #store: UpstreamStore;
  readonly #directory: Directory;
  readonly #lists: RelayLists;
  readonly #plugins: StreamPlugins;
  readonly #decisions: ManagementFollower;
  readonly #ups: UpRuns;
  readonly #pool: Pool;
  readonly #ports: GatewayPorts;
  readonly #db: ReturnType<typeof openForFollowing>;
  readonly #isFirst: boolean;
  /** The settings whose lists are followed. */
  #listed: Config | null = null;
  #isTicking = false;
  #isClosed = false;

  constructor(start: ActorStart, ports: GatewayPorts, key: RelayKey | null) {
    const { memory, index, epoch } = start;
    const dataDir = start.config.DATA_DIR;
    this.#ports = ports;
    this.#isFirst = index === 0;
    this.#log = new Logger("upstream", memory.logLevel);
    this.#settings = new ConfigFollower(memory.config);
    const config = () => this.#settings.config;
    const metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "upstream", index));
    this.#origin = new Origin(memory, originNumber(memory.counts, "upstream", index), epoch);
    this.#db = openForFollowing(storePath(dataDir));
    this.#stored = new StoredIds(this.#db);
    this.#store = new UpstreamStore(upstreamPath(dataDir));
    this.#seen = openSeen(start, this.#stored);
    this.#intake = new Intake({
      origin: this.#origin,
      seen: this.#seen,
      pending: new PendingEvents(),
      metrics,
      nowMs: () => performance.now(),
    });
    this.#directory = new Directory({
      config,
      named: (most) => this.#store.relays.named(most),
      log: this.#log,
      isFirst: this.#isFirst,
    });
    this.#lists = new RelayLists(this.#db, memory.tail, this.#directory.sources);
    this.#plugins = new StreamPlugins(this.#log, () => config().PLUGIN_TIMEOUT_MS);
    this.#decisions = new ManagementFollower(managementPath(dataDir), memory.managementVersion);
    const reader = new EventReader(this.#db);
    this.#ups = new UpRuns({
      db: this.#db,
      reader,
      tail: memory.tail,
      store: this.#store,
      rule: new UpwardRule(config, this.#decisions),
      plugins: this.#plugins,
    });
    this.#pool = new Pool({
      worker: index,
      workers: memory.counts.upstreams ?? 1,
      config,
      directory: this.#directory,
      store: this.#store,
      metrics,
      intake: this.#intake,
      key,
      log: this.#log,
      streams: {
        store: this.#store,
        ownItems: new OwnItems(reader, { turn, nowSeconds: () => Date.now() / 1000 }),
        isSeen: (id) => this.#intake.isSeen(id),
        plugins: this.#plugins,
        ups: this.#ups,
        sent: (accepted, refused) => {
          metrics.add(SENT.accepted, accepted);
          metrics.add(SENT.refused, refused);
        },
        futureSeconds: () => config().CREATED_AT_UPPER_LIMIT,
      },
    });
    if (this.#isFirst) this.#openPages(key);
  }

  /** Serves until it is asked to stop. */
  async run(): Promise<void> {
    await this.#warm();
    await this.#tick();
    const ticking = setInterval(() => void this.#tick(), UPSTREAM_LOOK_MS);
    const { bell } = this.#origin;
    while (!bell.stopRequested) {
      const seen = bell.rings;
      bell.crashIfAsked();
      if (this.#drain() === UPSTREAM_OUTCOMES_PER_TURN || this.#follow()) await turn();
      else await bell.waitAsync(seen, this.#intake.waits ? UPSTREAM_FULL_WAIT_MS : undefined);
    }
    clearInterval(ticking);
    await this.#close();
  }

  /** Hands outcomes back, and sends what there is room for then. */
  #drain(): number {
    const seen = this.#origin.drain(({ connection, accepted, message }, wasVerified) => {
      this.#intake.answered(connection, { accepted, message, wasVerified });
    }, UPSTREAM_OUTCOMES_PER_TURN);
    this.#intake.flush();
    return seen;
  }

  /** Goes on in the log, for lists of relays and for what goes up. Returns whether there is more. */
  #follow(): boolean {
    const hasLists = this.#lists.hasMore && !this.#lists.follow();
    return this.#ups.step() || hasLists;
  }

  async #tick(): Promise<void> {
    if (this.#isTicking || this.#isClosed) return;
    this.#isTicking = true;
    try {
      this.#settings.refresh();
      await this.#directory.look();
      await this.#useLists();
      if (this.#isClosed) return;
      this.#intake.tick();
      this.#ups.step();
      this.#pool.tick();
      const commands = this.#directory.streams.flatMap(({ pluginUp, pluginDown }) => [pluginUp, pluginDown]);
      await this.#plugins.keep(new Set(commands.filter((command) => command !== null)));
    } finally {
      this.#isTicking = false;
    }
  }

  async #useLists(): Promise<void> {
    const { config } = this.#settings;
    const { UPSTREAM_FOLLOWS, UPSTREAM_MONITORS } = config;
    if (
      this.#listed !== null && String([UPSTREAM_FOLLOWS, UPSTREAM_MONITORS]) ===
        String([this.#listed.UPSTREAM_FOLLOWS, this.#listed.UPSTREAM_MONITORS])
    ) return;
    this.#listed = config;
    await this.#lists.use({ follows: UPSTREAM_FOLLOWS ?? [], monitors: UPSTREAM_MONITORS ?? [] }, turn);
  }

  async #warm(): Promise<void> {
    for (const _ of this.#seen.warm(this.#stored.newest(), this.#isFirst)) await turn();
  }

  #openPages(key: RelayKey | null): void {
    const count = this.#db.prepare("SELECT count(*) AS events FROM body");
    const pages = upstreamPages({
      store: this.#store,
      seen: this.#seen,
      storedEvents: () => count.get()!.events as number,
      pubkey: key?.pubkey ?? null,
      changed: () => void this.#tick(),
    });
    const failed = (error: unknown) => this.#log.error(`a page failed: ${error}`);
    this.#ports.open({ pages: new PageServer(pages, failed), sockets: null });
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool.close();
    // What verifiers still have is stored; nobody waits for it here.
    await this.#plugins.keep(new Set());
    this.#ports.close();
    this.#store.close();
    this.#decisions.close();
    this.#db.close();
  }
}

/** The layers of deduplication, of the sizes that are set. */
function openSeen({ config, memory }: ActorStart, stored: StoredIds): SeenEvents {
  return new SeenEvents({
    recentIds: config.UPSTREAM_RECENT_IDS,
    lruIds: config.UPSTREAM_LRU_IDS,
    bloom: new BlockedBloom(memory.seen),
    hash: new KeyHash(crypto.getRandomValues(new Uint32Array(KEY_HASH_WORDS))),
    isStored: (id) => stored.has(id),
  });
}

/** Lets others of this thread run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

const ports = new GatewayPorts();

onStart(async (start) => {
  const { RELAY_SECRET_KEY } = start.config;
  const key = RELAY_SECRET_KEY === null ? null : await openRelayKey(RELAY_SECRET_KEY);
  beatByTimer(start);
  const upstream = new Upstream(start, ports, key);
  report({ type: "ready", facts: {} });
  await upstream.run();
  report({ type: "stopped" });
  endWorker();
}, (notice) => {
  if (notice.type === "port" && notice.actor === "gateway") ports.connect(notice);
});
