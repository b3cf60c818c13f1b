/**
 * A doorbell: how producers wake the one thread that serves an inbox of lanes.
 * The thread that sleeps owns `sleeping`, the number of its waits; any thread may ring.
 *
 * ```
 *  word 0: rings (counts up)        word 16: waits under way          word 32: stop requested (0 or 1)
 *  word 48: death requested (0, or 1 + which)                        word 64: the log is ignored (0 or 1)
 * ```
 *
 * No wake-up is lost: a producer makes its record visible, adds to `rings`, then loads `sleeping`. The sleeper loads
 * `rings`, looks into its lanes, adds to `sleeping`, then waits only while `rings` still has the value it loaded.
 * The operations are sequentially consistent, so either the producer sees `sleeping` and notifies, or the sleeper
 * sees the changed count and does not wait. A thread with an event loop may have waits that it has left. A wait is
 * capped all the same: a mistake costs milliseconds, not a hang.
 * A ring to a thread that is awake is one addition and one load, no system call.
 *
 * A follower of the log that has time may ignore the log until it wants to go on. It stops ignoring it before it looks at
 * the tail, and the store loads that word after it has published: again one of the two sees the other.
 *
 * @module
 */
import { WAIT_MS_MAX } from "../limits.ts";
import { type Death, DEATHS, injectFault } from "./fault_injection.ts";

const RINGS = 0;
const SLEEPING = 16;
const STOP = 32;
const CRASH = 48;
const LOG_IGNORED = 64;
const WORDS = 80;

/** The memory of a doorbell. */
export interface DoorbellMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Makes the memory of a doorbell. */
export function createDoorbellMemory(): DoorbellMemory {
  return { buffer: new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT) };
}

/** One thread's bell; see the module's text for the protocol. */
export class Doorbell {
  readonly #words: Int32Array;

  constructor(memory: DoorbellMemory) {
    this.#words = new Int32Array(memory.buffer);
  }

  /** Wakes the sleeper, or makes it look once more. Call it after the record is visible. */
  ring(): void {
    Atomics.add(this.#words, RINGS, 1);
    if (Atomics.load(this.#words, SLEEPING) !== 0) Atomics.notify(this.#words, RINGS);
  }

  /** Rings because the log has gone on, unless its owner ignores that. */
  ringForLog(): void {
    if (Atomics.load(this.#words, LOG_IGNORED) === 0) this.ring();
  }

  /** Set by the owner: whether the log may go on without waking it. */
  set ignoresLog(is: boolean) {
    Atomics.store(this.#words, LOG_IGNORED, is ? 1 : 0);
  }

  /** The count to hand to `wait`: load it before looking into the lanes. */
  get rings(): number {
    return Atomics.load(this.#words, RINGS);
  }

  /** Blocks until someone rings after `seen` was loaded, or the cap passes. For threads without an event loop. */
  wait(seen: number, millisecondsMax = WAIT_MS_MAX): void {
    Atomics.add(this.#words, SLEEPING, 1);
    Atomics.wait(this.#words, RINGS, seen, millisecondsMax);
    Atomics.sub(this.#words, SLEEPING, 1);
  }

  /** The same for threads with an event loop. */
  async waitAsync(seen: number, millisecondsMax = WAIT_MS_MAX): Promise<void> {
    Atomics.add(this.#words, SLEEPING, 1);
    const waiting = Atomics.waitAsync(this.#words, RINGS, seen, millisecondsMax);
    if (waiting.async) await waiting.value;
    Atomics.sub(this.#words, SLEEPING, 1);
  }

  /** Pauses a thread with an event loop, whoever rings: only a request to stop ends that sooner. */
  async restAsync(milliseconds: number): Promise<void> {
    const resting = Atomics.waitAsync(this.#words, STOP, 0, milliseconds);
    if (resting.async) await resting.value;
  }

  /** Asks the thread to finish what lies in its lanes and end. */
  requestStop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.notify(this.#words, STOP);
    this.ring();
  }

  /** Asks the thread to die in the middle of its work, once: an injected fault. */
  requestCrash(death: Death): void {
    Atomics.store(this.#words, CRASH, 1 + DEATHS.indexOf(death));
    this.ring();
  }

  /**
   * Called where a death would hurt most: something is done, and nobody knows it yet.
   *
   * @throws {Error} if the thread was asked to crash.
   */
  crashIfAsked(): void {
    if (Atomics.load(this.#words, CRASH) === 0) return;
    injectFault(DEATHS[Atomics.exchange(this.#words, CRASH, 0) - 1]!);
  }

  /** Whether the thread was asked to end. */
  get stopRequested(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }
}
