/**
 * The request plugin, where one is configured: a process that decides about REQ, COUNT and NEG-OPEN before they are
 * served (`lib/plugin`). A request that waits for it holds back no other one, and no message of another kind.
 * The gateway's thread owns it and the process: each gateway has one of its own.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { PLUGIN_REQUEST_CHARS_MAX } from "../../lib/limits.ts";
import type { Decision } from "../../lib/plugin/decision.ts";
import { filtersRequest, sourceOfAddress } from "../../lib/plugin/request.ts";
import type { Log } from "../../runtime/log.ts";
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
  readonly #log: Log;
  #plugin: PluginProcess | null = null;
  /** The latest request of each verb and id that a client waits for. Only that one is answered. */
  readonly #waiting = new Map<Connection, Map<string, number>>();
  #lastNumber = 0;
  /** Characters of what the plugin has not decided about. */
  #chars = 0;

  constructor(config: Config, log: Log) {
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

  /** Requests of a client that wait for a decision. */
  waitingOf(connection: Connection): number {
    return this.#waiting.get(connection)?.size ?? 0;
  }

  /**
   * Asks about a request. `answer` gets the refusal or null, at once where there is no plugin, and never for a request
   * that was cancelled, or that another one of its id has replaced.
   */
  ask(connection: Connection, request: AskedRequest, answer: (refusal: string | null) => void): void {
    const { verb, subscriptionId } = request;
    this.cancel(connection, verb, subscriptionId);
    if (this.#plugin === null) return answer(null);
    const { length } = request.text;
    if (this.#chars + length > PLUGIN_REQUEST_CHARS_MAX) return answer(BUSY);
    this.#chars += length;
    const number = ++this.#lastNumber;
    const key = keyOf(verb, subscriptionId);
    const waiting = this.#waiting.get(connection) ?? new Map<string, number>();
    this.#waiting.set(connection, waiting.set(key, number));
    this.#plugin.ask(lineOf(connection, request, number)).then((decision) => {
      this.#chars -= length;
      if (waiting.get(key) !== number) return;
      this.cancel(connection, verb, subscriptionId);
      answer(refusalOf(decision));
    });
  }

  /** The client wants no answer any more. */
  cancel(connection: Connection, verb: AskedVerb, subscriptionId: string): void {
    const waiting = this.#waiting.get(connection);
    waiting?.delete(keyOf(verb, subscriptionId));
    if (waiting?.size === 0) this.#waiting.delete(connection);
  }

  /** The client has gone. */
  forget(connection: Connection): void {
    this.#waiting.get(connection)?.clear();
    this.#waiting.delete(connection);
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

function keyOf(verb: AskedVerb, subscriptionId: string): string {
  return `${verb} ${subscriptionId}`;
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
