/**
 * Starts workers, starts them again when they die, and stops them: in the order of the table in `wire/actors.ts`.
 * Runs on the main thread, which owns it; the workers' lanes are in shared memory and outlive them. It hands each pair of
 * workers that the table names the two ends of a port, and never hears what is said there.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import { slotsOf } from "../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../lib/metrics/thread_metrics.ts";
import { Doorbell } from "../lib/queue/doorbell.ts";
import { createHeartbeatMemory, Watchdog } from "../lib/queue/heartbeat.ts";
import { type Actor, ACTORS, rowOf, STOP_ORDER } from "../wire/actors.ts";
import { bellOf, type RelayMemory } from "../wire/memory.ts";
import { setPhase } from "../wire/relay_phase.ts";
import type { ActorNotice, ActorReport, ActorStart } from "./actor.ts";
import type { Logger } from "./logger.ts";

const RESTARTS = slotsOf("nostr_worker_restarts_total");

/** One worker's place: it stays the same while workers come and go in it. */
interface Place {
  readonly actor: Actor;
  readonly index: number;
  worker: Worker;
  epoch: number;
  phase: "starting" | "ready" | "dead" | "stopped";
  /** A gateway that listens and does not serve yet. */
  isHeld: boolean;
  /** Of the present worker. */
  watch: Watchdog | null;
  /** Settles the start of the present worker. */
  settle: { resolve: () => void; reject: (error: Error) => void } | null;
  onDrained: (() => void) | null;
  onStopped: (() => void) | null;
}

/** What the supervisor needs; see `main.ts`. */
interface SupervisorOptions {
  /** The settings that are in force. */
  readonly config: () => Config;
  readonly memory: RelayMemory;
  readonly libraryPath: string | null;
  readonly log: Logger;
  readonly metrics: ThreadMetrics;
  /** What is known before any actor reports. */
  readonly facts: Readonly<Record<string, string>>;
  /** Another relay takes over. */
  readonly handOver: () => void;
}

