/**
 * A heartbeat: how a thread shows that it moves, and how main finds out that it does not.
 * The thread that beats owns the count, main reads it; a heartbeat belongs to one life of one worker.
 *
 * ```
 *  word 0: beats (counts up, and wraps)
 * ```
 *
 * DESIGN. A thread that dies is seen at once; a thread in an endless loop is not, and Deno cannot end it:
 * `Worker.terminate()` ends a loop of JavaScript neither at once nor later. So each actor's loop counts its turns, and
 * main compares the count with what it saw before. Only main's own looks count as time: where main itself did not run
 * (the machine was suspended, or had no core for it), nobody can be blamed for that time.
 *
 * @module
 */

import { HEARTBEAT_LOOK_MS } from "../limits.ts";

/** The most of the time between two looks that counts against a thread, ms. */
const LOOK_MS_MAX = 2 * HEARTBEAT_LOOK_MS;

/** The memory of a heartbeat. */
export interface HeartbeatMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Makes the memory of a heartbeat. */
export function createHeartbeatMemory(): HeartbeatMemory {
  return { buffer: new SharedArrayBuffer(4) };
}

/** The thread's side. */
export class Heartbeat {
  readonly #beats: Int32Array;

  constructor(memory: HeartbeatMemory) {
    this.#beats = new Int32Array(memory.buffer);
  }

  /** Says that the thread moves. Costs an atomic addition. */
  beat(): void {
    Atomics.add(this.#beats, 0, 1);
  }
}

/**
 * Main's side.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createHeartbeatMemory, Heartbeat, Watchdog } from "./heartbeat.ts";
 *
 * const memory = createHeartbeatMemory();
 * const watch = new Watchdog(memory, 0);
 * assertEquals(watch.stillMs(500), 500);
 * new Heartbeat(memory).beat();
 * assertEquals(watch.stillMs(1_000), 0);
 * ```
 */
export class Watchdog {
  readonly #beats: Int32Array;
  #seen: number;
  #lookedMs: number;
  #stillMs = 0;

  /** @param nowMs Any clock that does not jump; the same one as for {@linkcode Watchdog.stillMs}. */
  constructor(memory: HeartbeatMemory, nowMs: number) {
    this.#beats = new Int32Array(memory.buffer);
    this.#seen = Atomics.load(this.#beats, 0);
    this.#lookedMs = nowMs;
  }

  /** Looks, and tells for how long the thread has hung, ms. */
  stillMs(nowMs: number): number {
    const beats = Atomics.load(this.#beats, 0);
    this.#stillMs = beats === this.#seen ? this.#stillMs + Math.min(nowMs - this.#lookedMs, LOOK_MS_MAX) : 0;
    this.#seen = beats;
    this.#lookedMs = nowMs;
    return this.#stillMs;
  }
}
