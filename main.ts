/**
 * Sluice: reads the configuration, makes the shared memory, starts the actors in data-path order, and stops them in
 * reverse. Wiring only; runs on the main thread, which owns the supervisor and the process.
 *
 * Start it by `deno task start`, which prepares the native library and grants the permissions the configuration needs.
 *
 * @module
 */
import process from "node:process";
import { dirname, resolve } from "node:path";
import { type Config, ConfigError, resolveWorkers } from "./lib/config/config.ts";
import {
  DRAIN_MS_MAX,
  EXIT_STANDSTILL,
  HAND_OVER_GRACE_MS,
  HAND_OVER_LINGER_MS,
  INDEXER_STOP_MS_MAX,
  TRIM_INTERVAL_MS,
} from "./lib/limits.ts";
import { slotOf } from "./lib/metrics/layout.ts";
import { HEARTBEAT_LOOK_MS } from "./lib/limits.ts";
import { writeProcessSample } from "./lib/metrics/process_metrics.ts";
import { ThreadMetrics } from "./lib/metrics/thread_metrics.ts";
import { openRelayKey } from "./lib/relay/relay_key.ts";
import { Doorbell, type DoorbellMemory } from "./lib/queue/doorbell.ts";
import { keepGivingBack } from "./runtime/freed_memory.ts";
import { freeBytesOf, lockDataDir, tryLockDataDir } from "./runtime/data_dir.ts";
import { noticePath } from "./runtime/data_paths.ts";
import { LiveSettings } from "./runtime/live_settings.ts";
import { Log } from "./runtime/log.ts";
import { controlOrigin, createRelayMemory, type RelayMemory, threadNumber } from "./wire/memory.ts";
import { ManagementOwner } from "./services/management/owner.ts";
import { checkPlugins } from "./runtime/plugin_file.ts";
import { checkPolicyFiles } from "./runtime/policy_files.ts";
import { readSettings, SETTINGS_FILE_VARIABLE } from "./runtime/settings_file.ts";
import { SOFTWARE } from "./lib/relay/software.ts";
import { ServiceNotices } from "./runtime/service_notices.ts";
import { type TakenOver, type TakeOver, takeOver } from "./runtime/take_over.ts";
import { Supervisor, type WorkerActor } from "./runtime/supervisor.ts";

/** How often the process's own memory and CPU are sampled, ms. */
const SAMPLE_INTERVAL_MS = 1_000;
/** Why this process stops, where another takes over. */
const HAND_OVER = "another process takes over";

/**
 * The port to serve on; for `PORT=0`, one that is free. Gateways share a port, so that none of them would notice that
 * another program, or another relay, has it.
 *
 * @throws {Error} if it is taken.
 */
function findPort(hostname: string, port: number): number {
  try {
    const listener = Deno.listen({ hostname, port });
    const found = (listener.addr as Deno.NetAddr).port;
    listener.close();
    return found;
  } catch (error) {
    throw new Error(`Cannot listen on HOST "${hostname}", PORT "${port}": ${(error as Error).message}`);
  }
}

/**
 * Ends the process when a worker stands still. Deno cannot end a thread in the middle of a loop, and a successor beside it
 * would share its lanes; so all go, as in a crash, and `deno task start` starts the relay again. No OK is lost by that.
 */
function endAtStandstill(supervisor: Supervisor, log: Log): void {
  const worker = supervisor.findStandstill(performance.now());
  if (worker === null) return;
  log.error(`${worker} stands still: the process ends, to be started again`);
  Deno.exit(EXIT_STANDSTILL);
}

function startAll(supervisor: Supervisor, actor: WorkerActor, count: number, isHeld = false) {
  return Promise.all(Array.from({ length: count }, (_, index) => supervisor.start(actor, index, isHeld)));
}

/** Starts everything in data-path order; gateways that are held already are opened at the end. */
async function startActors(
  supervisor: Supervisor,
  { counts, asked }: RelayMemory,
  isHeld: boolean,
): Promise<void> {
  await supervisor.start("store");
  if (asked.length > 0) await supervisor.start("plugin");
  await startAll(supervisor, "verifier", counts.verifiers);
  await supervisor.start("indexer");
  await startAll(supervisor, "reader", counts.readers);
  await supervisor.start("control");
  // All at once: whoever listens alone for a while gets all the clients that waited for the relay.
  if (isHeld) await supervisor.open();
  else await startAll(supervisor, "gateway", counts.gateways);
  supervisor.announce();
}

