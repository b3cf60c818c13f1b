/**
 * The conversation with a plugin: which requests wait, which are with the plugin, what its answers mean, and when it
 * has taken too long. It knows no process: lines go out by {@linkcode PluginExchange.next} and come in by
 * {@linkcode PluginExchange.receive}.
 * Belongs to the thread that holds the plugin; the clock is the caller's.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { PLUGIN_IN_FLIGHT_MAX } from "../limits.ts";
import { type Decision, PLUGIN_BUSY, PLUGIN_FAILED, PluginFault, readReply } from "./decision.ts";
import type { PluginRequest } from "./request.ts";

/** The bounds of a conversation. */
export interface PluginExchangeOptions {
  /** Requests with the plugin at a time. Plugins written for strfry may rely on 1. */
  readonly inFlightMax: number;
  /** Requests that wait. */
  readonly waitingMax: number;
  /** The longest that the plugin has for an answer, and that a request waits before it is asked, ms. */
  readonly timeoutMs: number;
}

interface Asked {
  readonly request: PluginRequest;
  readonly settle: (decision: Decision) => void;
  /** When its present wait, for its turn or for an answer, is too long, ms. */
  deadlineMs: number;
}

/** See the module's text. */
export class PluginExchange {
  #options: PluginExchangeOptions;
  /** Both in the order in which they were asked. */
  #waiting: Asked[] = [];
  #inFlight: Asked[] = [];

  constructor(options: PluginExchangeOptions) {
    this.#options = checked(options);
  }

  /** Changes the bounds. What is asked already keeps its deadline. */
  use(options: PluginExchangeOptions): void {
    this.#options = checked(options);
  }

  /** Requests with the plugin. */
  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** Whether {@linkcode next} has a line. */
  get hasNext(): boolean {
    return this.#waiting.length > 0 && this.#inFlight.length < this.#options.inFlightMax;
  }

  /** When to call {@linkcode expire} at the latest, ms, or null: nothing is asked. */
  get deadlineMs(): number | null {
    const deadlines = [this.#inFlight[0], this.#waiting[0]].flatMap((asked) =>
      asked ? [asked.deadlineMs] : []
    );
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }

  /** Takes a request. With too many waiting it is refused at once. */
  ask(request: PluginRequest, nowMs: number): Promise<Decision> {
    if (this.#waiting.length >= this.#options.waitingMax) return Promise.resolve(PLUGIN_BUSY);
    const { promise, resolve: settle } = Promise.withResolvers<Decision>();
    this.#waiting.push({ request, settle, deadlineMs: nowMs + this.#options.timeoutMs });
    return promise;
  }

  /** The next line for the plugin, its end included; from now on the plugin has to answer it. */
  next(nowMs: number): string | null {
    if (!this.hasNext) return null;
    const asked = this.#waiting.shift()!;
    asked.deadlineMs = nowMs + this.#options.timeoutMs;
    this.#inFlight.push(asked);
    return `${asked.request.line}\n`;
  }

  /**
   * Takes a line of the plugin.
   *
   * @returns whether it was an answer; a line that is not JSON is none, and harmless.
   * @throws {PluginFault} where it answers what was not asked, or in no known way.
   */
  receive(line: string): boolean {
    const reply = readReply(line);
    if (reply === null) return false;
    const at = this.#inFlight.findIndex(({ request }) => request.id === reply.id);
    if (at < 0) {
      throw new PluginFault(`it answered for the id "${reply.id.slice(0, 64)}", which was not asked`);
    }
    this.#inFlight.splice(at, 1)[0]!.settle(reply.decision);
    return true;
  }

  /** Refuses what has waited too long for its turn. Returns whether the plugin has taken too long for an answer. */
  expire(nowMs: number): boolean {
    const inTime = this.#waiting.findIndex(({ deadlineMs }) => deadlineMs > nowMs);
    const late = this.#waiting.splice(0, inTime < 0 ? this.#waiting.length : inTime);
    for (const { settle } of late) settle(PLUGIN_BUSY);
    const oldest = this.#inFlight[0];
    return oldest !== undefined && oldest.deadlineMs <= nowMs;
  }

  /** Refuses what the plugin has: it is gone. What waits goes to its successor. */
  failInFlight(): void {
    for (const { settle } of this.#inFlight.splice(0)) settle(PLUGIN_FAILED);
  }

  /** Refuses everything. */
  failAll(): void {
    this.failInFlight();
    for (const { settle } of this.#waiting.splice(0)) settle(PLUGIN_FAILED);
  }
}

function checked(options: PluginExchangeOptions): PluginExchangeOptions {
  const { inFlightMax } = options;
  invariant(
    inFlightMax >= 1 && inFlightMax <= PLUGIN_IN_FLIGHT_MAX,
    "a plugin has a bounded number of requests",
  );
  return options;
}
