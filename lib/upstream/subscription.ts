/**
 * One REQ to another relay: what was asked, whether an event is a part of it, and how long its stored events may take.
 * Belongs to the conversation with the relay, on its thread.
 *
 * @module
 */
import { UPSTREAM_EOSE_IDLE_MS_MAX, UPSTREAM_EOSE_MS_MAX, UPSTREAM_EXTRA_EVENTS_MAX } from "../limits.ts";
import { type NostrEvent, shapeFault } from "../nostr/event.ts";
import { AskedFilter, type FilterJson } from "./asked_filter.ts";
import type { SubscriptionListener } from "./relay_conversation.ts";
import { Repeats } from "./repeats.ts";
import type { Request } from "./open_requests.ts";

/** See the module's text. */
export class Subscription implements Request {
  readonly id: string;
  readonly repeats = new Repeats();
  readonly listener: SubscriptionListener;
  readonly #json: readonly FilterJson[];
  readonly #filters: readonly AskedFilter[];
  /** Events that may come before the EOSE. */
  readonly #storedMax: number;
  #stored = 0;
  #openedMs = 0;
  #heardMs = 0;
  #hasEose = false;

  /** @param filters Each has its `limit`. */
  constructor(id: string, filters: readonly FilterJson[], listener: SubscriptionListener) {
    this.id = id;
    this.listener = listener;
    this.#json = filters;
    this.#filters = filters.map((filter) => new AskedFilter(filter));
    const limits = filters.reduce((sum, { limit }) => sum + (limit as number), 0);
    this.#storedMax = 2 * limits + UPSTREAM_EXTRA_EVENTS_MAX;
  }

  /** Made anew each time: kept for thousands of relays, long filters would fill the memory. */
  get opening(): string {
    return JSON.stringify(["REQ", this.id, ...this.#json]);
  }

  get closing(): string {
    return JSON.stringify(["CLOSE", this.id]);
  }

  /** After its EOSE, what came between two openings would be missed: whoever asked closes that gap. */
  get isRepeatable(): boolean {
    return !this.#hasEose;
  }

  opened(nowMs: number): void {
    this.#openedMs = this.#heardMs = nowMs;
    this.#stored = 0;
    this.#hasEose = false;
  }

  /**
   * Looks whether an event was asked for; it is parsed here, once.
   *
   * @returns Its id, which keeps no frame in memory; else what is wrong: no filter matches it, or it is no event, or its id
   * is not where it was looked for.
   */
  check(text: string, id: string): { readonly id: string } | "unasked" | "garbage" {
    let event: NostrEvent;
    try {
      event = JSON.parse(text);
    } catch {
      return "garbage";
    }
    if (shapeFault(event) !== null || event.id !== id) return "garbage";
    return this.#filters.some((filter) => filter.matches(event)) ? event : "unasked";
  }

  /** An event has come. Returns whether more came than the limits allow. */
  counts(nowMs: number): boolean {
    if (this.#hasEose) return false;
    this.#heardMs = nowMs;
    return ++this.#stored > this.#storedMax;
  }

  /** The stored events are over. A second EOSE says nothing. */
  eose(): void {
    if (this.#hasEose) return;
    this.#hasEose = true;
    this.listener.eose();
  }

  ended(message: string): void {
    this.listener.closed(message);
  }

  overdue(nowMs: number): string | null {
    if (this.#hasEose) return null;
    if (nowMs - this.#heardMs >= UPSTREAM_EOSE_IDLE_MS_MAX) {
      return `error: the relay sent no EOSE within ${UPSTREAM_EOSE_IDLE_MS_MAX} ms`;
    }
    if (nowMs - this.#openedMs < UPSTREAM_EOSE_MS_MAX) return null;
    return `error: the stored events took the relay longer than ${UPSTREAM_EOSE_MS_MAX} ms`;
  }
}
