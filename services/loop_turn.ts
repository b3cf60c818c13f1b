/**
 * The end of a turn of a thread's event loop. While immediates are due, Deno asks the system only once in sixty-one turns
 * what has come in, however long each takes: sockets would not be read for seconds. It asks when the loop has to wait; so a
 * thread that has worked for a while waits for another thread of Deno's, to which the hash of a byte is given. That takes
 * some 25 µs, and the shortest timer two milliseconds.
 * Owned by the thread that makes it.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { LOOP_LOOK_MS } from "../lib/limits.ts";

const BYTE = new Uint8Array(1);

/** See the module's text. */
export class LoopTurn {
  /** When the system was last asked. */
  #lookedMs = performance.now();
  /** The look that is under way. */
  #look: Promise<void> | null = null;

  /** Resolves in a later turn, before which sockets were read where the thread has worked for long enough. */
  next(): Promise<void> {
    if (this.#look !== null) return this.#look;
    if (performance.now() - this.#lookedMs < LOOP_LOOK_MS) {
      return new Promise((resolve) => setImmediate(() => resolve()));
    }
    return this.#look = this.#lookNow();
  }

  async #lookNow(): Promise<void> {
    await crypto.subtle.digest("SHA-1", BYTE);
    this.#look = null;
    this.#lookedMs = performance.now();
  }
}
