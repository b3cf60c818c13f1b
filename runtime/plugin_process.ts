/**
 * A plugin: a process that decides about events and requests, one line of JSON each (`lib/plugin`).
 * Runs on a thread with an event loop, which owns the process.
 *
 * What is not decided is refused: whenever the plugin hangs, dies or breaks the protocol, it is ended, and what it had
 * is answered `error: internal error`. The next request starts it again.
 *
 * @module
 */
import {
  PLUGIN_LINE_BYTES_MAX,
  PLUGIN_RESPAWN_MS,
  PLUGIN_TIMEOUT_MS_DEFAULT,
  PLUGIN_WAITING_MAX,
} from "../lib/limits.ts";
import { invariant } from "../lib/invariant.ts";
import { type Decision, PLUGIN_FAILED } from "../lib/plugin/decision.ts";
import { PluginExchange, type PluginExchangeOptions } from "../lib/plugin/exchange.ts";
import { LineSplitter } from "../lib/lines.ts";
import type { PluginRequest } from "../lib/plugin/request.ts";
import type { Logger } from "./logger.ts";
import { pluginFileVersion } from "./plugin_file.ts";
import { ShellProcess } from "./shell_process.ts";

/** What may change while it runs. */
export interface PluginUse {
  /** For `/bin/sh -c`. Without a space it is the path of a file, and a change of that file starts it anew. */
  readonly command: string;
  /** The longest wait for an answer, ms. */
  readonly timeoutMs?: number;
  /** Requests that it is asked at a time; plugins written for strfry may rely on 1, the default. */
  readonly inFlightMax?: number;
}

/** How to run a plugin. */
interface PluginOptions extends PluginUse {
  /** The pause before a plugin that died without one answer is started again, ms. */
  readonly respawnMs?: number;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
}

/** Characters of a plugin's line that the log repeats. */
const LOGGED_CHARS_MAX = 200;

/** See the module's text. */
export class PluginProcess {
  readonly #log: PluginOptions["log"];
  #timeoutMs: number;
  readonly #respawnMs: number;
  readonly #exchange: PluginExchange;
  #command: string;
  #running: { readonly process: ShellProcess; readonly command: string; readonly version: string } | null =
    null;
  /** Whether the process that runs, or ran last, has answered anything. */
  #hasAnswered = true;
  #startedAtMs = 0;
  /** The version of the file that failed last: another one is tried without a pause. */
  #startedVersion = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  /** Processes that were told to end and may not have. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: PluginOptions) {
    invariant(options.command.trim() !== "", "a plugin has a command");
    this.#command = options.command;
    this.#log = options.log;
    this.#timeoutMs = options.timeoutMs ?? PLUGIN_TIMEOUT_MS_DEFAULT;
    this.#respawnMs = options.respawnMs ?? PLUGIN_RESPAWN_MS;
    this.#exchange = new PluginExchange(boundsOf(options));
  }

  /** What the plugin decides. Never rejects. */
  ask(request: PluginRequest): Promise<Decision> {
    if (this.#isClosed) return Promise.resolve(PLUGIN_FAILED);
    const decision = this.#exchange.ask(request, performance.now());
    this.#pump();
    return decision;
  }

  /** Uses another command and other bounds from the next request on. */
  use(use: PluginUse): void {
    invariant(use.command.trim() !== "", "a plugin has a command");
    this.#command = use.command;
    this.#timeoutMs = use.timeoutMs ?? PLUGIN_TIMEOUT_MS_DEFAULT;
    this.#exchange.use(boundsOf(use));
  }

  /** Ends the process; what is undecided is refused. Resolves when the process is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#exchange.failAll();
    this.#end();
    await Promise.all(this.#ending);
  }

  /** Passes on what may go to the plugin now. */
  #pump(): void {
    while (!this.#isClosed && this.#exchange.hasNext) {
      const version = pluginFileVersion(this.#command);
      const isCurrent = this.#running?.command === this.#command && this.#running.version === version;
      if (this.#running !== null && !isCurrent) {
        // The old one still answers what it has; its last answer comes back here.
        if (this.#exchange.inFlight > 0) break;
        this.#log.info("the plugin has changed");
        this.#end();
      }
      if (this.#running === null) this.#start(version);
      const line = this.#exchange.next(performance.now())!;
      if (this.#running === null) this.#exchange.failInFlight();
      else this.#running.process.write(line);
    }
    this.#arm();
  }

  #start(version: string | null): void {
    const now = performance.now();
    if (version === null) {
      this.#log.error(`Cannot start plugin "${this.#command}": it does not exist`);
      return;
    }
    const isRepeated = !this.#hasAnswered && this.#startedVersion === `${this.#command} ${version}`;
    if (isRepeated && now - this.#startedAtMs < this.#respawnMs) return;
    this.#hasAnswered = false;
    this.#startedAtMs = now;
    this.#startedVersion = `${this.#command} ${version}`;
    this.#log.info(`starting plugin ${JSON.stringify(this.#command)}`);
    const lines = new LineSplitter({ bytesMax: PLUGIN_LINE_BYTES_MAX });
    try {
      const process: ShellProcess = new ShellProcess(this.#command, {
        output: (piece) => this.#receive(process, lines, piece),
        gone: (why) => this.#fail(process, why),
      });
      this.#running = { process, command: this.#command, version };
    } catch (error) {
      this.#log.error(`Cannot start plugin "${this.#command}": ${(error as Error).message}`);
    }
  }

  /** A fault that this throws comes back through `gone`. */
  #receive(process: ShellProcess, lines: LineSplitter, piece: Uint8Array): void {
    for (const line of lines.push(piece)) {
      if (this.#running?.process !== process) return;
      if (this.#exchange.receive(line)) this.#hasAnswered = true;
      else {this.#log.warn(
          `the plugin wrote a line that is not JSON: ${JSON.stringify(line.slice(0, LOGGED_CHARS_MAX))}`,
        );}
    }
    this.#pump();
  }

  #fail(process: ShellProcess, why: string): void {
    if (this.#running?.process !== process) return;
    this.#log.error(`plugin ${JSON.stringify(this.#command)} failed: ${why}`);
    this.#end();
    this.#exchange.failInFlight();
    this.#pump();
  }

  #end(): void {
    if (this.#running === null) return;
    const ended = this.#running.process.end().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
    this.#running = null;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const deadline = this.#exchange.deadlineMs;
    if (this.#isClosed || deadline === null) return;
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, deadline - performance.now()));
  }

  #expire(): void {
    const isOverdue = this.#exchange.expire(performance.now());
    if (isOverdue && this.#running !== null) {
      return this.#fail(this.#running.process, `it gave no answer within ${this.#timeoutMs} ms`);
    }
    this.#pump();
  }
}

function boundsOf({ inFlightMax, timeoutMs }: PluginUse): PluginExchangeOptions {
  return {
    inFlightMax: inFlightMax ?? 1,
    waitingMax: PLUGIN_WAITING_MAX,
    timeoutMs: timeoutMs ?? PLUGIN_TIMEOUT_MS_DEFAULT,
  };
}
