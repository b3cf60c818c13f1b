/**
 * A command of the shell with bytes in and out, and a sure end: its whole process group is ended.
 * Belongs to the thread that started it. What it writes to standard error goes to the relay's.
 *
 * @module
 */
import { SETTINGS } from "../lib/config/settings.ts";
import { PLUGIN_EXIT_MS } from "../lib/limits.ts";

/** What the process tells. */
interface ShellProcessEvents {
  /** It wrote something. An error thrown here means that it is not usable any more, and comes to `gone`. */
  readonly output: (piece: Uint8Array) => void;
  /** It cannot be talked to any more, and why. At most once, and not after `end()`. */
  readonly gone: (why: string) => void;
}

/** See the module's text. */
export class ShellProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #events: ShellProcessEvents;
  readonly #reading: Promise<void>;
  #isOver = false;

  /** Starts it. Throws where the system cannot. */
  constructor(command: string, events: ShellProcessEvents) {
    this.#events = events;
    // A group of its own: the shell's children end with it, and a Ctrl-C meant for the relay does not reach them.
    this.#child = new Deno.Command("/bin/sh", {
      args: ["-c", command],
      clearEnv: true,
      env: environment(),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      detached: true,
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#input.closed.catch(() => {});
    this.#output = this.#child.stdout.getReader();
    this.#reading = this.#read();
  }

  /** Writes to its standard input. The writes keep their order. */
  write(text: string): void {
    this.#input.write(new TextEncoder().encode(text)).catch(() => this.#gone("it does not read its input"));
  }

  /** Asks it to end, then makes it. Resolves when it has. */
  async end(): Promise<void> {
    this.#isOver = true;
    // Output that is still under way is of no use to anybody.
    this.#input.abort().catch(() => {});
    this.#signal("SIGTERM");
    const late = setTimeout(() => this.#signal("SIGKILL"), PLUGIN_EXIT_MS);
    await this.#child.status;
    clearTimeout(late);
    // The shell is gone; what it had started may not be, and may even have left the group and hold the output open.
    this.#signal("SIGKILL");
    await this.#output.cancel().catch(() => {});
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      while (true) {
        const { value, done } = await this.#output.read();
        if (this.#isOver) return;
        if (done) break;
        this.#events.output(value);
      }
      this.#gone("it closed its output");
    } catch (error) {
      this.#gone((error as Error).message);
    }
  }

  #gone(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.gone(why);
  }

  #signal(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.#child.pid, signal);
    } catch {
      // The group is gone, which is what was wanted.
    }
  }
}

/** The relay's own environment, but for what is secret: a plugin decides about events, and needs no key of the relay. */
function environment(): Record<string, string> {
  const names = new Set(Object.entries(SETTINGS).filter(([, { secret }]) => secret).map(([name]) => name));
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => !names.has(name)));
}
