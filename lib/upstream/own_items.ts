/**
 * Our own items of a filter, for comparisons with other relays: ids and times, gathered in slices from a reading
 * connection, newest first, whole seconds only. Few sets are held at one time; others wait. A set serves all streams that
 * ask for the same within a minute: what was stored since is known to them anyway.
 * Belongs to the thread whose connection it reads.
 *
 * @module
 */
import {
  NEGENTROPY_ITEMS_MAX,
  UPSTREAM_COMPARED_ITEMS_MAX,
  UPSTREAM_COMPARISONS_MAX,
  UPSTREAM_ITEMS_REUSED_SECONDS,
  UPSTREAM_ITEMS_SLICE_ROWS,
} from "../limits.ts";
import { SortedVectorBuilder } from "../negentropy/sorted_vector.ts";
import type { ItemStorage } from "../negentropy/storage.ts";
import { idOf } from "../nostr/exact.ts";
import { type Filter, parseFilter } from "../nostr/filter.ts";
import type { EventReader } from "../store/read/event_reader.ts";
import { PausedScan } from "../store/read/paused_scan.ts";
import type { EventScan } from "../store/read/scan.ts";
import type { TimeRange } from "./gaps.ts";
import { canonicalFilter, type StreamFilter } from "./stream_filter.ts";

/** The items of the newest part of a range. */
export interface OwnWindow {
  readonly items: ItemStorage;
  /** Where they begin, seconds: at the beginning of the range, or later if there are more than one comparison may hold. */
  readonly since: number;
  /** Lets another comparison hold items. To be called once, after the last use. */
  release(): void;
}

/** What is needed of the surroundings. */
interface OwnItemsOptions {
  /** Resolves in a later turn of the thread's loop. */
  readonly turn: () => Promise<void>;
  /** Seconds since 1970. */
  readonly nowSeconds: () => number;
  /** Items of one window, about. */
  readonly itemsMax?: number;
}

/** What was gathered, or is being gathered. */
interface GatheredSet {
  readonly gathered: Promise<{ readonly items: ItemStorage; readonly since: number }>;
  /** Seconds since 1970. */
  readonly at: number;
  /** Comparisons that use it. */
  users: number;
}

/** A scan asks for no more than may be compared at all. */
const LIMITS = { limitMax: NEGENTROPY_ITEMS_MAX, limitDefault: NEGENTROPY_ITEMS_MAX };

/** See the module's text. */
export class OwnItems {
  readonly #reader: EventReader;
  readonly #options: OwnItemsOptions;
  readonly #itemsMax: number;
  /** By the filter, which has the range in it; those that nobody uses too, until room is needed. */
  readonly #sets = new Map<string, GatheredSet>();
  readonly #waiting: (() => void)[] = [];

  constructor(reader: EventReader, options: OwnItemsOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#itemsMax = options.itemsMax ?? UPSTREAM_COMPARED_ITEMS_MAX;
  }

  /**
   * Gathers the newest items that match the filter and lie in the range.
   *
   * @param filter Within the range already.
   * @throws {FilterError} if the filter is none that is served here.
   */
  async gather(filter: StreamFilter, range: TimeRange): Promise<OwnWindow> {
    const key = canonicalFilter(filter);
    const set = this.#current(key) ?? await this.#make(key, parseFilter(filter, LIMITS), range.since);
    try {
      return { ...await set.gathered, release: () => this.#release(set) };
    } catch (error) {
      this.#sets.delete(key);
      this.#release(set);
      throw error;
    }
  }

  /** The set for this filter with one user more, unless it is too old to serve. */
  #current(key: string): GatheredSet | null {
    const set = this.#sets.get(key);
    if (set === undefined) return null;
    if (this.#options.nowSeconds() - set.at <= UPSTREAM_ITEMS_REUSED_SECONDS) {
      set.users++;
      return set;
    }
    // Those who use it keep it; it counts until then under a name that nobody asks for.
    this.#sets.delete(key);
    if (set.users > 0) this.#sets.set(`${key} ${set.at}`, set);
    return null;
  }

  async #make(key: string, filter: Filter, since: number): Promise<GatheredSet> {
    while (!this.#hasRoom()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const made = this.#current(key);
    if (made !== null) return made;
    const set = { gathered: this.#scan(filter, since), at: this.#options.nowSeconds(), users: 1 };
    this.#sets.set(key, set);
    return set;
  }

  /** Whether another set may be held, after one that nobody uses was given up for it. */
  #hasRoom(): boolean {
    if (this.#sets.size < UPSTREAM_COMPARISONS_MAX) return true;
    for (const [key, { users }] of this.#sets) {
      if (users === 0) return this.#sets.delete(key);
    }
    return false;
  }

  #release(set: GatheredSet): void {
    if (--set.users === 0) this.#waiting.shift()?.();
  }

  async #scan(filter: Filter, since: number): Promise<{ items: ItemStorage; since: number }> {
    const builder = new SortedVectorBuilder();
    const paused = new PausedScan(this.#reader.refresh(), this.#options.nowSeconds());
    let last = Infinity;
    let begin = since;
    while (begin === since) {
      const scan = this.#renewed(paused, filter);
      const step = scan.step({ rows: UPSTREAM_ITEMS_SLICE_ROWS, bytes: Infinity }, (text) => {
        const at = scan.createdAt;
        if (builder.length >= this.#itemsMax && at < last) begin = Math.max(begin, last);
        if (at < begin) return;
        last = at;
        builder.addHex(at, idOf(text));
      });
      if (step === "done") break;
      await this.#options.turn();
    }
    return { items: builder.build(), since: begin };
  }

  /** What was removed or has expired since the last slice is left out from now on. */
  #renewed(paused: PausedScan, filter: Filter): EventScan {
    this.#reader.refresh();
    paused.renew(this.#options.nowSeconds(), null, this.#reader.lastRemoval);
    return paused.open ?? paused.begin(this.#reader.scan(filter, paused));
  }
}
