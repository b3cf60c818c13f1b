/**
 * Fetches the stored events of a stretch of time page by page, from the newest end to the oldest, whatever the relay makes
 * of `limit` and `until`. It trusts no length of a page: it goes on until a page is empty.
 *
 * DESIGN. A page ends with its oldest second `m`, and may have been cut in the midst of it. So the next page goes until `m`
 * and has those events again, which is what is fetched twice. A page that has no second but `m` is followed by one until
 * `m - 1`, and tells that `m` may hold more than a page in two cases:
 *
 * ```
 *    the next page brings events      The page was cut, though all of it was one second.
 *    the next page is empty           The page is as long as others of this relay that were cut, or as the limit. Where
 *                                     seconds can be compared, any that has more than one event is.
 * ```
 *
 * The owner of the walk is asked to find the rest of such a second in another way.
 *
 * So each page moves the end of the range, or the walk ends. A relay that sends the oldest events first is walked upwards,
 * with all of that mirrored. What a page covers is told when all of its events are settled, and those of the pages before.
 *
 * Belongs to the stream that fetches, on its thread.
 *
 * @module
 */
import { UPSTREAM_BATCHES_UNSETTLED_MAX, UPSTREAM_SMALL_PAGES_MAX } from "../limits.ts";
import { Batch } from "./batch.ts";
import type { TimeRange } from "./gaps.ts";
import { Page } from "./page.ts";
import { type StreamFilter, withinTime } from "./stream_filter.ts";
import { StreamFault, type StreamReads } from "./stream_reads.ts";

/** What is known of the pages of a relay. */
export interface PageHabits {
  /** Events of the shortest page that was certainly cut. */
  cutEvents: number;
  /** Whether the oldest events come first; null: no page has told yet. */
  isAscending: boolean | null;
}

/** What a walk works with. */
export interface WalkParts {
  readonly reads: StreamReads;
  readonly filter: StreamFilter;
  /** Events of one page. */
  readonly limit: number;
  /** Is kept over all walks of a connection. */
  readonly habits: PageHabits;
  /** Whether it is cheap to look whether a second is whole. */
  readonly looksClosely: boolean;
  /** Events of the relay that were not asked for, so far. */
  readonly unasked: () => number;
  /** Takes an event that came. */
  readonly deliver: (text: string, id: string, batch: Batch) => void;
  /** This second may hold more events than a page of so many. */
  readonly overfull: (second: number, pageEvents: number) => Promise<void>;
  /** All events of the range are certainly dealt with. */
  readonly covered: (range: TimeRange) => void;
}

/** A second that a page had to itself. */
interface Seam {
  readonly second: number;
  /** Events of the page. */
  readonly events: number;
  /** Whether the page is as long as one that was cut. */
  readonly isLong: boolean;
}

/** See the module's text. */
export class PageWalk {
  readonly #parts: WalkParts;
  /** What is still to be asked for. */
  #rest: TimeRange;
  /** What is not told to be covered: the rest, and what may lack something at the seam. */
  #open: TimeRange;
  /** Ids at the end of the last page, which the next page brings again. */
  #known: ReadonlySet<string> = new Set();
  /** Events of the page before. */
  #lastEvents = Infinity;
  /** Pages in a row that brought one new event at most. */
  #smallPages = 0;
  #seam: Seam | null = null;
  /** What was fetched since the last commit. */
  #batches: Batch[] = [];
  #commits: Promise<void>[] = [];
  #isUncertain = false;

  constructor(range: TimeRange, parts: WalkParts) {
    this.#rest = this.#open = range;
    this.#parts = parts;
  }

