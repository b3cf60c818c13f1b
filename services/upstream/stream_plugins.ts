/**
 * The write plugins of streams, one process for each command, shared by all streams that name it. As in strfry's router a
 * plugin is asked about each event that comes down, with the URL of the relay, and about each that goes up.
 * Runs on an upstream worker, which owns the processes.
 *
 * @module
 */
import type { Decision } from "../../lib/plugin/decision.ts";
import { eventRequest, type PluginSource } from "../../lib/plugin/request.ts";
import type { Logger } from "../../runtime/logger.ts";
import { PluginProcess } from "../../runtime/plugin_process.ts";

const NO_KEYS: ReadonlySet<string> = new Set();

/** An event to ask about. */
interface PassingEvent {
  readonly text: string;
  readonly id: string;
  readonly sourceType: PluginSource;
  /** The URL of the relay that it comes from; empty: it goes up. */
  readonly sourceInfo: string;
}

/** See the module's text. */
export class StreamPlugins {
  readonly #processes = new Map<string, PluginProcess>();
  readonly #log: Logger;
  /** The longest wait for an answer, ms. */
  readonly #timeoutMs: () => number;

  constructor(log: Logger, timeoutMs: () => number) {
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  /** What the plugin decides. Never rejects. */
  ask(command: string, event: PassingEvent): Promise<Decision> {
    const text = oneLineEvent(event.text);
    const { pubkey } = JSON.parse(text) as { pubkey: string };
    const request = eventRequest({ id: event.id, pubkey, text }, {
      receivedAtSeconds: Math.floor(Date.now() / 1000),
      sourceType: event.sourceType,
      sourceInfo: event.sourceInfo,
      authenticated: NO_KEYS,
    });
    return this.#processOf(command).ask(request);
  }

  /** Whether an event may go up; null: the plugin has failed, and decided nothing. */
  async approves(command: string, { text, id }: Pick<PassingEvent, "text" | "id">): Promise<boolean | null> {
    const decision = await this.ask(command, { text, id, sourceType: "Stored", sourceInfo: "" });
    return decision.action === "reject" && decision.by === "relay" ? null : decision.action === "accept";
  }

  /** Ends the processes of commands that no stream names any more. */
  async keep(commands: ReadonlySet<string>): Promise<void> {
    const over = [...this.#processes].filter(([command]) => !commands.has(command));
    for (const [command] of over) this.#processes.delete(command);
    await Promise.all(over.map(([, process]) => process.close()));
  }

  #processOf(command: string): PluginProcess {
    const known = this.#processes.get(command);
    if (known !== undefined) return known;
    const process = new PluginProcess({ command, log: this.#log, timeoutMs: this.#timeoutMs() });
    this.#processes.set(command, process);
    return process;
  }
}

/** White space between the parts of an event may hold line ends; its strings cannot. */
function oneLineEvent(text: string): string {
  return text.includes("\n") ? text.replaceAll("\n", " ") : text;
}
