/**
 * The end of a turn of a thread's event loop. While immediates are due, Deno asks the system only once in sixty-one turns
 * what has come in, however long each takes: sockets would not be read for seconds. It asks when the loop has to wait; so a
 * thread that has worked for a while waits for another thread of Deno's, to which the hash of a byte is given. That takes
 * some 25 µs, and the shortest timer two milliseconds. And of all that Deno's own sockets have to write it writes so many
 * frames a turn: where more wait, nobody is read, so that whoever has many written turns until they are.
 * Owned by the thread that makes it.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { LOOP_LOOK_MS, LOOP_WRITES_PER_TURN } from "../lib/limits.ts";

const BYTE = new Uint8Array(1);

/** See the module's text. */
export class LoopTurn {
  /** When the system was last asked. */
  #lookedMs = performance.now();
  /** The turn that is waited for. */
  #next: Promise<void> | null = null;
  #begun: PromiseWithResolvers<void> | null = null;
  /** Frames that were given to Deno since then. */
  #written = 0;

  /** A frame was given to a socket of Deno's. */
  wrote(): void {
    this.#written++;
  }

  /**
   * Resolves when a turn is waited for. While a thread works turn by turn, it may be a second until what wakes a wait for
   * memory gets through.
   */
  begun(): Promise<void> {
    return (this.#begun ??= Promise.withResolvers()).promise;
  }

  /** Resolves in a later turn, before which sockets were read where the thread has worked for long enough. */
  next(): Promise<void> {
    this.#begun?.resolve();
    this.#begun = null;
    return this.#next ??= this.#turn();
  }

  async #turn(): Promise<void> {
    for (; this.#written > LOOP_WRITES_PER_TURN; this.#written -= LOOP_WRITES_PER_TURN) await immediate();
    this.#written = 0;
    if (performance.now() - this.#lookedMs < LOOP_LOOK_MS) await immediate();
    else {
      await crypto.subtle.digest("SHA-1", BYTE);
      this.#lookedMs = performance.now();
    }
    this.#next = null;
  }
}

/** Resolves in the next turn of the loop. */
export function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}
