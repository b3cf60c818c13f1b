/**
 * Starts a program again when it dies of a fault: of a signal that nobody sent by us (the kernel's lack of memory, V8's
 * own), or by the exit code that says that a worker stood still. Whoever ends otherwise has said why, and stays ended.
 * Runs in the process of `deno task start`, which owns the program.
 *
 * @module
 */
import { EXIT_STANDSTILL, PROCESS_RESTART_DELAY_MS_MAX, SHORT_LIFE_MS_MAX } from "../../lib/limits.ts";

const PASSED_ON = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * Runs a program until it ends for good; SIGTERM, SIGINT and SIGHUP are passed on to it.
 *
 * @param spawn Starts it; gets how often it was started again.
 * @param delayMs The pause before it is started again; it doubles while lives are short.
 * @param say Tells the operator.
 * @returns its exit code; 128 and the signal's number, if a signal ended it.
 */
export async function keepRunning(
  spawn: (restarts: number) => Deno.ChildProcess,
  delayMs: number,
  say: (line: string) => void,
): Promise<number> {
  let child: Deno.ChildProcess | null = null;
  let stopped: (() => void) | null = null;
  const stop = new Promise<void>((resolve) => stopped = resolve);
  let isStopping = false;
  const listeners = PASSED_ON.map((signal) => {
    const listener = () => {
      // SIGHUP has the program read its settings again; it goes on.
      if (signal !== "SIGHUP") {
        isStopping = true;
        stopped?.();
      }
      try {
        child?.kill(signal);
      } catch {
        // It has just ended.
      }
    };
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  let shortLives = 0;
  try {
    for (let restarts = 0;; restarts++) {
      const startedMs = performance.now();
      child = spawn(restarts);
      const { code, signal } = await child.status;
      child = null;
      if (isStopping || (signal === null && code !== EXIT_STANDSTILL)) return code;
      shortLives = performance.now() - startedMs > SHORT_LIFE_MS_MAX ? 0 : shortLives + 1;
      const how = signal === null ? `exit code ${code}` : signal;
      const pauseMs = Math.min(delayMs * 2 ** Math.max(0, shortLives - 1), PROCESS_RESTART_DELAY_MS_MAX);
      say(`the relay died of ${how}: started again in ${pauseMs} ms`);
      const timer = Promise.withResolvers<void>();
      const timeout = setTimeout(timer.resolve, pauseMs);
      await Promise.race([timer.promise, stop]);
      clearTimeout(timeout);
      if (isStopping) return 0;
    }
  } finally {
    for (const remove of listeners) remove();
  }
}
