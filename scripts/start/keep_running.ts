/**
 * Starts a program again when it dies of a fault: of a signal that nobody sent by us (the kernel's lack of memory, V8's
 * own), or by the exit code that says that a worker stood still. Whoever ends otherwise has said why, and stays ended.
 * Runs in the process of `deno task start`, which owns the program.
 *
 * @module
 */
import { EXIT_STANDSTILL, PROCESS_RESTART_DELAY_MS_MAX, SHORT_LIFE_MS_MAX } from "../../lib/limits.ts";

const PASSED_ON = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** How a program is started. */
export interface Program {
  /** Starts it; gets how often it was started again. */
  readonly spawn: (restarts: number) => Deno.ChildProcess | Promise<Deno.ChildProcess>;
  /** Starts another one, at SIGUSR2, that takes over from the one that runs and has it end. */
  readonly succeed?: (restarts: number) => Promise<Deno.ChildProcess>;
}

/**
 * Runs a program until it ends for good; SIGTERM, SIGINT and SIGHUP are passed on to it. At SIGUSR2 another one takes
 * over; where that one ends first, nothing has changed.
 *
 * @param delayMs The pause before it is started again; it doubles while lives are short.
 * @param say Tells the operator.
 * @returns its exit code; 128 and the signal's number, if a signal ended it.
 */
export async function keepRunning(
  { spawn, succeed }: Program,
  delayMs: number,
  say: (line: string) => void,
): Promise<number> {
  const chain = new Chain();
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
      chain.kill(signal);
    };
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  let shortLives = 0;
  let lives = 0;
  const followUp = () => {
    if (succeed !== undefined && !isStopping) chain.follow(() => succeed(lives), say);
  };
  Deno.addSignalListener("SIGUSR2", followUp);
  try {
    for (let restarts = 0;; restarts++) {
      const startedMs = performance.now();
      lives = restarts;
      const child = await spawn(restarts);
      if (isStopping) child.kill("SIGTERM");
      const { code, signal } = await chain.run(child);
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
    Deno.removeSignalListener("SIGUSR2", followUp);
  }
}

/** The program that runs, and at times the one that takes over from it. */
class Chain {
  #present: Deno.ChildProcess | null = null;
  #next: Promise<Deno.ChildProcess | null> | null = null;
  #successor: Deno.ChildProcess | null = null;

  /** Resolves when the last of those that took over from each other has ended, with its status. */
  async run(first: Deno.ChildProcess): Promise<Deno.CommandStatus> {
    for (let child = first;;) {
      this.#present = child;
      const status = await child.status;
      const next: Deno.ChildProcess | null = await this.#next;
      this.#present = this.#next = this.#successor = null;
      if (next === null) return status;
      child = next;
    }
  }

  /** Starts a successor, unless one is under way. */
  follow(start: () => Promise<Deno.ChildProcess>, say: (line: string) => void): void {
    if (this.#present === null || this.#next !== null) return;
    this.#next = start().catch((error) => {
      say((error as Error).message);
      return null;
    });
    this.#next.then(async (child) => {
      this.#successor = child;
      const status = await child?.status;
      // One that has taken over is the present one by then.
      if (this.#successor !== child) return;
      if (status !== undefined) say(`the relay that was to take over ended with code ${status.code}`);
      this.#next = this.#successor = null;
    });
  }

  kill(signal: Deno.Signal): void {
    for (const child of [this.#present, this.#successor]) {
      try {
        child?.kill(signal);
      } catch {
        // It has just ended.
      }
    }
  }
}
