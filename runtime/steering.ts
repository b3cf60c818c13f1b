/**
 * Which of the processes that share a port gets new connections, by the native library (`native/listeners.c`).
 * Runs on the main thread; no state of its own, the kernel keeps the choice with the sockets.
 *
 * @module
 */
import { openNativeLibrary } from "../lib/native/library.ts";

/** Sockets of a port, by the order in which they began to listen. */
interface SocketRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Has the kernel give new connections to these sockets only, or to all again (null).
 *
 * @param libraryPath The native library; null: there is none, and nothing is steered.
 * @returns whether that was done.
 */
export function steerListeners(libraryPath: string | null, port: number, to: SocketRange | null): boolean {
  if (libraryPath === null) return false;
  const library = openNativeLibrary(libraryPath);
  try {
    return library.symbols.sluice_steer_listeners(port, to?.first ?? 0, to?.count ?? 0) === 1;
  } finally {
    library.close();
  }
}