  /**
   * Fetches at most so many pages; what they cover is settled when it returns.
   *
   * @returns whether all of the range is covered.
   * @throws {StreamFault} if the relay does not answer as it should, or events were not certainly stored.
   */
  async run(pagesMax: number): Promise<boolean> {
    let isWhole = false;
    try {
      for (let pages = 0; !isWhole && !this.#isUncertain && pages < pagesMax; pages++) {
        isWhole = await this.#step();
        while (this.#commits.length >= UPSTREAM_BATCHES_UNSETTLED_MAX) await this.#commits.shift();
      }
    } finally {
      await Promise.all(this.#commits);
    }
    if (this.#isUncertain) throw new StreamFault("events of a page could not be stored");
    return isWhole;
  }

  async #step(): Promise<boolean> {
    const page = await this.#fetch(this.#rest, this.#known);
    if (page.count === 0 && page.outside > 0) {
      throw new StreamFault("the relay sends events outside of the time that was asked for");
    }
    this.#checkSize(page);
    if (this.#seam !== null && (page.count > 0 || this.#seam.isLong)) await this.#close(this.#seam);
    if (page.count === 0) {
      this.#commit({ since: this.#rest.since, until: this.#rest.since - 1 });
      return true;
    }
    const { habits } = this.#parts;
    habits.isAscending = page.isAscending ?? habits.isAscending;
    if (page.fresh > 0) habits.cutEvents = Math.min(habits.cutEvents, this.#lastEvents);
    this.#lastEvents = page.count;
    if (page.isOneSecond) await this.#skip(page);
    else this.#overlap(page);
    return this.#rest.since > this.#rest.until;
  }

  /** A relay could give out its events one by one, of every second since 1970. */
  #checkSize({ fresh }: Page): void {
    this.#smallPages = fresh > 1 ? 0 : this.#smallPages + 1;
    if (this.#smallPages <= UPSTREAM_SMALL_PAGES_MAX) return;
    throw new StreamFault(`${UPSTREAM_SMALL_PAGES_MAX} pages of the relay held one new event each`);
  }

  /** Goes on with the last second of the page, and has it again. */
  #overlap(page: Page): void {
    const { since, until } = this.#rest;
    const { isAscending } = this.#parts.habits;
    const second = isAscending ? page.newest : page.oldest;
    this.#known = page.idsAt(second);
    this.#rest = isAscending ? { since: second, until } : { since, until: second };
    this.#commit(this.#rest);
  }

  /** Goes on beyond the only second of the page. Whether that is whole is seen by the next one. */
  async #skip(page: Page): Promise<void> {
    const { since, until } = this.#rest;
    const second = page.newest;
    const isLong = page.isCut || this.#isLong(page.count);
    if (isLong) await this.#learnOrder(second);
    this.#known = new Set();
    this.#rest = this.#parts.habits.isAscending ? { since: second + 1, until } : { since, until: second - 1 };
    this.#seam = { second, events: page.count, isLong };
    if (this.#rest.since <= this.#rest.until) return;
    // No page follows at the end of the range, so that the length has to tell.
    if (isLong) await this.#close(this.#seam);
    else this.#commit(this.#rest);
  }

  /** A page of one second does not tell what comes first. Only where the oldest do, there is anything after it. */
  async #learnOrder(second: number): Promise<void> {
    const { habits } = this.#parts;
    const { until } = this.#rest;
    if (habits.isAscending !== null || second === until) return;
    habits.isAscending = (await this.#fetch({ since: second + 1, until }, new Set())).count > 0;
  }

  /** Whether a page of so many events may have been cut, though nothing follows it. */
  #isLong(events: number): boolean {
    const { habits, limit, looksClosely } = this.#parts;
    return events >= Math.min(habits.cutEvents, limit) || looksClosely && events > 1;
  }

  /** This second may hold more than the page that it filled. */
  async #close({ second, events }: Seam): Promise<void> {
    this.#seam = null;
    // What finds the rest compares with what is stored.
    await Promise.all([...this.#commits, ...this.#batches.map(({ settled }) => settled)]);
    await this.#parts.overfull(second, events);
    this.#commit(this.#rest);
  }

  async #fetch(range: TimeRange, known: ReadonlySet<string>): Promise<Page> {
    const { reads, filter, limit, deliver, unasked } = this.#parts;
    const within = withinTime(filter, range);
    const page = new Page(range, known);
    if (within === null) return page;
    const batch = new Batch();
    this.#batches.push(batch);
    const unaskedBefore = unasked();
    const reason = await reads.events({ ...within, limit }, (text, id) => {
      if (page.add(text, id)) deliver(text, id, batch);
    }).finally(() => batch.close());
    page.outside += unasked() - unaskedBefore;
    page.isCut = reason !== null;
    // A page that ended early is a short one, if it brings anything.
    if (reason !== null && page.fresh === 0) throw new StreamFault(reason);
    return page;
  }

  /** All but `rest` is covered, as soon as what was fetched is settled. */
  #commit(rest: TimeRange): void {
    const [batches, before, previous] = [this.#batches, this.#open, this.#commits.at(-1)];
    this.#batches = [];
    this.#open = rest;
    const ranges = [
      { since: before.since, until: rest.since - 1 },
      { since: rest.until + 1, until: before.until },
    ].filter(({ since, until }) => since <= until);
    this.#commits.push(this.#settle(batches, ranges, previous));
  }

  async #settle(
    batches: readonly Batch[],
    ranges: readonly TimeRange[],
    previous?: Promise<void>,
  ): Promise<void> {
    await previous;
    for (const batch of batches) if (!await batch.settled) this.#isUncertain = true;
    if (!this.#isUncertain) ranges.forEach(this.#parts.covered);
  }
}
