/**
 * Compares all that a filter selects, here and at another relay (NIP-77), and levels both sides. What one comparison cannot
 * hold is compared in stretches of time, newest first; one that the relay finds too large is halved.
 * Runs in the process of a command.
 *
 * @module
 */
import { NEGENTROPY_ITEMS_MAX } from "../lib/limits.ts";
import type { Batch } from "../lib/upstream/batch.ts";
import type { TimeRange } from "../lib/upstream/gaps.ts";
import { fetchIds } from "../lib/upstream/id_fetch.ts";
import type { OwnWindow } from "../lib/upstream/own_items.ts";
import type { RelayConversation } from "../lib/upstream/relay_conversation.ts";
import { type StreamFilter, withinTime } from "../lib/upstream/stream_filter.ts";
import { ComparisonFault, type Difference, StreamReads } from "../lib/upstream/stream_reads.ts";

/** Seconds ahead of the clock that are compared where a stretch needs an end. */
const FUTURE_SECONDS = 366 * 86_400;

/** What a sync works with. */
interface SyncParts {
  readonly conversation: RelayConversation;
  readonly filter: StreamFilter;
  readonly range: TimeRange;
  /** Bytes of a message of ours. */
  readonly frameBytesMax: number;
  readonly ownItems: (filter: StreamFilter, range: TimeRange) => Promise<OwnWindow>;
  /** Hears what one comparison found, before it is levelled. */
  readonly found: (difference: Difference) => void;
  /** Sends events of ours; null: nothing goes up. */
  readonly up: ((ids: readonly string[]) => Promise<void>) | null;
  /** Takes an event of theirs; null: nothing comes down. */
  readonly down: ((text: string, batch: Batch) => void) | null;
  readonly nowSeconds: () => number;
}

/** What a sync found. */
interface SyncTotals {
  /** Events of ours that the filter selects. */
  own: number;
  have: number;
  need: number;
  /** Ids that the relay named and did not send. */
  notSent: number;
}

/** Runs one; throws `ComparisonFault` or `StreamFault` where the relay does not play its part. */
export class SetSync {
  readonly totals: SyncTotals = { own: 0, have: 0, need: 0, notSent: 0 };
  readonly #parts: SyncParts;
  readonly #reads: StreamReads;
  /** Seconds of one comparison. */
  #span = Infinity;

  constructor(parts: SyncParts) {
    this.#parts = parts;
    this.#reads = new StreamReads(parts.conversation);
  }

  async run(): Promise<void> {
    const { since, until } = this.#parts.range;
    for (let end = until; end >= since;) {
      const compared = await this.#compareNewest({ since, until: end });
      // A comparison that was too much for the relay says where the next one ends.
      end = compared.isDone ? compared.since - 1 : compared.until;
    }
  }

  async #compareNewest({ since, until }: TimeRange): Promise<TimeRange & { isDone: boolean }> {
    const { filter, ownItems, frameBytesMax } = this.#parts;
    const begin = Number.isFinite(until) ? Math.max(since, until - this.#span + 1) : since;
    const asked = { since: begin, until };
    const own = await ownItems(withinTime(filter, asked)!, asked);
    const window = { since: own.since, until };
    try {
      const difference = await this.#reads.compare({
        filter: withinTime(filter, window)!,
        items: own.items,
        idsMax: NEGENTROPY_ITEMS_MAX,
        frameBytesMax,
      });
      this.totals.own += own.items.size;
      // Else the emptiness before the first event would be crossed in the shortest steps.
      this.#span *= 2;
      await this.#level(difference);
      return { ...window, isDone: true };
    } catch (error) {
      const end = Math.min(until, this.#parts.nowSeconds() + FUTURE_SECONDS);
      if (!(error instanceof ComparisonFault) || !error.isTooMuch || window.since >= end) throw error;
      this.#span = Math.ceil((end - window.since + 1) / 2);
      return { since: window.since, until: end, isDone: false };
    } finally {
      own.release();
    }
  }

  async #level(difference: Difference): Promise<void> {
    const { conversation, down, found, up } = this.#parts;
    this.totals.have += difference.have.length;
    this.totals.need += difference.need.length;
    found(difference);
    const fetched = down === null ? 0 : fetchIds(difference.need, {
      reads: this.#reads,
      limits: conversation.limits,
      deliver: (text, _id, batch) => down(text, batch),
    });
    const [notSent] = await Promise.all([fetched, up?.(difference.have)]);
    this.totals.notSent += notSent;
  }
}
