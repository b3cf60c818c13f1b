/**
 * What the filters of all clients of the relay may take together, and those of one. When three quarters are taken, who
 * holds many values gets no more: so those who take all they can leave room for those who take little.
 * Each gateway's thread owns one, and counts in a metric, by which each knows of the others.
 *
 * @module
 */
import {
  HELD_VALUE_BYTES,
  HELD_VALUES_FEW,
  HELD_VALUES_MAX,
  HELD_VALUES_TOTAL_BYTES_MAX,
} from "../../lib/limits.ts";
import { slotOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";

/** The metric, for those who sum it up. */
export const FILTER_VALUES = slotOf("nostr_filter_values_held");
const VALUES_TOTAL_MAX = HELD_VALUES_TOTAL_BYTES_MAX / HELD_VALUE_BYTES;

/** Whose filters they are. */
interface FilterHolder {
  /** What its filters count as (`held_values.ts`). */
  heldValues: number;
}

/** See the module's text. */
export class FilterRoom {
  readonly #metrics: ThreadMetrics;
  readonly #ofRelay: () => number;

  /** @param ofRelay What the filters of all gateways hold now; `metrics` are this one's part of it. */
  constructor(metrics: ThreadMetrics, ofRelay: () => number) {
    this.#metrics = metrics;
    this.#ofRelay = ofRelay;
  }

  /** Takes room for filters of a client. Returns null, or why there is none: the reason of a CLOSED. */
  acquire(holder: FilterHolder, values: number): string | null {
    const held = holder.heldValues + values;
    if (held > HELD_VALUES_MAX) {
      return `rate-limited: the filters of this connection hold more than ${HELD_VALUES_MAX} values`;
    }
    const most = held > HELD_VALUES_FEW ? VALUES_TOTAL_MAX * 0.75 : VALUES_TOTAL_MAX;
    if (this.#ofRelay() + values > most) return "rate-limited: the relay has no room for so many filters now";
    holder.heldValues = held;
    this.#metrics.add(FILTER_VALUES, values);
    return null;
  }

  /** Filters that room was taken for are gone. */
  release(holder: FilterHolder, values: number): void {
    holder.heldValues -= values;
    this.#metrics.add(FILTER_VALUES, -values);
  }
}