/** All workers of the process; see the module's text. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: Place[] = [];
  /** What the actors reported, for those that start after them. */
  readonly facts: Record<string, string>;
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.facts = { ...options.facts };
  }

  /** Starts every actor in its order; those that are held already are opened in their place. */
  async startAll(): Promise<void> {
    for (const { name } of ACTORS) {
      const held = this.#places.filter((place) => place.actor === name && place.isHeld);
      // All at once: a gateway that listens alone for a while gets all the clients that waited for the relay.
      if (held.length > 0) await Promise.all(held.map((place) => this.#open(place)));
      else await this.#startAll(name, false);
    }
    setPhase(this.#options.memory.phase, "ready");
  }

  /** Starts the gateways: they listen, and hold whoever comes until {@linkcode startAll}. Returns their number. */
  async hold(): Promise<number> {
    await this.#startAll("gateway", true);
    return this.#places.length;
  }

  /**
   * The first worker that hangs though it should move, or null. A start may take long (a log that is read back),
   * and so may the last work of a worker that stops; both have no bound here.
   *
   * @param nowMs A clock that does not jump.
   */
  findHang(nowMs: number): string | null {
    const { STANDSTILL_MS: mostMs } = this.#options.config();
    if (mostMs === 0 || this.#stopping) return null;
    for (const { actor, index, phase, watch } of this.#places) {
      if (phase === "ready" && watch !== null && watch.stillMs(nowMs) >= mostMs) return `${actor} ${index}`;
    }
    return null;
  }

  /** Has the actors drain that let clients in, then stops every actor in its order. */
  async stopAll(): Promise<void> {
    this.#stopping = true;
    setPhase(this.#options.memory.phase, "draining");
    await Promise.all(STOP_ORDER.filter(({ drains }) => drains).map(({ name }) => this.#drain(name)));
    for (const { name, stopMsMax } of STOP_ORDER) {
      const stopped = this.#stop(name);
      if (stopMsMax === null) await stopped;
      else await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, stopMsMax))]);
    }
  }

  async #startAll(actor: Actor, isHeld: boolean): Promise<void> {
    const many = rowOf(actor).many(this.#options.memory.counts);
    await Promise.all(Array.from({ length: many }, (_, index) => this.#start(actor, index, isHeld)));
  }

  /** Starts one worker and waits until it is ready. Rejects if it fails before: then there is nothing to supervise. */
  #start(actor: Actor, index: number, isHeld: boolean): Promise<void> {
    const place: Place = {
      actor,
      index,
      worker: null as unknown as Worker,
      epoch: 0,
      phase: "starting",
      isHeld,
      watch: null,
      settle: null,
      onDrained: null,
      onStopped: null,
    };
    this.#places.push(place);
    return new Promise<void>((resolve, reject) => {
      place.settle = { resolve, reject };
      this.#spawn(place);
    });
  }

  /** Has a gateway that was started held serve; resolves when it does. */
  async #open(place: Place): Promise<void> {
    place.isHeld = false;
    // One that died since begins again, and is not held then.
    if (place.phase === "dead") return;
    await new Promise<void>((resolve, reject) => {
      place.settle = { resolve, reject };
      this.#notify(place, { type: "open", facts: { ...this.facts } });
    });
  }

  /** Asks these actors to accept nothing new; resolves when they have answered what they had. */
  async #drain(actor: Actor): Promise<void> {
    await Promise.all(
      this.#of(actor).map((place) =>
        new Promise<void>((resolve) => {
          place.onDrained = resolve;
          this.#notify(place, { type: "drain" });
        })
      ),
    );
  }

  /** Asks these actors to end, by their bells; resolves when all have. */
  async #stop(actor: Actor): Promise<void> {
    await Promise.all(
      this.#of(actor).map((place) =>
        new Promise<void>((resolve) => {
          place.onStopped = resolve;
          new Doorbell(bellOf(this.#options.memory, actor, place.index)!).requestStop();
        })
      ),
    );
  }

  #of(actor: Actor): Place[] {
    return this.#places.filter((place) => place.actor === actor && place.phase === "ready");
  }

  #spawn(place: Place): void {
    const { config, memory, libraryPath } = this.#options;
    const url = new URL(`../services/${place.actor}/worker.ts`, import.meta.url);
    place.epoch++;
    place.phase = "starting";
    place.worker = new Worker(url, { type: "module", name: `${place.actor} ${place.index}` });
    place.worker.onmessage = ({ data }) => this.#receive(place, data as ActorReport);
    place.worker.onerror = (event) => {
      event.preventDefault();
      this.#died(place, event.message);
    };
    const heartbeat = createHeartbeatMemory();
    place.watch = new Watchdog(heartbeat, performance.now());
    const start: ActorStart = {
      heartbeat,
      config: config(),
      memory,
      libraryPath,
      index: place.index,
      epoch: place.epoch,
      isHeld: place.isHeld,
      facts: { ...this.facts },
    };
    place.worker.postMessage(start);
    this.#connect(place);
  }

  /** Makes the ports of a worker that was just started, to those that run. */
  #connect(place: Place): void {
    for (const other of this.#places) {
      if (other.phase === "dead" || other.phase === "stopped") continue;
      if (asksByPort(place, other)) this.#link(place, other);
      if (asksByPort(other, place)) this.#link(other, place);
    }
  }

  #link(one: Place, other: Place): void {
    const { port1, port2 } = new MessageChannel();
    this.#notify(one, { type: "port", actor: other.actor, index: other.index, port: port1 }, [port1]);
    this.#notify(other, { type: "port", actor: one.actor, index: one.index, port: port2 }, [port2]);
  }

  #receive(place: Place, message: ActorReport): void {
    if (message.type === "drained") return place.onDrained?.();
    if (message.type === "hand-over") return this.#options.handOver();
    if (message.type === "failed") return this.#died(place, message.message);
    if (message.type === "stopped") {
      place.phase = "stopped";
      return place.onStopped?.();
    }
    if (message.type === "ready") {
      place.phase = "ready";
      Object.assign(this.facts, message.facts);
    }
    place.settle?.resolve();
    place.settle = null;
    if (message.type === "ready" && place.epoch > 1) this.#runsAgain(place);
  }

  #runsAgain({ actor, index }: Place): void {
    this.#options.log.info(`${actor} ${index} runs again`);
    for (const other of this.#places) {
      if (other.phase !== "ready" || !rowOf(other.actor).asks.includes(actor)) continue;
      this.#notify(other, { type: "restarted", actor, index });
    }
  }

  #died(place: Place, reason: string): void {
    if (place.phase === "dead" || place.phase === "stopped") return;
    place.phase = "dead";
    place.worker.terminate();
    if (place.settle) {
      place.settle.reject(new Error(reason));
      place.settle = null;
      return;
    }
    const { config, log, metrics } = this.#options;
    log.error(`${place.actor} ${place.index} died: ${reason}`);
    metrics.add(RESTARTS[place.actor], 1);
    // What waits for a dead worker would wait for ever; its lanes keep what it had not finished.
    place.onDrained?.();
    if (this.#stopping) return place.onStopped?.();
    setTimeout(() => {
      if (!this.#stopping) this.#spawn(place);
    }, config().RESTART_DELAY_MS);
  }

  #notify(place: Place, notice: ActorNotice, ports: MessagePort[] = []): void {
    place.worker.postMessage(notice, ports);
  }
}

/** Whether one asks the other by a port. */
function asksByPort(one: Place, other: Place): boolean {
  return rowOf(one.actor).asks.includes(other.actor) && rowOf(other.actor).hasPorts;
}
