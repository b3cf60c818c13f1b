/**
 * What every worker is told at its start and while it runs, and what it tells main: its life, and nothing of its work.
 * All of it travels by `postMessage`; the work is in lanes, and in ports between two workers. Runs on each worker's thread.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import { HEARTBEAT_MS } from "../lib/limits.ts";
import { Heartbeat, type HeartbeatMemory } from "../lib/queue/heartbeat.ts";
import type { Actor } from "../wire/actors.ts";
import type { RelayMemory } from "../wire/memory.ts";

/** Main to worker, the first message. */
export interface ActorStart {
  readonly config: Config;
  readonly memory: RelayMemory;
  /** Which of its kind this worker is. */
  readonly index: number;
  /** Counts the starts of this worker: whatever belongs to an earlier life is told apart by it. */
  readonly epoch: number;
  /** By which main sees that this worker moves. */
  readonly heartbeat: HeartbeatMemory;
  /** The verification library that was built at set-up, or null. */
  readonly libraryPath: string | null;
  /** A gateway that takes over from another process: it listens, and serves when it is told to. */
  readonly isHeld: boolean;
  /** What other actors reported when they were ready: what serves, for `/health` and the log. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Worker to main, once each. */
export type ActorReport =
  /** A gateway that is held has its port; its clients wait. */
  | { readonly type: "listening" }
  | { readonly type: "ready"; readonly facts: Readonly<Record<string, string>> }
  /** The worker could not start; the message says why. */
  | { readonly type: "failed"; readonly message: string }
  /** The gateway accepts nothing new, and every event it had passed on is answered. */
  | { readonly type: "drained" }
  /** A relay that takes over has asked this one to end. */
  | { readonly type: "hand-over" }
  /** The worker has finished what lay in its lanes and ends. */
  | { readonly type: "stopped" };

/**
 * Main to a worker: its port to another, which asks it or which it asks (`wire/actors.ts`). Comes after each start of
 * either; the port before it leads to nobody.
 */
export interface PortNotice {
  readonly type: "port";
  /** The other. */
  readonly actor: Actor;
  readonly index: number;
  readonly port: MessagePort;
}

/** What main says to a worker while it runs. */
export type ActorNotice =
  /** The store is ours: a gateway that was held serves. */
  | { readonly type: "open"; readonly facts: ActorStart["facts"] }
  /** No new connections; open ones go on until their events are answered. */
  | { readonly type: "drain" }
  /** A worker that this one asks was started anew: what it had not answered must be asked again. */
  | { readonly type: "restarted"; readonly actor: Actor; readonly index: number }
  | PortNotice;

let isReady = false;

/**
 * Runs `start` when main's first message comes. What it throws before the worker is ready is reported: an operator can
 * do something about it. What it throws later is a fault, and the worker's death: the supervisor sees it.
 */
export function onStart(
  start: (message: ActorStart) => Promise<void> | void,
  onNotice?: (notice: ActorNotice) => void,
): void {
  const scope = globalThis as unknown as WorkerScope;
  let started = false;
  // The listener stays: without one, Deno ends a worker whose only pending work is `Atomics.waitAsync`.
  scope.onmessage = (message) => {
    if (started) return onNotice?.(message.data as ActorNotice);
    started = true;
    (async () => await start(message.data as ActorStart))().catch((error) => {
      if (!isReady) {
        return report({ type: "failed", message: error instanceof Error ? error.message : `${error}` });
      }
      // The error becomes the worker's own, so that the supervisor hears of it.
      setTimeout(() => {
        throw error;
      }, 0);
    });
  };
}

/** Tells main. */
export function report(message: ActorReport): void {
  isReady ||= message.type === "ready";
  (globalThis as unknown as WorkerScope).postMessage(message);
}

/** Beats for a worker whose loop waits for others, for as long as its thread runs at all. */
export function beatByTimer({ heartbeat }: ActorStart): void {
  const heart = new Heartbeat(heartbeat);
  setInterval(() => heart.beat(), HEARTBEAT_MS);
}

/** Ends this worker's thread. */
export function endWorker(): void {
  (globalThis as unknown as WorkerScope).close();
}

/** The part of a worker's global scope in use; Deno's types for it need a library of their own. */
interface WorkerScope {
  onmessage: ((message: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}
