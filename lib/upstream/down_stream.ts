/**
 * A stream that comes down: all events of one filter from one relay, each once as far as that can be, and none missed.
 *
 * ```
 *   connect ─▶ live subscription ─▶ the time of our absence is a gap ─▶ gaps are filled, newest first ─▶ live
 *
 *   a gap      compared (NIP-77): what only the relay has is fetched by ids     where it can, and we hold something
 *              paged (page_walk.ts)                                             otherwise
 * ```
 *
 * The place of the stream is durable: a moment, and the gaps before it. The moment moves while the live subscription is
 * open; a gap shrinks when the events of a stretch are settled, newest first. So whatever dies, and whenever, what is not
 * certainly stored is fetched again.
 *
 * A relay stores late what others publish late. So the gap begins an overlap before the last moment. Where sets are
 * compared, a longer stretch before it is compared too, and given up where the relay does not answer.
 *
 * Pure: time is passed in, and `tick` is called about once a second. Belongs to the thread that made it; a new one is made
 * for each connection.
 *
 * @module
 */
// long: one procedure, from the connection to the last gap.
import {
  UPSTREAM_COMPARED_ITEMS_MAX,
  UPSTREAM_COMPARED_OVERLAP_SECONDS,
  UPSTREAM_COMPARISON_SECONDS_MAX,
  UPSTREAM_OVERLAP_SECONDS,
  UPSTREAM_PAGES_PER_ROUND_MAX,
  UPSTREAM_PLACE_SECONDS,
  UPSTREAM_RETRY_SECONDS_MAX,
  UPSTREAM_RETRY_SECONDS_MIN,
  UPSTREAM_STEP_SECONDS,
} from "../limits.ts";
import type { Batch, Settle } from "./batch.ts";
import { createdAtIn } from "./event_time.ts";
import { Gaps, type TimeRange } from "./gaps.ts";
import { fetchIds } from "./id_fetch.ts";
import { LiveSubscription } from "./live_subscription.ts";
import type { OwnWindow } from "./own_items.ts";
import { type PageHabits, PageWalk, type WalkParts } from "./page_walk.ts";
import type { Place } from "./place_table.ts";
import type { RelayConversation } from "./relay_conversation.ts";
import { fetchInParts } from "./part_fetch.ts";
import { type StreamFilter, withinTime } from "./stream_filter.ts";
import { ComparisonFault, type Difference, StreamFault, StreamReads } from "./stream_reads.ts";

/** What a stream works with. */
interface DownStreamParts {
  readonly conversation: RelayConversation;
  readonly filter: StreamFilter;
  /** The place that was noted last; null: the stream begins. */
  readonly place: Place | null;
  /** Notes a place, which may become durable later. */
  readonly note: (place: Place) => void;
  /** Passes an event on. It is settled when its outcome is certain: also if it turns out to be invalid. */
  readonly deliver: (text: string, id: string, settle: Settle) => void;
  /** Whether the event was verified before, be it stored or refused: it is not fetched by its id. */
  readonly isKnown: (id: string) => boolean;
  /** Our own items of a filter, the newest of the range first; null: sets are not compared. */
  readonly ownItems: ((filter: StreamFilter, range: TimeRange) => Promise<OwnWindow>) | null;
  /** Takes ids that we have and the relay lacks, and resolves when they are sent; null: nothing goes up. */
  readonly offer: ((ids: readonly string[]) => Promise<void>) | null;
  /** Seconds since 1970. */
  readonly nowSeconds: () => number;
  /** How far ahead of the clock an event may be dated, seconds. */
  readonly futureSeconds: number;
}

/** How a stream is, for people. */
type DownState = "opening" | "filling" | "live" | "failed" | "stopped";

/** What a stream did over this connection. */
interface DownCounts {
  /** Events passed on, of each way. */
  live: number;
  paged: number;
  byId: number;
  /** Comparisons that came to an end. */
  comparisons: number;
  /** Ids that the relay named and did not send. */
  notSent: number;
  /** Seconds that may hold events that no page shows. */
  overfullSeconds: number;
}

/** See the module's text. */
export class DownStream {
  readonly counts: DownCounts = {
    live: 0,
    paged: 0,
    byId: 0,
    comparisons: 0,
    notSent: 0,
    overfullSeconds: 0,
  };
  readonly #parts: DownStreamParts;
  readonly #reads: StreamReads;
  readonly #live: LiveSubscription;
  readonly #gaps: Gaps;
  /** Of live events. What is being fetched may be older than they are, so that it covers none of them. */
  #missed = new Gaps();
  /** Events that were published late; compared only, and not durable. */
  #late: TimeRange | null = null;
  readonly #habits: PageHabits = { cutEvents: Infinity, isAscending: null };
  /** Null until the live subscription is open for the first time. */
  #at: number | null;
  #markedAt = 0;
  #state: DownState = "opening";
  #failure = "";
  #mayCompare: boolean;
  #comparisonFault = "";
  /** When the comparison that is under way began; Infinity: none is. */
  #comparingSince = Infinity;
  /** Seconds of one comparison: halved where it is too much. */
  #span = Infinity;
  #retryAt = Infinity;
  #retrySeconds = UPSTREAM_RETRY_SECONDS_MIN;
  #isRunning = false;

