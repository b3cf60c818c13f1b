/**
 * What is counted and shown of one target, and its pauses: after a failure it is tried again later, each time later than
 * before, however the others fare.
 * Runs on the router's thread; belongs to the target.
 *
 * @module
 */
import { retryDelayMs } from "../../lib/forward/retry.ts";
import { FORWARD_REASON_CHARS_MAX } from "../../lib/limits.ts";
import { slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import type { Logger } from "../../runtime/logger.ts";

const EVENTS = slotsOf("nostr_forward_events_total");
const FAILURES = slotOf("nostr_forward_failures_total");

/** What the router's targets and consumers are. */
type TargetType = keyof typeof EVENTS;

/** What a target's state needs beside itself. */
export interface StateParts {
  readonly metrics: ThreadMetrics;
  readonly log: Logger;
  /** Aborted when the router stops. */
  readonly stop: AbortSignal;
}

/** See the module's text. */
export class TargetState {
  readonly #type: TargetType;
  readonly #target: string;
  readonly #parts: StateParts;
  #delivered = 0;
  #failures = 0;
  #failuresInRow = 0;
  #lastFailure: { readonly reason: string; readonly at: number } | null = null;
  #nextTryMs: number | null = null;
  /** Events that were read for it and are not delivered. */
  waiting = 0;

  constructor(type: TargetType, target: string, parts: StateParts) {
    this.#type = type;
    this.#target = target;
    this.#parts = parts;
  }

  /** So many events were delivered. */
  delivered(events: number): void {
    if (this.#failuresInRow > 0) this.#parts.log.info(`${this.#type} "${this.#target}" takes events again`);
    this.#failuresInRow = 0;
    this.#delivered += events;
    this.#parts.metrics.add(EVENTS[this.#type], events);
  }

  /** An attempt failed, and the next one need not wait. */
  refused(reason: string): void {
    this.#failures++;
    this.#parts.metrics.add(FAILURES, 1);
    const shown = reason.slice(0, FORWARD_REASON_CHARS_MAX);
    this.#lastFailure = { reason: shown, at: Math.floor(Date.now() / 1000) };
  }

  /** An attempt failed: waits until the next one is due, or the router stops. */
  async failed(reason: string, retryAfterMs: number | null = null): Promise<void> {
    this.refused(reason);
    if (++this.#failuresInRow === 1) {
      const { reason } = this.#lastFailure!;
      this.#parts.log.warn(`${this.#type} "${this.#target}" takes no events: ${reason}`);
    }
    const ms = retryDelayMs({ failures: this.#failuresInRow, retryAfterMs, random: Math.random });
    this.#nextTryMs = Date.now() + ms;
    await this.#sleep(ms);
    this.#nextTryMs = null;
  }

  /** As `GET /api/forward` shows it. */
  get report() {
    return {
      type: this.#type,
      target: this.#target,
      state: this.#nextTryMs !== null ? "waits" : this.waiting > 0 ? "sends" : "idle",
      waiting_events: this.waiting,
      delivered_total: this.#delivered,
      failures_total: this.#failures,
      last_failure: this.#lastFailure,
      next_try_at: this.#nextTryMs === null ? null : Math.ceil(this.#nextTryMs / 1000),
    };
  }

  async #sleep(ms: number): Promise<void> {
    const { stop } = this.#parts;
    if (stop.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => resolve();
    const timer = setTimeout(end, ms);
    stop.addEventListener("abort", end, { once: true });
    await promise;
    clearTimeout(timer);
    stop.removeEventListener("abort", end);
  }
}
