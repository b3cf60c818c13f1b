/**
 * What every worker is told at its start, and what it tells main. Both travel by `postMessage`, once each:
 * after that all traffic is in lanes.
 *
 * @module
 */
import type { Config } from "../lib/config.ts";
import type { RelayMemory } from "./memory.ts";

/** Main to worker, the first message. */
export interface ActorStart {
  readonly config: Config;
  readonly memory: RelayMemory;
  /** Which of its kind this worker is. */
  readonly index: number;
  /** Counts the starts of this worker: whatever belongs to an earlier life is told apart by it. */
  readonly epoch: number;
  /** The verification library that was built at set-up, or null. */
  readonly libraryPath: string | null;
  /** What other actors reported when they were ready: what serves, for `/health` and the log. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Worker to main. */
export type ActorReport =
  | { readonly type: "ready"; readonly facts: Readonly<Record<string, string>> }
  /** The worker has finished what lay in its lanes and ends. */
  | { readonly type: "stopped" };

/** Main to a gateway, while it runs. */
export type GatewayNotice =
  /** No new connections; open ones go on until their events are answered. */
  | { readonly type: "drain" }
  /** A reader was started anew: what it had not answered must be asked again. */
  | { readonly type: "reader-restarted"; readonly reader: number };

/** Runs `start` when main's first message comes. A failure at start is the worker's death: the supervisor sees it. */
export function onStart(start: (message: ActorStart) => Promise<void> | void): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = (message) => {
    scope.onmessage = null;
    // An error in a promise would be an unhandled rejection, which ends a worker as well, with less of a message.
    Promise.resolve(start(message.data as ActorStart)).catch((error) => {
      scope.reportError(error);
      scope.close();
    });
  };
}

/** Tells main. */
export function report(message: ActorReport): void {
  (globalThis as unknown as WorkerScope).postMessage(message);
}

/** Ends this worker's thread. */
export function endWorker(): void {
  (globalThis as unknown as WorkerScope).close();
}

/** The part of a worker's global scope in use; Deno's types for it need a library of their own. */
interface WorkerScope {
  onmessage: ((message: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  reportError(error: unknown): void;
  close(): void;
}
