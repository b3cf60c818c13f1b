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
import { ConfigError, resolveWorkers } from "./lib/config.ts";
import { DRAIN_MS_MAX, EXIT_STANDSTILL, INDEXER_STOP_MS_MAX } from "./lib/limits.ts";
import { slotOf } from "./lib/metrics/layout.ts";
import { HEARTBEAT_LOOK_MS } from "./lib/queue/heartbeat.ts";
import { writeProcessSample } from "./lib/metrics/process_metrics.ts";
import { ThreadMetrics } from "./lib/metrics/thread_metrics.ts";
import { Doorbell, type DoorbellMemory } from "./lib/queue/doorbell.ts";
import { freeBytesOf, lockDataDir } from "./services/data_dir.ts";
import { LiveSettings } from "./services/live_settings.ts";
import { Log } from "./services/log.ts";
import { controlOrigin, createRelayMemory, type RelayMemory, threadNumber } from "./services/memory.ts";
import { ManagementOwner } from "./services/management/owner.ts";
import { checkPolicyFiles } from "./services/policy_files.ts";
import { readSettings, SETTINGS_FILE_VARIABLE } from "./services/settings_file.ts";
import { SOFTWARE } from "./services/software.ts";
import { Supervisor, type WorkerActor } from "./services/supervisor.ts";

/** How often the process's own memory and CPU are sampled, ms. */
const SAMPLE_INTERVAL_MS = 1_000;

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

async function startActors(supervisor: Supervisor, { counts, asked }: RelayMemory): Promise<void> {
  const startAll = (actor: WorkerActor, count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => supervisor.start(actor, index)));
  await supervisor.start("store");
  if (asked.length > 0) await supervisor.start("plugin");
  await startAll("verifier", counts.verifiers);
  await supervisor.start("indexer");
  await startAll("reader", counts.readers);
  await supervisor.start("control");
  // All at once: whoever listens alone for a while gets all the clients that waited for the relay.
  await startAll("gateway", counts.gateways);
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

/** Measures the process from now on. */
function startSampling(
  metrics: ThreadMetrics,
  startedMs: number,
  dataDir: string,
): ReturnType<typeof setInterval> {
  const sample = () => {
    const { user, system } = process.cpuUsage();
    writeProcessSample(metrics, {
      residentBytes: Deno.memoryUsage().rss,
      cpuSeconds: (user + system) / 1e6,
      startSeconds: startedMs / 1000,
      freeBytes: freeBytesOf(dataDir),
    });
  };
  sample();
  return setInterval(sample, SAMPLE_INTERVAL_MS);
}

async function main(): Promise<void> {
  const environment = Deno.env.toObject();
  const path = environment[SETTINGS_FILE_VARIABLE] || null;
  const asked = await readSettings(path, environment);
  const startedMs = Date.now();
  // As `deno task start` has allowed it.
  const dataDir = path === null ? asked.DATA_DIR : resolve(dirname(path), asked.DATA_DIR);
  const policyVersions = await checkPolicyFiles(asked);
  const lock = await lockDataDir(dataDir);
  const config = { ...asked, DATA_DIR: dataDir, PORT: findPort(asked.HOST, asked.PORT) };
  const memory = createRelayMemory(
    resolveWorkers(config, navigator.hardwareConcurrency),
    config.WRITE_PLUGIN !== null,
  );
  const log = new Log("main", memory.logLevel);
  const settings = new LiveSettings({ path, environment, asked, config, policyVersions, memory, log });
  const current = () => settings.config;
  const metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "main"));
  const libraryPath = Deno.env.get("SLUICE_NATIVE_LIBRARY") || null;
  const management = new ManagementOwner(current, memory, log);
  const manage = (body: string) => management.answer(body);
  const reported = (text: string) => management.reported(text);
  const supervisor = new Supervisor({ config: current, memory, libraryPath, log, metrics, manage, reported });
  supervisor.facts.startedMs = String(startedMs);
  const sampling = startSampling(metrics, startedMs, dataDir);
  metrics.set(slotOf("nostr_process_restarts_total"), Number(Deno.env.get("SLUICE_PROCESS_RESTARTS")) || 0);

  const watching = setInterval(() => endAtStandstill(supervisor, log), HEARTBEAT_LOOK_MS);

  // The first gateway serves while the last one starts: a signal in between has something to drain already.
  const started = startActors(supervisor, memory);
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info(`${signal}: draining`);
    const bound = setTimeout(() => {
      log.error(`Cannot drain: not finished after ${DRAIN_MS_MAX} ms`);
      Deno.exit(1);
    }, DRAIN_MS_MAX);
    await started;
    await stopActors(supervisor, memory);
    clearTimeout(bound);
    clearInterval(sampling);
    settings.close();
    clearInterval(watching);
    management.close();
    lock.release();
    log.info("stopped");
    Deno.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop(signal));

  Deno.addSignalListener("SIGHUP", () => settings.reload("SIGHUP"));

  await started;
  settings.watch();
  const { facts } = supervisor;
  const { gateways, verifiers, readers } = memory.counts;
  const scheme = config.TLS_CERT === null ? "ws" : "wss";
  const risk = config.DURABILITY === "full"
    ? "every OK is on disk"
    : "an OK survives a crash, not a power failure";
  say(`sluice ${SOFTWARE.version} serves ${scheme}://${facts.address}`);
  say(`  data         ${config.DATA_DIR}, durability ${config.DURABILITY}: ${risk}`);
  say(`  verification ${facts.verification}`);
  say(`  search       ${facts.search}`);
  say(`  threads      ${gateways} gateways, ${verifiers} verifiers, ${readers} readers, store, indexer`);
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
