/**
 * Starts workers, starts them again when they die, and stops them.
 * Runs on the main thread, which owns it; the workers' lanes are in shared memory and outlive them.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import type { ManagementReply } from "../lib/management/rpc.ts";
import { slotsOf } from "../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../lib/metrics/thread_metrics.ts";
import { createHeartbeatMemory, HeartbeatWatch } from "../lib/queue/heartbeat.ts";
import type { ActorNotice, ActorReport, ActorStart } from "./actor.ts";
import type { MemberAnswer } from "../lib/management/membership.ts";
import type { InviteAnswer, MemberRequest } from "../wire/notices.ts";
import type { Log } from "./log.ts";
import type { Actor, RelayMemory } from "../wire/memory.ts";
import { setPhase } from "../wire/relay_phase.ts";

/** The actors that are workers. */
export type WorkerActor = Exclude<Actor, "main">;

const RESTARTS = slotsOf("nostr_worker_restarts_total");

/** One worker's place: it stays the same while workers come and go in it. */
interface Place {
  readonly actor: WorkerActor;
  readonly index: number;
  worker: Worker;
  epoch: number;
  phase: "starting" | "ready" | "dead" | "stopped";
  /** A gateway that listens and does not serve yet. */
  isHeld: boolean;
  /** Of the present worker. */
  watch: HeartbeatWatch | null;
  /** Settles the start of the present worker. */
  settle: { resolve: () => void; reject: (error: Error) => void } | null;
  onDrained: (() => void) | null;
  onStopped: (() => void) | null;
}

/** What workers ask of the owner of the operator's decisions. */
export interface Management {
  /** Answers the body of a request to manage the relay. */
  answer(body: string): ManagementReply;
  /** Takes a report (NIP-56) that was stored. */
  reported(text: string): void;
  /** Answers who asks to join or leave the relay (NIP-43). */
  answerMember(text: string): MemberAnswer;
  /** Makes an invite code. */
  invite(keys: readonly string[]): InviteAnswer;
  /** Says again who the members are: what was said may be lost. */
  tellMembers(): void;
}

/** What the supervisor needs; see `main.ts`. */
export interface SupervisorOptions {
  /** The settings that are in force. */
  readonly config: () => Config;
  readonly memory: RelayMemory;
  readonly libraryPath: string | null;
  readonly log: Log;
  readonly metrics: ThreadMetrics;
  /** Another relay takes over. */
  readonly handOver: () => void;
  /** The owner of the operator's decisions; there before any actor is started. */
  readonly management: () => Management;
}

