/**
 * The request plugin, where one is configured: a process that decides about REQ, COUNT and NEG-OPEN before they are
 * served (`lib/plugin`). Who waits for it is the gate's business (`request_gate.ts`).
 * The gateway's thread owns it and the process: each gateway has one of its own.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { PLUGIN_REQUEST_CHARS_MAX } from "../../lib/limits.ts";
import type { Decision } from "../../lib/plugin/decision.ts";
import { filtersRequest, sourceOfAddress } from "../../lib/plugin/request.ts";
import type { Logger } from "../../runtime/logger.ts";
import { PluginProcess, type PluginUse } from "../../runtime/plugin_process.ts";
import type { Connection } from "./connection.ts";

/** What a plugin is asked about. */
export type AskedVerb = "REQ" | "COUNT" | "NEG-OPEN";

/** A request as the client sent it. */
interface AskedRequest {
  readonly verb: AskedVerb;
  readonly subscriptionId: string;
  /** The whole message. */
  readonly text: string;
}

const BUSY = "rate-limited: too many requests wait to be decided about";
const TYPES = { "REQ": "req", "COUNT": "count", "NEG-OPEN": "neg-open" } as const;

/** See the module's text. */
export class RequestPlugin {
  readonly #log: Logger;
  #plugin: PluginProcess | null = null;
  #lastNumber = 0;
  /** Characters of what the plugin has not decided about. */
  #chars = 0;

  constructor(config: Config, log: Logger) {
    this.#log = log;
    this.use(config);
  }

  /** Follows the settings. */
  use(config: Config): void {
    const use = useOf(config);
    if (use === null) this.close();
    else if (this.#plugin === null) this.#plugin = new PluginProcess({ ...use, log: this.#log });
    else this.#plugin.use(use);
  }

  /** Asks about a request. The answer is the refusal or null, at once where no plugin decides. */
  ask(connection: Connection, request: AskedRequest): string | null | Promise<string | null> {
    if (this.#plugin === null) return null;
    const { length } = request.text;
    if (this.#chars + length > PLUGIN_REQUEST_CHARS_MAX) return BUSY;
    this.#chars += length;
    return this.#plugin.ask(lineOf(connection, request, ++this.#lastNumber)).then((decision) => {
      this.#chars -= length;
      return refusalOf(decision);
    });
  }

  /** Ends the process; what waits for it is refused. */
  async close(): Promise<void> {
    const plugin = this.#plugin;
    this.#plugin = null;
    await plugin?.close();
  }
}

function useOf(config: Config): PluginUse | null {
  return config.REQUEST_PLUGIN === null ? null : {
    command: config.REQUEST_PLUGIN,
    timeoutMs: config.PLUGIN_TIMEOUT_MS,
    inFlightMax: config.PLUGIN_IN_FLIGHT,
  };
}

function lineOf(connection: Connection, { verb, subscriptionId, text }: AskedRequest, number: number) {
  const given = (JSON.parse(text) as unknown[]).slice(2);
  const filters = verb === "NEG-OPEN" ? given.slice(0, 1) : given;
  return filtersRequest({ type: TYPES[verb], id: String(number), subscription: subscriptionId, filters }, {
    receivedAtSeconds: Math.floor(Date.now() / 1000),
    sourceType: sourceOfAddress(connection.address),
    sourceInfo: connection.address,
    authenticated: connection.auth.authenticated,
  });
}

/** An EOSE that hides what matches would be a lie, so that a request is never refused in secret. */
function refusalOf(decision: Decision): string | null {
  if (decision.action === "accept") return null;
  return decision.action === "reject" ? decision.message : "blocked: not served by this relay";
}