  constructor(parts: DownStreamParts) {
    this.#parts = parts;
    this.#reads = new StreamReads(parts.conversation);
    this.#live = new LiveSubscription({
      conversation: parts.conversation,
      filter: parts.filter,
      deliver: (text, id, batch) => this.#deliverLive(text, id, batch),
      lost: (reason) => this.#fail(reason),
    });
    this.#gaps = new Gaps(parts.place?.gaps);
    this.#at = parts.place?.at ?? null;
    this.#mayCompare = parts.ownItems !== null && parts.filter.search === undefined && this.#reads.mayCompare;
  }

  get state(): DownState {
    return this.#state;
  }

  /** Why it failed last, or empty. */
  get failure(): string {
    return this.#failure;
  }

  /** Why sets are no longer compared, or empty. */
  get comparisonFault(): string {
    return this.#comparisonFault;
  }

  /** What is still to be fetched. */
  get gaps(): readonly TimeRange[] {
    return new Gaps([...this.#gaps.all, ...this.#missed.all]).all;
  }

  /** Begins, on a connection that is open. */
  start(): void {
    void this.#run();
  }

  /** Does what is due by time. */
  tick(): void {
    const now = this.#now();
    if (this.#state === "stopped") return;
    if (now >= this.#retryAt) void this.#run();
    if (now - this.#comparingSince > UPSTREAM_COMPARISON_SECONDS_MAX) {
      this.#reads.endComparison(`the comparison took longer than ${UPSTREAM_COMPARISON_SECONDS_MAX} s`);
    }
    if (now - this.#markedAt >= UPSTREAM_PLACE_SECONDS) this.#mark(now);
  }

  /** Ends: the connection is over, or the stream is. */
  stop(): void {
    this.#state = "stopped";
    this.#reads.stop();
    this.#live.stop();
  }

  #now(): number {
    return Math.floor(this.#parts.nowSeconds());
  }

  /** One attempt, from where the last one has failed. */
  async #run(): Promise<void> {
    if (this.#isRunning || this.#state === "stopped") return;
    this.#isRunning = true;
    this.#retryAt = Infinity;
    try {
      if (!this.#live.isOpen) await this.#open();
      this.#state = "filling";
      await this.#fill();
      if (!this.#live.isOpen) throw new StreamFault(this.#failure);
      this.#state = "live";
      this.#failure = "";
      this.#retrySeconds = UPSTREAM_RETRY_SECONDS_MIN;
    } catch (error) {
      if (!(error instanceof StreamFault)) throw error;
      this.#fail(error.message);
    } finally {
      this.#isRunning = false;
    }
  }

  #fail(reason: string): void {
    if (this.#state === "stopped") return;
    this.#state = "failed";
    this.#failure = reason;
    if (this.#retryAt < Infinity) return;
    this.#retryAt = this.#now() + this.#retrySeconds;
    this.#retrySeconds = Math.min(this.#retrySeconds * 2, UPSTREAM_RETRY_SECONDS_MAX);
  }

  async #open(): Promise<void> {
    this.#state = "opening";
    await this.#live.open();
    const now = this.#now();
    this.#addGap(now);
    this.#at = this.#markedAt = now;
    this.#note();
  }

  /** What came since the last moment, and may have come late before it, is to be fetched. */
  #addGap(now: number): void {
    // In steps, so that the streams of many relays compare the same stretches.
    const until = roundUp(now + this.#parts.futureSeconds);
    if (this.#at === null) return this.#gaps.add({ since: 0, until });
    // A clock that went back must not leave anything out.
    const since = roundDown(Math.min(this.#at, now) - UPSTREAM_OVERLAP_SECONDS);
    this.#gaps.add({ since, until });
    const early = roundDown(since - UPSTREAM_COMPARED_OVERLAP_SECONDS);
    this.#late = { since: early, until: since - 1 };
  }

  /** The live events up to now are settled soon; then the moment moves. */
  #mark(now: number): void {
    if (!this.#live.isOpen) return;
    this.#markedAt = now;
    this.#live.mark(() => {
      this.#at = now;
      this.#note();
    });
  }

  #note(): void {
    if (this.#state === "stopped" || this.#at === null) return;
    this.#parts.note({ at: this.#at, gaps: this.gaps });
  }

  async #fill(): Promise<void> {
    for (let gap = this.#nextGap(); gap !== null; gap = this.#nextGap()) {
      if (await this.#compareNewest(gap)) continue;
      await this.#walk(gap, this.#mayCompare ? UPSTREAM_PAGES_PER_ROUND_MAX : Infinity);
    }
    while (this.#late !== null && this.#late.since <= this.#late.until) {
      if (!await this.#compareNewest(this.#late)) break;
    }
    this.#late = null;
  }

  #nextGap(): TimeRange | null {
    if (this.#gaps.newest === null) {
      for (const range of this.#missed.all) this.#gaps.add(range);
      this.#missed = new Gaps();
    }
    return this.#gaps.newest;
  }

  async #walk(range: TimeRange, pagesMax: number, filter = this.#parts.filter): Promise<void> {
    await new PageWalk(range, this.#walkParts(filter)).run(pagesMax);
  }

  #walkParts(filter: StreamFilter): WalkParts {
    const { conversation } = this.#parts;
    return {
      reads: this.#reads,
      filter,
      limit: conversation.limits.limitMax,
      habits: this.#habits,
      looksClosely: this.#mayCompare,
      unasked: () => conversation.counts.unasked,
      deliver: (text, id, batch) => this.#deliver("paged", text, id, batch),
      overfull: (second, events) => this.#findRest(second, events),
      covered: (range) => this.#cover(range),
    };
  }

  #cover(range: TimeRange): void {
    this.#gaps.remove(range);
    if (this.#late !== null && range.since <= this.#late.until && this.#late.until <= range.until) {
      this.#late = { since: this.#late.since, until: range.since - 1 };
    }
    this.#note();
  }

  #deliver(way: "paged" | "byId", text: string, id: string, batch: Batch): void {
    this.counts[way]++;
    this.#parts.deliver(text, id, batch.add());
  }

  /** What is live and cannot be stored becomes a gap of its own: it may be dated at any time. */
  #deliverLive(text: string, id: string, batch: Batch): void {
    const settle = batch.add();
    this.counts.live++;
    this.#parts.deliver(text, id, (isCertain) => {
      if (!isCertain) this.#miss(createdAtIn(text) ?? this.#now());
      settle(true);
    });
  }

  #miss(second: number): void {
    this.#missed.add({ since: second, until: second });
    this.#note();
    this.#fail("live events could not be stored");
  }

  /** Compares the newest stretch of a range. Returns false where that is not possible, or pages are better. */
  async #compareNewest(range: TimeRange): Promise<boolean> {
    const { ownItems, filter } = this.#parts;
    if (!this.#mayCompare || ownItems === null) return false;
    const asked = { since: Math.max(range.since, range.until - this.#span + 1), until: range.until };
    const within = withinTime(filter, asked);
    if (within === null) {
      this.#cover(asked);
      return true;
    }
    const own = await ownItems(within, asked);
    // Who has nothing has nothing to compare: pages bring more at once than ids do.
    if (own.items.size > 0) return await this.#compare({ since: own.since, until: asked.until }, own);
    own.release();
    return false;
  }

  /** Compares one stretch and fetches what is missing. Returns false where it is to be paged. */
  async #compare(window: TimeRange, own: OwnWindow): Promise<boolean> {
    const filter = withinTime(this.#parts.filter, window)!;
    this.#comparingSince = this.#now();
    let difference: Difference;
    try {
      difference = await this.#reads.compare({
        filter,
        items: own.items,
        idsMax: UPSTREAM_COMPARED_ITEMS_MAX,
      });
    } catch (error) {
      if (!(error instanceof ComparisonFault)) throw error;
      return this.#compareLess(error, window);
    } finally {
      this.#comparingSince = Infinity;
      own.release();
    }
    this.counts.comparisons++;
    await this.#level(difference);
    this.#span = Math.ceil(this.#span * 1.25);
    this.#cover(window);
    return true;
  }

  /** After a comparison that failed: tries a smaller one, or none any more. */
  #compareLess(fault: ComparisonFault, { since, until }: TimeRange): boolean {
    if (fault.isTooMuch && since < until) {
      this.#span = Math.ceil((until - since + 1) / 2);
      return true;
    }
    this.#mayCompare = false;
    this.#comparisonFault = fault.message;
    return false;
  }

  /** Brings both sides to the same set, as far as the direction says. */
  async #level({ have, need }: Difference): Promise<void> {
    const { conversation, isKnown, offer } = this.#parts;
    this.counts.notSent += await fetchIds(need.filter((id) => !isKnown(id)), {
      reads: this.#reads,
      limits: conversation.limits,
      deliver: (text, id, batch) => this.#deliver("byId", text, id, batch),
    });
    if (have.length > 0 && offer !== null) await offer(have);
  }

  /** A second that fills a page: its rest is found by a comparison, or by asking for parts of the filter. */
  async #findRest(second: number, pageEvents: number): Promise<void> {
    const range = { since: second, until: second };
    const filter = withinTime(this.#parts.filter, range)!;
    if (this.#mayCompare) {
      const own = await this.#parts.ownItems!(filter, range);
      if (await this.#compare(range, own)) return;
    }
    const { reads, limit, deliver } = this.#walkParts(filter);
    if (!await fetchInParts(filter, pageEvents, { reads, limit, deliver })) this.counts.overfullSeconds++;
  }
}

function roundDown(seconds: number): number {
  return Math.max(0, seconds - seconds % UPSTREAM_STEP_SECONDS);
}

function roundUp(seconds: number): number {
  return Math.ceil(seconds / UPSTREAM_STEP_SECONDS) * UPSTREAM_STEP_SECONDS;
}
