/**
 * Our own items of a filter, for comparisons with other relays: ids and times, gathered in slices from a reading
 * connection, newest first, whole seconds only. Few comparisons hold items at one time; others wait.
 * Belongs to the thread whose connection it reads.
 *
 * @module
 */
import {
  NEGENTROPY_ITEMS_MAX,
  UPSTREAM_COMPARED_ITEMS_MAX,
  UPSTREAM_COMPARISONS_MAX,
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
import type { StreamFilter } from "./stream_filter.ts";

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

/** A scan asks for no more than may be compared at all. */
const LIMITS = { limitMax: NEGENTROPY_ITEMS_MAX, limitDefault: NEGENTROPY_ITEMS_MAX };

/** See the module's text. */
export class OwnItems {
  readonly #reader: EventReader;
  readonly #options: OwnItemsOptions;
  readonly #itemsMax: number;
  #held = 0;
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
    const parsed = parseFilter(filter, LIMITS);
    if (this.#held >= UPSTREAM_COMPARISONS_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#held++;
    try {
      const { builder, since } = await this.#scan(parsed, range.since);
      return { items: builder.build(), since, release: () => this.#release() };
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** Passes the place on to one who waits. */
  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#held--;
    else next();
  }

  async #scan(filter: Filter, since: number): Promise<{ builder: SortedVectorBuilder; since: number }> {
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
    return { builder, since: begin };
  }

  /** What was removed or has expired since the last slice is left out from now on. */
  #renewed(paused: PausedScan, filter: Filter): EventScan {
    this.#reader.refresh();
    paused.renew(this.#options.nowSeconds(), null, this.#reader.lastRemoval);
    return paused.open ?? paused.begin(this.#reader.scan(filter, paused));
  }
}
