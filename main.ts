/**
 * Sluice: reads the configuration, makes the shared memory, starts the actors, and stops them at a signal or for another
 * process. Wiring only; runs on the main thread, which owns the supervisor and the process.
 *
 * Start it by `deno task start`, which prepares the native library and grants the permissions the configuration needs.
 *
 * @module
 */
import { HAND_OVER_GRACE_MS, HAND_OVER_LINGER_MS } from "./lib/limits.ts";
import { ThreadMetrics } from "./lib/metrics/thread_metrics.ts";
import { sayWhatServes } from "./runtime/banner.ts";
import type { DataDirLock } from "./runtime/data_dir.ts";
import { noticePath } from "./runtime/data_paths.ts";
import { LiveSettings } from "./runtime/live_settings.ts";
import { Logger } from "./runtime/logger.ts";
import { boundDraining, endAtHang, lookAfterProcess } from "./runtime/process_care.ts";
import { type ProcessStart, readProcessStart } from "./runtime/process_start.ts";
import { ServiceNotices } from "./runtime/service_notices.ts";
import { Supervisor } from "./runtime/supervisor.ts";
import { takeOver } from "./runtime/take_over.ts";
import { actorCounts, threadNumber } from "./wire/actors.ts";
import { createRelayMemory } from "./wire/memory.ts";

/** Why this process stops, where another takes over. */
const HAND_OVER = "another process takes over";

/** One process of the relay, from its start to its end. */
class Relay {
  readonly #start: ProcessStart;
  readonly #log: Logger;
  readonly #settings: LiveSettings;
  readonly #supervisor: Supervisor;
  readonly #notices: ServiceNotices;
  readonly #counts;
  #lock: DataDirLock | null;
  #started = Promise.resolve();
  #isStopping = false;
  /** Leaves the sockets to the next process. */
  #letGo = () => {};

  constructor(start: ProcessStart, startedMs: number) {
    const { config, self, libraryPath } = start;
    const memory = createRelayMemory(
      actorCounts(config, navigator.hardwareConcurrency),
      config.UPSTREAM_BLOOM_IDS,
    );
    const log = new Logger("main", memory.logLevel);
    const metrics = new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "main"));
    this.#start = start;
    this.#lock = start.lock;
    this.#counts = memory.counts;
    this.#log = log;
    this.#settings = new LiveSettings({ ...start, memory, log });
    this.#supervisor = new Supervisor({
      config: () => this.#settings.config,
      memory,
      libraryPath,
      log,
      metrics,
      facts: { startedMs: String(startedMs), ...(self !== null && { self }) },
      handOver: () => this.#handOver(),
    });
    this.#notices = new ServiceNotices(Deno.env.get("NOTIFY_SOCKET"), noticePath(config.DATA_DIR), log);
    this.#notices.keepTelling(Deno.env.get("WATCHDOG_USEC"));
    lookAfterProcess({ metrics, startedMs, dataDir: config.DATA_DIR, libraryPath });
  }

  /** Takes the store, starts every actor, and serves. */
  async serve(): Promise<void> {
    const { config, libraryPath } = this.#start;
    const [supervisor, notices, log] = [this.#supervisor, this.#notices, this.#log];
    // From the start: a signal that nobody listens for would end the process.
    Deno.addSignalListener("SIGHUP", () => this.#settings.reload("SIGHUP"));
    if (this.#lock === null) {
      const taken = await takeOver({ config, supervisor, notices, libraryPath, log });
      this.#lock = taken.lock;
      this.#letGo = () => taken.letGo();
    }
    endAtHang(supervisor, log);
    // The first gateway serves while the last one starts: a signal in between has something to drain already.
    this.#started = supervisor.startAll();
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => this.#stop(signal));
    }
    await this.#started;
    this.#settings.watch();
    notices.tell("READY=1");
    sayWhatServes(config, this.#counts, supervisor.facts);
  }

  /** Another process has its own sockets on the port, and waits for the store. */
  #handOver(): void {
    this.#letGo();
    setTimeout(() => this.#stop(HAND_OVER), HAND_OVER_GRACE_MS);
  }

  /** Answers what came, stops every actor, gives the store back, and ends the process. */
  async #stop(why: string): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#log.info(`${why}: draining`);
    if (why !== HAND_OVER) this.#notices.tell("STOPPING=1");
    const callOff = boundDraining(this.#log);
    await this.#started;
    await this.#supervisor.stopAll();
    callOff();
    this.#settings.close();
    this.#lock?.release();
    // Whoever takes over has to learn that the store is free before the sockets here close.
    if (why === HAND_OVER) await new Promise((resolve) => setTimeout(resolve, HAND_OVER_LINGER_MS));
    this.#log.info("stopped");
    Deno.exit(0);
  }
}

try {
  const startedMs = Date.now();
  await new Relay(await readProcessStart(), startedMs).serve();
} catch (error) {
  Deno.stderr.writeSync(new TextEncoder().encode(`${(error as Error).message ?? String(error)}\n`));
  Deno.exit(1);
}
