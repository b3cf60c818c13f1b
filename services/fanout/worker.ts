/**
 * The fan-out: follows the log and encrypts the signals of registered bots for each of their followers.
 * Runs on a worker with an event loop, which owns the registry, `fanout.db`, and the followers' sockets as gateways pass
 * them on. Wiring.
 *
 * @module
 */
import { openSecret } from "../../lib/fanout/nip44.ts";
import type { Registry } from "../../lib/fanout/registry.ts";
import { randomPool } from "../../lib/fanout/random_pool.ts";
import { SecretSeal } from "../../lib/fanout/sealed_secret.ts";
import { SignalLog } from "../../lib/fanout/signal_log.ts";
import { SqliteRegistry } from "../../lib/fanout/sqlite_registry.ts";
import { slotOf } from "../../lib/metrics/layout.ts";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import type { NostrEvent } from "../../lib/nostr/event.ts";
import { readKindRanges } from "../../lib/policy/kind_ranges.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { ownUrls } from "../../lib/relay/own_urls.ts";
import { openForFollowing } from "../../lib/store/keep/open.ts";
import { openVerifier } from "../../lib/verify/open_verifier.ts";
import { type ActorStart, beatByTimer, endWorker, onStart, report } from "../../runtime/actor.ts";
import { fanoutKeyPath, fanoutPath, managementPath, storePath } from "../../runtime/data_paths.ts";
import { GatewayPorts } from "../../runtime/gateway_ports.ts";
import { Logger } from "../../runtime/logger.ts";
import { PageServer } from "../../runtime/page_server.ts";
import { PipedSockets } from "../../runtime/piped_sockets.ts";
import { threadNumber } from "../../wire/actors.ts";
import { Delivery } from "./delivery.ts";
import { sealingKeys } from "./keys.ts";
import { fanoutPages } from "./pages.ts";
import { ProvingSockets } from "./proving.ts";
import { Roster } from "./roster.ts";

const PAYLOADS = slotOf("nostr_fanout_payloads_total");
const FOLLOWERS = slotOf("nostr_fanout_followers");
const LAG = slotOf("nostr_fanout_lag_events");
const AVAILABLE = slotOf("nostr_fanout_registry_available");
/** How often the gauges are written, ms. */
const GAUGES_INTERVAL_MS = 1_000;

const ports = new GatewayPorts();

async function openRegistry(url: string | null, path: string): Promise<Registry> {
  if (url === null) return new SqliteRegistry(path);
  const { PostgresRegistry } = await import("../../lib/fanout/postgres_registry.ts");
  return new PostgresRegistry(url);
}

/** Whether an event, or its author, is banned now. */
function bannedBy(decisions: ManagementFollower): (event: NostrEvent) => boolean {
  const { view } = decisions;
  return ({ id, pubkey }) => {
    decisions.refresh();
    return view.bannedPubkeys.has(pubkey) || view.bannedEvents.has(id);
  };
}

/** Puts the parts together; the ports are open afterwards. */
async function assemble({ config, memory, index, libraryPath, facts }: ActorStart) {
  const { DATA_DIR, DATABASE_URL, FANOUT_KINDS, RELAY_SECRET_KEY } = config;
  const log = new Logger("fanout", memory.logLevel);
  const bell = new Doorbell(memory.bells.fanout[index]!);
  const random = randomPool((bytes) => crypto.getRandomValues(bytes));
  const seal = new SecretSeal(await sealingKeys(RELAY_SECRET_KEY, fanoutKeyPath(DATA_DIR)), random);
  const own = RELAY_SECRET_KEY === null ? null : openSecret(RELAY_SECRET_KEY);
  const signals = new SignalLog(fanoutPath(DATA_DIR));
  const registry = await openRegistry(DATABASE_URL, fanoutPath(DATA_DIR));
  let isWarned = false;
  const roster = new Roster({
    registry,
    seal,
    own,
    removed: (bot) => signals.forget(bot),
    unreadable: ({ bot, follower }) => {
      // They may be many: what is wrong is the key.
      if (!isWarned) {
        log.warn(
          `Cannot open secrets, such as of bot "${bot}" and follower "${follower}": another key sealed them`,
        );
      }
      isWarned = true;
    },
  });
  const store = openForFollowing(storePath(DATA_DIR));
  const kinds = readKindRanges(FANOUT_KINDS) ?? new Set<number>();
  const decisions = new ManagementFollower(managementPath(DATA_DIR), memory.managementVersion);
  const logs = { signals, store, tail: memory.tail, bell, log };
  const parts = { ...logs, registry, roster, kinds, own, random, isBanned: bannedBy(decisions) };
  const metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "fanout", index));
  const delivery = new Delivery({ ...parts, sent: (payloads) => metrics.add(PAYLOADS, payloads) });
  setInterval(() => {
    metrics.set(FOLLOWERS, roster.size);
    metrics.set(LAG, delivery.lag);
    metrics.set(AVAILABLE, delivery.isAway ? 0 : 1);
  }, GAUGES_INTERVAL_MS);
  const { verifier } = await openVerifier({ tier: config.VERIFY_TIER, libraryPath });
  const proving = new ProvingSockets({
    roster,
    relayUrls: ownUrls(config).flatMap((url) => [url, `${url}/fanout`]),
    verifier,
    hasKey: own !== null,
    cursor: () => signals.cursor,
    ring: () => bell.ring(),
  });
  const changed = async () => {
    await roster.refresh();
    bell.ring();
  };
  const pages = fanoutPages({ registry, seal, platformPubkey: facts.self ?? null, changed });
  ports.open({
    pages: new PageServer(pages, (error) => log.error(`a page failed: ${error}`)),
    sockets: new PipedSockets(proving),
  });
  return { bell, decisions, delivery, registry, signals, store, verifier };
}

onStart(async (start) => {
  const { decisions, delivery, registry, signals, store, verifier } = await assemble(start);
  beatByTimer(start);
  report({ type: "ready", facts: {} });
  await delivery.run();
  ports.close();
  await registry.close();
  signals.close();
  store.close();
  decisions.close();
  verifier.close();
  report({ type: "stopped" });
  endWorker();
}, (notice) => {
  if (notice.type === "port") ports.connect(notice);
});