/** All workers of the process; see the module's text. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: Place[] = [];
  /** What the actors reported, for those that start after them. */
  readonly facts: Record<string, string> = {};
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Starts one worker and waits until it is ready. Rejects if it fails before: then there is nothing to supervise. */
  async start(actor: WorkerActor, index = 0, isHeld = false): Promise<void> {
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
    await new Promise<void>((resolve, reject) => {
      place.settle = { resolve, reject };
      this.#spawn(place);
    });
  }

  /**
   * The first worker that stands still though it should move, or null. A start may take long (a log that is read back),
   * and so may the last work of a worker that stops; both have no bound here.
   *
   * @param nowMs A clock that does not jump.
   */
  findStandstill(nowMs: number): string | null {
    const { STANDSTILL_MS: mostMs } = this.#options.config();
    if (mostMs === 0 || this.#stopping) return null;
    for (const { actor, index, phase, watch } of this.#places) {
      if (phase === "ready" && watch !== null && watch.stillMs(nowMs) >= mostMs) return `${actor} ${index}`;
    }
    return null;
  }

  /** Has gateways that were started held serve; resolves when they do. */
  async open(): Promise<void> {
    await Promise.all(
      this.#places.filter((place) => place.isHeld).map((place) => {
        place.isHeld = false;
        // One that died since begins again, and is not held then.
        if (place.phase === "dead") return;
        return new Promise<void>((resolve, reject) => {
          place.settle = { resolve, reject };
          this.#notify(place, { type: "open", facts: { ...this.facts } });
        });
      }),
    );
  }

  /** Every actor runs: `/ready` says so from now on. */
  announce(): void {
    setPhase(this.#options.memory.phase, "ready");
  }

  /** Has control send events of the relay's own. Returns false while there is no control. */
  publish(events: readonly string[]): boolean {
    const [control] = this.#of("control");
    if (control !== undefined) this.#notify(control, { type: "publish", events });
    return control !== undefined;
  }

  /** Asks all gateways to accept nothing new; resolves when they have answered what they had. */
  async drainGateways(): Promise<void> {
    this.#stopping = true;
    setPhase(this.#options.memory.phase, "draining");
    await Promise.all(
      this.#of("gateway").map((place) =>
        new Promise<void>((resolve) => {
          place.onDrained = resolve;
          this.#notify(place, { type: "drain" });
        })
      ),
    );
  }

  /** Resolves when every worker of this kind has ended; `request` asks them to (by their doorbells). */
  async stop(actor: WorkerActor, request: (index: number) => void): Promise<void> {
    this.#stopping = true;
    await Promise.all(
      this.#of(actor).map((place) =>
        new Promise<void>((resolve) => {
          place.onStopped = resolve;
          request(place.index);
        })
      ),
    );
  }

  #of(actor: WorkerActor): Place[] {
    return this.#places.filter((place) => place.actor === actor && place.phase === "ready");
  }

  #spawn(place: Place): void {
    const { config, memory, libraryPath } = this.#options;
    const url = new URL(`../services/${place.actor}/worker.ts`, import.meta.url);
    place.epoch++;
    place.phase = "starting";
    place.worker = new Worker(url, { type: "module", name: `${place.actor} ${place.index}` });
    place.worker.onmessage = ({ data }) => this.#take(place, data as ActorReport);
    place.worker.onerror = (event) => {
      event.preventDefault();
      this.#died(place, event.message);
    };
    const heartbeat = createHeartbeatMemory();
    place.watch = new HeartbeatWatch(heartbeat, performance.now());
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
  }

  #take(place: Place, message: ActorReport): void {
    const { management } = this.#options;
    if (message.type === "drained") return place.onDrained?.();
    if (message.type === "hand-over") return this.#options.handOver();
    if (message.type === "listening") {
      place.settle?.resolve();
      place.settle = null;
      return;
    }
    if (message.type === "manage") {
      const reply = management().answer(message.body);
      return this.#notify(place, { type: "managed", number: message.number, reply });
    }
    if (message.type === "invite") {
      const answer = management().invite(message.keys);
      return this.#notify(place, { type: "invited", number: message.number, answer });
    }
    if (message.type === "member-request") return this.#answerMember(message);
    if (message.type === "reported") return management().reported(message.text);
    if (message.type === "failed") return this.#died(place, message.message);
    if (message.type === "stopped") {
      place.phase = "stopped";
      return place.onStopped?.();
    }
    place.phase = "ready";
    Object.assign(this.facts, message.facts);
    place.settle?.resolve();
    place.settle = null;
    if (place.epoch === 1) return;
    this.#options.log.info(`${place.actor} ${place.index} runs again`);
    if (place.actor === "control") management().tellMembers();
    if (place.actor !== "reader") return;
    for (const gateway of this.#of("gateway")) {
      this.#notify(gateway, { type: "reader-restarted", reader: place.index });
    }
  }

  /** The gateway answers its client; one that has died since has no clients. */
  #answerMember({ text, gateway, epoch, connection, receivedAtMs }: MemberRequest): void {
    const { accepted, message } = this.#options.management().answerMember(text);
    const { id } = JSON.parse(text) as { id: string };
    const place = this.#of("gateway").find(({ index }) => index === gateway);
    if (place === undefined) return;
    this.#notify(place, {
      type: "member-answer",
      epoch,
      connection,
      receivedAtMs,
      id,
      accepted,
      message,
    });
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

  #notify(place: Place, notice: ActorNotice): void {
    place.worker.postMessage(notice);
  }
}
