/**
 * One page of stored events: what it says about the order and the limits of the relay that sent it.
 * Belongs to the walk that asked for it, on the thread of its stream.
 *
 * @module
 */
import type { TimeRange } from "./gaps.ts";
import { createdAtIn } from "./event_time.ts";

/** See the module's text. */
export class Page {
  readonly range: TimeRange;
  readonly #known: ReadonlySet<string>;
  /** Events within the range. */
  count = 0;
  /** Those of them that the page before did not have at its end. */
  fresh = 0;
  /** Events that do not lie in the range that was asked for. */
  outside = 0;
  /** Whether the relay ended it before it said that the stored events are over. */
  isCut = false;
  oldest = Infinity;
  newest = -Infinity;
  #last = NaN;
  #rises = 0;
  #falls = 0;
  /** Ids by `created_at`, of the oldest and the newest second alone. */
  readonly #edges = new Map<number, Set<string>>();

  /** @param known Ids at the end of the page before. */
  constructor(range: TimeRange, known: ReadonlySet<string>) {
    this.range = range;
    this.#known = known;
  }

  /** Takes an event. Returns whether it lies in the range. */
  add(text: string, id: string): boolean {
    const at = createdAtIn(text);
    if (at === null || at < this.range.since || at > this.range.until) {
      this.outside++;
      return false;
    }
    if (at > this.#last) this.#rises++;
    if (at < this.#last) this.#falls++;
    this.#last = at;
    this.count++;
    if (!this.#known.has(id)) this.fresh++;
    this.#note(at, id);
    return true;
  }

  /** Whether the relay sends the oldest events first, against NIP-01; null where the page does not tell. */
  get isAscending(): boolean | null {
    if (this.#rises === 0 && this.#falls === 0) return null;
    return this.#rises > 0 && this.#falls === 0;
  }

  /** Whether all of its events have one `created_at`. */
  get isOneSecond(): boolean {
    return this.oldest === this.newest;
  }

  /** The ids of this second, which is the oldest or the newest one. */
  idsAt(second: number): ReadonlySet<string> {
    return this.#edges.get(second) ?? new Set();
  }

  #note(at: number, id: string): void {
    if (at < this.oldest) {
      if (this.oldest !== this.newest) this.#edges.delete(this.oldest);
      this.oldest = at;
    }
    if (at > this.newest) {
      if (this.newest !== this.oldest) this.#edges.delete(this.newest);
      this.newest = at;
    }
    if (at !== this.oldest && at !== this.newest) return;
    const ids = this.#edges.get(at);
    if (ids === undefined) this.#edges.set(at, new Set([id]));
    else ids.add(id);
  }
}
