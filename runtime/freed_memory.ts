/**
 * Gives memory back to the system that threads have freed, by the native library (`native/memory.c`).
 * Runs on the main thread, which owns the timer; the call itself runs on a thread of Deno's.
 *
 * Why: glibc keeps an arena a thread and returns its end only. A page cache that one thread fills and another empties,
 * or a long transaction, leaves holes that nobody else may use.
 *
 * @module
 */
import { openNativeLibrary } from "../lib/native/library.ts";

/** Gives back once, when it is asked to. */
interface Trim extends Disposable {
  run(): Promise<void>;
}

/**
 * Does so every `intervalMs`, for as long as the process lives.
 *
 * @param libraryPath The native library; null, or one that does not load: the allocator keeps what it has.
 */
export function keepGivingBack(libraryPath: string | null, intervalMs: number): void {
  const trim = openTrim(libraryPath);
  if (trim !== null) setInterval(() => trim.run(), intervalMs);
}

/** Null where there is no library. */
export function openTrim(libraryPath: string | null): Trim | null {
  if (libraryPath === null) return null;
  try {
    const library = openNativeLibrary(libraryPath);
    return { run: () => library.symbols.sluice_trim_memory(), [Symbol.dispose]: () => library.close() };
  } catch {
    return null;
  }
}
