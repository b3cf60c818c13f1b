/**
 * The least that is logged, as one number in shared memory: all threads' logs follow a change at once.
 * Main's thread writes it, every thread reads it.
 *
 * @module
 */

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Makes the shared number by which all threads' logs know the least that is logged. */
export function createLogLevel(level: LogLevel): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(4);
  setLogLevel(memory, level);
  return memory;
}

/** Changes it, for every thread at once. */
export function setLogLevel(memory: SharedArrayBuffer, level: LogLevel): void {
  Atomics.store(new Int32Array(memory), 0, LOG_LEVELS.indexOf(level));
}
