/**
 * A pause of one turn of the event loop, for who reads much of the log without sending anything: sockets and timers get
 * theirs. Runs on the router's thread; no state.
 *
 * @module
 */

/** Resolves in the next turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
