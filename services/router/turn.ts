/**
 * Turns of the event loop, for whoever reads much of the log: sockets and timers get theirs in between.
 * Runs on the router's thread, which owns it.
 *
 * @module
 */
import { immediate } from "../../runtime/loop_turn.ts";

/** Turns of those who read rows of SQLite: one a turn, in the order in which they came, so that many are no burden. */
export class ReadTurns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn. */
  next(): Promise<void> {
    return this.#last = this.#last.then(immediate);
  }
}
