/**
 * Starts a program again when it dies of a fault: of a signal that nobody sent by us (the kernel's lack of memory, V8's
 * own), or by the exit code that says that a worker hung. Whoever ends otherwise has said why, and stays ended.
 * At SIGUSR2 a second one is started beside the first, which takes over; it is kept running from then on, and the first
 * one ends well. Runs in the process of `deno task start`, which owns the program.
 *
 * @module
 */
import { EXIT_HANG, PROCESS_RESTART_DELAY_MS_MAX, SHORT_LIFE_MS_MAX } from "../../lib/limits.ts";

/** How the program is started. */
export interface Life {
  /** How often it was started again after a fault. */
  readonly restarts: number;
  /** Another one may run, from which it takes over. */
  readonly takesOver: boolean;
}

/** Starts the program. */
type Spawn = (life: Life) => Deno.ChildProcess | Promise<Deno.ChildProcess>;

/** How it is kept running. */
interface KeepOptions {
  /** The pause before it is started again; it doubles while lives are short, ms. */
  readonly delayMs: number;
  /** Whether the first one takes over from a program that others have started. */
  readonly takesOver?: boolean;
  /** Tells the operator. */
  readonly say: (line: string) => void;
}

type Exit = Pick<Deno.CommandStatus, "code" | "signal">;

/**
 * Runs a program until it ends for good; SIGTERM, SIGINT and SIGHUP are passed on to it.
 *
 * @returns its exit code; 128 and the signal's number, if a signal ended it.
 */
export async function keepRunning(spawn: Spawn, options: KeepOptions): Promise<number> {
  const keeper = new Keeper(spawn, options);
  const listeners = {
    SIGTERM: () => keeper.stop("SIGTERM"),
    SIGINT: () => keeper.stop("SIGINT"),
    SIGHUP: () => keeper.reload(),
    SIGUSR2: () => keeper.takeOver(),
  };
  const signals = Object.entries(listeners) as [Deno.Signal, () => void][];
  for (const [signal, listener] of signals) Deno.addSignalListener(signal, listener);
  try {
    return await keeper.run();
  } finally {
    for (const [signal, listener] of signals) Deno.removeSignalListener(signal, listener);
  }
}

/** The program in its lives; see {@linkcode keepRunning}. */
class Keeper {
  readonly #spawn: Spawn;
  readonly #options: KeepOptions;
  /** In the order in which they were started; the last one is kept running. */
  readonly #running = new Set<Deno.ChildProcess>();
  readonly #stopped = Promise.withResolvers<void>();
  #stopSignal: Deno.Signal | null = null;
  #isSpawning = false;
  #restarts = 0;
  #startedMs = 0;
  /** How one ended that was to take over and did not. */
  #lost: Exit | null = null;
  #lastExit: Exit | null = null;
  /** Tells how the program ended, when none of them runs any more. */
  #allEnded = Promise.withResolvers<Exit>();

  constructor(spawn: Spawn, options: KeepOptions) {
    this.#spawn = spawn;
    this.#options = options;
  }

  async run(): Promise<number> {
    const { delayMs, takesOver = false, say } = this.#options;
    let shortLives = 0;
    await this.#start(takesOver);
    while (true) {
      const { code, signal } = await this.#allEnded.promise;
      if (this.#stopSignal !== null || (signal === null && code !== EXIT_HANG)) return code;
      shortLives = performance.now() - this.#startedMs > SHORT_LIFE_MS_MAX ? 0 : shortLives + 1;
      const how = signal === null ? `exit code ${code}` : signal;
      const pauseMs = Math.min(delayMs * 2 ** Math.max(0, shortLives - 1), PROCESS_RESTART_DELAY_MS_MAX);
      say(`the relay died of ${how}: started again in ${pauseMs} ms`);
      await this.#pause(pauseMs);
      if (this.#stopSignal !== null) return 0;
      this.#restarts++;
      this.#lastExit = null;
      this.#allEnded = Promise.withResolvers();
      await this.#start(takesOver);
    }
  }

  /** Ends all of them, for good. */
  stop(signal: Deno.Signal): void {
    this.#stopSignal = signal;
    this.#stopped.resolve();
    for (const child of this.#running) kill(child, signal);
  }

  /** The settings are read again by the one that serves; one that takes over reads them at its start. */
  reload(): void {
    const [first] = this.#running;
    if (first !== undefined) kill(first, "SIGHUP");
  }

  /** Starts another one that takes over; but not while one is being started, or takes over already. */
  takeOver(): void {
    if (this.#isSpawning || this.#running.size !== 1 || this.#stopSignal !== null) return;
    this.#start(true).catch((error) => this.#options.say((error as Error).message));
  }

  async #start(takesOver: boolean): Promise<void> {
    this.#isSpawning = true;
    try {
      this.#lost = null;
      const child = await this.#spawn({ restarts: this.#restarts, takesOver });
      this.#startedMs = performance.now();
      this.#running.add(child);
      child.status.then((exit) => this.#ended(child, exit));
      if (this.#stopSignal !== null) kill(child, this.#stopSignal);
    } finally {
      this.#isSpawning = false;
      this.#tellIfAllEnded();
    }
  }

  #ended(child: Deno.ChildProcess, exit: Exit): void {
    const wasSuccessor = this.#running.size > 1 && [...this.#running].at(-1) === child;
    this.#running.delete(child);
    if (wasSuccessor) {
      this.#lost = exit;
      this.#options.say(`the relay that was to take over ended with code ${exit.code}`);
    }
    if (this.#running.size > 0) return;
    // One that handed over has ended well, though nobody has what it handed over.
    this.#lastExit = exit.code === 0 && this.#lost !== null ? this.#lost : exit;
    this.#tellIfAllEnded();
  }

  #tellIfAllEnded(): void {
    const isOver = this.#running.size === 0 && !this.#isSpawning;
    if (isOver && this.#lastExit !== null) this.#allEnded.resolve(this.#lastExit);
  }

  async #pause(ms: number): Promise<void> {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, ms);
    await Promise.race([timer.promise, this.#stopped.promise]);
    clearTimeout(timeout);
  }
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has just ended.
  }
}