/** In data-path order: nothing new, then each actor finishes what the one before it left in its lanes. */
async function stopActors(supervisor: Supervisor, { bells, counts }: RelayMemory): Promise<void> {
  const ask = (bell: DoorbellMemory) => new Doorbell(bell).requestStop();
  await supervisor.drainGateways();
  await supervisor.stop("control", () => ask(bells.origins[controlOrigin(counts)]!));
  await supervisor.stop("verifier", (index) => ask(bells.verifiers[index]!));
  await supervisor.stop("plugin", () => ask(bells.plugin));
  await supervisor.stop("store", () => ask(bells.store));
  await supervisor.stop("gateway", (index) => ask(bells.origins[index]!));
  await supervisor.stop("reader", (index) => ask(bells.readers[index]!));
  const indexer = supervisor.stop("indexer", () => ask(bells.indexer));
  // Its cursor is durable: what a slow or silent index does not take now, the next start sends.
  await Promise.race([indexer, new Promise((resolve) => setTimeout(resolve, INDEXER_STOP_MS_MAX))]);
}

/** Measures the process, and gives back what its threads have freed, for as long as it lives. */
function lookAfterProcess(
  metrics: ThreadMetrics,
  startedMs: number,
  { dataDir, libraryPath }: { dataDir: string; libraryPath: string | null },
): void {
  const sample = () => {
    const { user, system } = process.cpuUsage();
    writeProcessSample(metrics, {
      residentBytes: Deno.memoryUsage().rss,
      cpuSeconds: (user + system) / 1e6,
      startSeconds: startedMs / 1000,
      freeBytes: freeBytesOf(dataDir),
    });
  };
  metrics.set(slotOf("nostr_process_restarts_total"), Number(Deno.env.get("SLUICE_PROCESS_RESTARTS")) || 0);
  sample();
  setInterval(sample, SAMPLE_INTERVAL_MS);
  keepGivingBack(libraryPath, TRIM_INTERVAL_MS);
}

/** The port of a relay that hands over. */
function sharedPort(port: number): number {
  if (port === 0) throw new Error(`Cannot take over PORT "0": the relay that runs has a port of its own`);
  return port;
}

function openNotices(dataDir: string, log: Log): ServiceNotices {
  const notices = new ServiceNotices(Deno.env.get("NOTIFY_SOCKET"), noticePath(dataDir), log);
  notices.keepTelling(Deno.env.get("WATCHDOG_USEC"));
  return notices;
}

/** Ends the process where draining does not; returns the timer. */
function boundDraining(log: Log) {
  return setTimeout(() => {
    log.error(`Cannot drain: not finished after ${DRAIN_MS_MAX} ms`);
    Deno.exit(1);
  }, DRAIN_MS_MAX);
}

/** What a relay that takes over needs of the one that runs. */
function takeOverOf(config: Config, { counts }: RelayMemory) {
  return { dataDir: config.DATA_DIR, port: config.PORT, listeners: counts.gateways };
}

/** Has the relay that runs hand over. Gateways listen first, and hold who comes. */
async function succeed(supervisor: Supervisor, notices: ServiceNotices, what: TakeOver): Promise<TakenOver> {
  notices.tell("RELOADING=1");
  try {
    await startAll(supervisor, "gateway", what.listeners, true);
    return await takeOver(what);
  } catch (error) {
    // The other process serves on.
    await notices.tell("READY=1");
    throw error;
  }
}

/** What this process is started with, and the lock on its data; null: a relay runs there, which is to hand over. */
async function readStart() {
  const environment = Deno.env.toObject();
  const path = environment[SETTINGS_FILE_VARIABLE] || null;
  const asked = await readSettings(path, environment);
  // As `deno task start` has allowed it.
  const dataDir = path === null ? asked.DATA_DIR : resolve(dirname(path), asked.DATA_DIR);
  const policyVersions = await checkPolicyFiles(asked);
  checkPlugins(asked);
  const takesOver = Deno.args.includes("--take-over");
  const free = takesOver ? await tryLockDataDir(dataDir) : await lockDataDir(dataDir);
  const port = free === null ? sharedPort(asked.PORT) : findPort(asked.HOST, asked.PORT);
  const config = { ...asked, DATA_DIR: dataDir, PORT: port };
  const key = config.RELAY_SECRET_KEY === null ? null : await openRelayKey(config.RELAY_SECRET_KEY);
  return { environment, path, asked, policyVersions, free, config, key };
}

