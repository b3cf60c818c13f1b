/**
 * One comparison of sets with another relay (NIP-77), as messages: what they say is `lib/negentropy/initiator.ts`'s.
 * Belongs to the conversation with the relay, on its thread.
 *
 * @module
 */
import { UPSTREAM_COMPARISON_MS_MAX } from "../limits.ts";
import type { FilterJson } from "./asked_filter.ts";
import type { ComparisonListener } from "./relay_conversation.ts";
import { Repeats } from "./repeats.ts";
import type { Request } from "./open_requests.ts";

const HEX = /^(?:[0-9a-fA-F]{2})+$/;

/** See the module's text. */
export class Comparison implements Request {
  readonly id: string;
  readonly repeats = new Repeats();
  readonly #filter: FilterJson;
  readonly #message: Uint8Array;
  readonly #listener: ComparisonListener;
  /** Since when an answer is awaited, ms; Infinity: none is. */
  #askedMs = Infinity;
  #hasAnswers = false;

  constructor(id: string, filter: FilterJson, message: Uint8Array, listener: ComparisonListener) {
    this.id = id;
    this.#listener = listener;
    this.#filter = filter;
    this.#message = message;
  }

  get opening(): string {
    return JSON.stringify(["NEG-OPEN", this.id, this.#filter, this.#message.toHex()]);
  }

  get closing(): string {
    return JSON.stringify(["NEG-CLOSE", this.id]);
  }

  /** Whether the relay has answered at least once: it knows what a comparison is. */
  get hasAnswers(): boolean {
    return this.#hasAnswers;
  }

  get isRepeatable(): boolean {
    return !this.#hasAnswers;
  }

  opened(nowMs: number): void {
    this.#askedMs = nowMs;
  }

  /** The message that goes on with the comparison. */
  next(message: Uint8Array, nowMs: number): string {
    this.#askedMs = nowMs;
    return JSON.stringify(["NEG-MSG", this.id, message.toHex()]);
  }

  /** Takes an answer in hex; false where it is none. */
  answered(hex: string): boolean {
    if (!HEX.test(hex)) return false;
    this.#askedMs = Infinity;
    this.#hasAnswers = true;
    this.#listener.message(Uint8Array.fromHex(hex));
    return true;
  }

  ended(message: string): void {
    this.#listener.failed(message);
  }

  overdue(nowMs: number): string | null {
    if (nowMs - this.#askedMs < UPSTREAM_COMPARISON_MS_MAX) return null;
    return `error: the relay did not answer a comparison within ${UPSTREAM_COMPARISON_MS_MAX} ms`;
  }
}
