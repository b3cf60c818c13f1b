/**
 * The end of a turn, for sockets that have had their share of it.
 * Runs on the gateway's thread; no state.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { SOCKET_SHORT_RESTS_MAX } from "../../lib/limits.ts";

/**
 * Calls back in a later turn. `rests` counts those of the socket so far: while immediates are due, the runtime hardly asks
 * the system what else has come in, and does so when it waits for a timer; so now and then it has to.
 */
export function afterTurn(rests: number, resume: () => void): void {
  if (rests % (SOCKET_SHORT_RESTS_MAX + 1) === SOCKET_SHORT_RESTS_MAX) setTimeout(resume);
  else setImmediate(resume);
}
