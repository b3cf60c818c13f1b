/**
 * A relay that the checker starts, kills and starts again, to see what is left of what it acknowledged.
 * Runs in the process of the checker, which owns the process group and ends it.
 *
 * @module
 */
import { START_MS_MAX, STOP_MS_MAX } from "./bounds.ts";

const ATTEMPT_PAUSE_MS = 50;
const OUTPUT_CHARS_MAX = 4_000;

const groups = new Set<RelayProcess>();
globalThis.addEventListener("unload", () => {
  for (const relay of groups) relay.signal("SIGKILL");
});

/** SIGINT and SIGTERM end the relays that were started, and then this process. For commands, not for tests. */
export function endOnInterrupt(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      for (const relay of groups) relay.signal("SIGKILL");
      Deno.exit(130);
    });
  }
}

/** What a relay process needs. */
interface RelayProcessOptions {
  /** A command line for `sh`. It runs in a process group of its own, so that a kill reaches all of it. */
  readonly command: string;
  /** Where it will listen. */
  readonly url: string;
  readonly env?: Record<string, string>;
  readonly cwd?: string | URL;
}

/** One relay, in one run after another. `await using` kills it. */
export class RelayProcess implements AsyncDisposable {
  readonly #options: RelayProcessOptions;
  #child: Deno.ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #hasEnded = true;
  #output = "";

  constructor(options: RelayProcessOptions) {
    this.#options = options;
  }

  /** Starts it and waits until it accepts a WebSocket. @throws {Error} if it ends or does not. */
  async start(): Promise<void> {
    const { command, url, env, cwd } = this.#options;
    this.#child = new Deno.Command("sh", {
      args: ["-c", command],
      env: { ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    groups.add(this);
    this.#hasEnded = false;
    this.#ended = this.#watch(this.#child);
    const deadline = performance.now() + START_MS_MAX;
    while (!await accepts(url)) {
      if (this.#hasEnded || performance.now() > deadline) {
        await this.kill();
        throw new Error(`Cannot start relay "${command}": nobody listens at ${url}\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, ATTEMPT_PAUSE_MS));
    }
  }

  /** Ends it at this instant, with its children, and waits for its end. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }

  /** Asks it to end, and kills it if it does not. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    const force = setTimeout(() => this.signal("SIGKILL"), STOP_MS_MAX);
    await this.#ended;
    clearTimeout(force);
  }

  /** Sends a signal to the whole group, if it is still there. */
  signal(signal: Deno.Signal): void {
    if (this.#hasEnded || this.#child === undefined) return;
    try {
      Deno.kill(-this.#child.pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #watch(child: Deno.ChildProcess): Promise<void> {
    await Promise.all([this.#collect(child.stdout), this.#collect(child.stderr)]);
    await child.status;
    this.#hasEnded = true;
    groups.delete(this);
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output = (this.#output + text).slice(-OUTPUT_CHARS_MAX);
    }
  }
}

/** Whether somebody accepts a WebSocket at `url`. */
export function accepts(url: string, waitMs = 2_000): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = new WebSocket(url);
  const timer = setTimeout(() => resolve(false), waitMs);
  socket.onopen = () => resolve(true);
  socket.onerror = (event) => {
    event.preventDefault();
    resolve(false);
  };
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}
