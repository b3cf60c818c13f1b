/**
 * Where the relay is in its life, as one number in shared memory: whichever gateway is asked for `/ready`, the answer is
 * the same.
 * Main's thread writes it, gateways' threads read it.
 *
 * @module
 */

const PHASES = ["starting", "ready", "draining"] as const;

/** `ready` when every actor runs; `draining` from the moment that the relay is asked to end. */
export type Phase = typeof PHASES[number];

/** Makes the shared number: `starting`. */
export function createPhase(): SharedArrayBuffer {
  return new SharedArrayBuffer(4);
}

/** Changes it, for every thread at once. */
export function setPhase(memory: SharedArrayBuffer, phase: Phase): void {
  Atomics.store(new Int32Array(memory), 0, PHASES.indexOf(phase));
}

/** What it is now. */
export function phaseOf(memory: SharedArrayBuffer): Phase {
  return PHASES[Atomics.load(new Int32Array(memory), 0)]!;
}
