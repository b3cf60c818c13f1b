/**
 * The data path of a relay without its edges: the real verifier and the real store, each on its worker, in memory as main
 * makes it. Whoever wants to be an origin or a follower finds its lanes there.
 * Runs on a test's thread; a data path belongs to the test that made it.
 *
 * @module
 */
import { type Config, readConfig } from "../../lib/config/config.ts";
import { ConfigWriter } from "../../lib/config/shared_config.ts";
import { createHeartbeatMemory } from "../../lib/queue/heartbeat.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { ManagementWriter } from "../../lib/management/change_log.ts";
import { managementPath } from "../../runtime/data_paths.ts";
import type { ActorReport, ActorStart } from "../../runtime/actor.ts";
import { createRelayMemory, type RelayMemory } from "../../wire/memory.ts";

/** The actors that it has. */
type PathActor = "verifier" | "store";

/** See the module's text. `await using` stops its workers, and removes its data. */
export class DataPath implements AsyncDisposable {
  /** One gateway's place and control's are free for origins: 0 and 1. */
  readonly memory: RelayMemory = createRelayMemory({ gateways: 1, verifiers: 1, readers: 1, plugins: 0 });
  readonly #config: Config;
  readonly #management: ManagementWriter;
  readonly #workers = new Map<PathActor, Worker>();

  /** @param env Settings, as in `.env`. */
  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#config = readConfig({ ...env, DATA_DIR: Deno.makeTempDirSync({ prefix: "sluice-path-" }) });
    new ConfigWriter(this.memory.config).publish(this.#config);
    const { DATA_DIR } = this.#config;
    this.#management = new ManagementWriter(managementPath(DATA_DIR), this.memory.managementVersion, {
      nowSeconds: () => 0,
    });
  }

  /** Starts an actor; resolves when it is ready. */
  async start(actor: PathActor): Promise<void> {
    const url = new URL(`../../services/${actor}/worker.ts`, import.meta.url);
    const worker = new Worker(url, { type: "module" });
    this.#workers.set(actor, worker);
    const start: ActorStart = {
      config: this.#config,
      memory: this.memory,
      index: 0,
      epoch: 1,
      heartbeat: createHeartbeatMemory(),
      libraryPath: null,
      isHeld: false,
      facts: {},
    };
    const ready = reported(worker, "ready");
    worker.postMessage(start);
    await ready;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [actor, worker] of this.#workers) {
      const stopped = reported(worker, "stopped");
      new Doorbell(this.memory.bells[actor][0]!).requestStop();
      await stopped;
      worker.terminate();
    }
    this.#management.close();
    await Deno.remove(this.#config.DATA_DIR, { recursive: true });
  }
}

function reported(worker: Worker, type: ActorReport["type"]): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<ActorReport>) => {
      if (data.type === type) resolve();
      else if (data.type === "failed") reject(new Error(data.message));
    };
  });
}
