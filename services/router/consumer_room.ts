/**
 * The room for those who fetch events: how many there are, and how many values their filters hold.
 * Runs on the router's thread, which owns it.
 *
 * @module
 */
import { FORWARD_CONSUMERS_MAX, FORWARD_CONSUMERS_VALUES_MAX } from "../../lib/limits.ts";
import type { Consumer, ConsumerReport } from "./consumer.ts";

/** See the module's text. */
export class ConsumerRoom {
  readonly #type: ConsumerReport["type"];
  readonly #addressOf = new Map<Consumer, string>();
  #values = 0;

  constructor(type: ConsumerReport["type"]) {
    this.#type = type;
  }

  get size(): number {
    return this.#addressOf.size;
  }

  /** Events that wait for them. */
  get waiting(): number {
    return [...this.#addressOf.keys()].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Lets a consumer in. Returns null, or why there is no room. */
  enter(consumer: Consumer, address: string): string | null {
    if (this.#addressOf.size >= FORWARD_CONSUMERS_MAX) {
      return `Cannot serve consumer: ${FORWARD_CONSUMERS_MAX} others are served`;
    }
    if (this.#values + consumer.values > FORWARD_CONSUMERS_VALUES_MAX) {
      return `Cannot serve consumer: the filters of all hold ${FORWARD_CONSUMERS_VALUES_MAX} values at most`;
    }
    this.#addressOf.set(consumer, address);
    this.#values += consumer.values;
    return null;
  }

  /** It has left. */
  leave(consumer: Consumer): void {
    if (this.#addressOf.delete(consumer)) this.#values -= consumer.values;
  }

  /** The first of them, as `GET /api/forward` shows them. */
  report(most: number): ConsumerReport[] {
    return [...this.#addressOf].slice(0, most)
      .map(([consumer, address]) => ({ type: this.#type, address, ...consumer.progress }));
  }
}
