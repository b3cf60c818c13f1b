/**
 * The end of a turn, for sockets that have had their share of it.
 * Runs on the gateway's thread, whose resting sockets it counts.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { SOCKET_SHORT_RESTS_MAX } from "../../lib/limits.ts";

let resting = 0;

/** Sockets that have not been read to the end, because others have their turn. */
export function restingSockets(): number {
  return resting;
}

/**
 * Calls back in a later turn. `rests` counts those of the socket so far: while immediates are due, the runtime hardly asks
 * the system what else has come in, and does so when it waits for a timer; so now and then it has to.
 */
export function afterTurn(rests: number, resume: () => void): void {
  resting++;
  const wake = () => {
    resting--;
    resume();
  };
  if (rests % (SOCKET_SHORT_RESTS_MAX + 1) === SOCKET_SHORT_RESTS_MAX) setTimeout(wake);
  else setImmediate(wake);
}
