/**
 * Turns of the event loop, for whoever reads much of the log: sockets and timers get theirs in between.
 * Runs on the router's thread, which owns it.
 *
 * @module
 */

/** Resolves in the next turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

/** Turns of those who read rows of SQLite: one a turn, in the order in which they came, so that many are no burden. */
export class ReadTurns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn. */
  next(): Promise<void> {
    return this.#last = this.#last.then(turn);
  }
}
