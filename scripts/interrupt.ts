/**
 * Ctrl-C in a command that can say how far it came: the first one ends its input, the second one the process.
 * Runs in the process of a command.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { IMPORT_LINE_BYTES_MAX } from "../lib/limits.ts";

const LINE_FEED = 10;
/** The exit code of a command that was stopped by SIGINT: 128 and the signal's number. */
export const EXIT_INTERRUPTED = 130;

/** Listens for SIGINT and SIGTERM from now on. */
export function onInterrupt(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      if (stop.signal.aborted) Deno.exit(EXIT_INTERRUPTED);
      stop.abort();
    });
  }
  return stop.signal;
}

/**
 * The pieces of a stream of lines until the signal; a piece that is awaited then is given up, and so is the line that was
 * not whole yet.
 */
export async function* linesUntil(
  stop: AbortSignal,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const stopped = stoppedBy(stop);
  const iterator = pieces[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array(0);
  while (true) {
    const next = await Promise.race([iterator.next(), stopped]);
    if (next === null) return;
    if (next.done) break;
    const whole = next.value.lastIndexOf(LINE_FEED) + 1;
    const isTooLong = held.length + next.value.length > IMPORT_LINE_BYTES_MAX;
    const end = whole === 0 && isTooLong ? next.value.length : whole;
    if (end > 0) {
      if (held.length > 0) yield held;
      yield next.value.subarray(0, end);
      held = next.value.slice(end);
    } else held = Buffer.concat([held, next.value]);
    if (stop.aborted) return;
  }
  if (held.length > 0) yield held;
}

/** Resolves with null when the signal comes. */
export function stoppedBy(stop: AbortSignal): Promise<null> {
  if (stop.aborted) return Promise.resolve(null);
  return new Promise((resolve) => stop.addEventListener("abort", () => resolve(null), { once: true }));
}
