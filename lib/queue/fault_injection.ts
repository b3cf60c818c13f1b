/**
 * The deaths that can be injected: what a thread does that was asked to die, so that tests and operators see what follows.
 * Runs on the thread that dies. Nothing but a request on the control socket leads here; whoever may write to that socket,
 * which only the owner of the data directory may, can end the whole process anyway.
 *
 * @module
 */

/** An error that nobody catches; a loop without an end; memory beyond the heap's limit. */
export const DEATHS = ["error", "hang", "memory"] as const;

/** A way to die. */
export type Death = typeof DEATHS[number];

/** Dies. */
export function injectFault(death: Death): never {
  if (death === "hang") spin();
  if (death === "memory") exhaust();
  throw new Error("This thread was asked to crash");
}

function spin(): never {
  for (let turns = 0;; turns++) Math.sqrt(turns);
}

function exhaust(): never {
  const hoard: number[][] = [];
  for (let n = 0;; n++) hoard.push(new Array(10_000).fill(n + 0.5));
}