async function main(): Promise<void> {
  const startedMs = Date.now();
  const { environment, path, asked, policyVersions, free, config, key } = await readStart();
  const memory = createRelayMemory(
    resolveWorkers(config, navigator.hardwareConcurrency),
    config.WRITE_PLUGIN !== null,
  );
  const log = new Log("main", memory.logLevel);
  const settings = new LiveSettings({ path, environment, asked, config, policyVersions, memory, log });
  // From the start: a signal that nobody listens for would end the process.
  Deno.addSignalListener("SIGHUP", () => settings.reload("SIGHUP"));
  const current = () => settings.config;
  const metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "main"));
  const libraryPath = Deno.env.get("SLUICE_NATIVE_LIBRARY") || null;
  let stop: (why: string) => Promise<void> = () => Promise.resolve();
  let letGo = () => {};
  let management: ManagementOwner | null = null;
  const supervisor = new Supervisor({
    config: current,
    memory,
    libraryPath,
    log,
    metrics,
    management: () => management!,
    handOver: () => {
      letGo();
      setTimeout(() => stop(HAND_OVER), HAND_OVER_GRACE_MS);
    },
  });
  if (key !== null) supervisor.facts.self = key.pubkey;
  supervisor.facts.startedMs = String(startedMs);
  lookAfterProcess(metrics, startedMs, { dataDir: config.DATA_DIR, libraryPath });
  const notices = openNotices(config.DATA_DIR, log);
  let lock = free;
  if (lock === null) {
    const what = takeOverOf(config, memory);
    ({ lock, letGo } = await succeed(supervisor, notices, { ...what, libraryPath, log }));
  }
  const publish = supervisor.publish.bind(supervisor);
  management = new ManagementOwner({ config: current, memory, log, key, publish });
  setInterval(() => endAtStandstill(supervisor, log), HEARTBEAT_LOOK_MS);

  // The first gateway serves while the last one starts: a signal in between has something to drain already.
  const started = startActors(supervisor, memory, free === null);
  let stopping = false;
  stop = async (why) => {
    if (stopping) return;
    stopping = true;
    log.info(`${why}: draining`);
    if (why !== HAND_OVER) notices.tell("STOPPING=1");
    const bound = boundDraining(log);
    await started;
    await stopActors(supervisor, memory);
    clearTimeout(bound);
    settings.close();
    management?.close();
    lock.release();
    // Whoever takes over has to learn that the store is free before the sockets here close.
    if (why === HAND_OVER) await new Promise((resolve) => setTimeout(resolve, HAND_OVER_LINGER_MS));
    log.info("stopped");
    Deno.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop(signal));

  await started;
  management.tellMembers();
  settings.watch();
  notices.tell("READY=1");
  sayWhatServes(config, memory, supervisor.facts);
}

function sayWhatServes(
  config: Config,
  { counts }: RelayMemory,
  facts: Readonly<Record<string, string>>,
): void {
  const scheme = config.TLS_CERT === null ? "ws" : "wss";
  const risk = config.DURABILITY === "full"
    ? "every OK is on disk"
    : "an OK survives a crash, not a power failure";
  const { gateways, verifiers, readers } = counts;
  say(`sluice ${SOFTWARE.version} serves ${scheme}://${facts.address}`);
  say(`  data         ${config.DATA_DIR}, durability ${config.DURABILITY}: ${risk}`);
  say(`  verification ${facts.verification}`);
  say(`  search       ${facts.search}`);
  for (const line of decidersOf(config)) say(line);
  say(`  threads      ${gateways} gateways, ${verifiers} verifiers, ${readers} readers, store, indexer`);
}

/** What of the operator's own decides, where anything does. */
function decidersOf({ WRITE_PLUGIN, REQUEST_PLUGIN, POLICY_FILES }: Config): string[] {
  const plugins = [
    ...(WRITE_PLUGIN === null ? [] : [`writes "${WRITE_PLUGIN}"`]),
    ...(REQUEST_PLUGIN === null ? [] : [`requests "${REQUEST_PLUGIN}"`]),
  ];
  return [
    ...(plugins.length === 0 ? [] : [`  plugins      ${plugins.join(", ")}`]),
    ...(POLICY_FILES === null ? [] : [`  policies     ${POLICY_FILES.join(", ")}`]),
  ];
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

try {
  await main();
} catch (error) {
  const message = error instanceof ConfigError ? error.message : (error as Error).message ?? String(error);
  Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
  Deno.exit(1);
}
