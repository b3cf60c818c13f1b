/**
 * Brings one index as far as the log is, bulk by bulk. It reads rows, because a bulk is of a second and the tail may be of
 * less; the tail tells it whether the log has gone on, and its cursor moves when the index has acknowledged a bulk.
 * Runs on the indexer's thread, which owns it: the position in the log, and what is to be repeated. Its durable cursor is
 * in the index state.
 *
 * @module
 */
import { BULK_BYTES_MAX, BULK_ITEM_ATTEMPTS_MAX } from "../../lib/limits.ts";
import { histogramOf, slotOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import type { Doorbell } from "../../lib/queue/doorbell.ts";
import { type DeadLetter, FOLLOWER, type IndexState } from "../../lib/search/index_state.ts";
import type { BulkResult, ChangeTarget, IndexChange } from "../../lib/search/search_index.ts";
import type { Cursor } from "../../lib/log/durable_cursor.ts";
import { Follower } from "../../lib/log/follower.ts";
import type { IdRow, LogEntry, LogReader, TextRow } from "../../lib/log/log_reader.ts";
import type { TailMemory } from "../../lib/log/tail.ts";
import type { Logger } from "../../runtime/logger.ts";
import { Addition } from "./addition.ts";

const BULK_EVENTS = histogramOf("nostr_bulk_events");
const DEAD_LETTERS = slotOf("nostr_search_dead_letters");

/** A change that the index refused for a passing reason, to be sent first in the next bulk. */
interface Repeated {
  readonly change: IndexChange;
  readonly attempts: number;
}

/** What all followers of the indexer share. */
export interface FollowerParts {
  readonly state: IndexState;
  readonly log: LogReader;
  /** Says that the log goes on. */
  readonly tail: TailMemory;
  readonly lines: Logger;
  readonly metrics: ThreadMetrics;
  /** Called between what the index has acknowledged and the cursor: the worst moment to die. */
  readonly acknowledged: () => void;
}

/** What one bulk did. */
interface Step {
  /** Whether the index then held all that the log held when it was read. */
  readonly isWhole: boolean;
  /** Whether it took everything that it was sent. */
  readonly isTaken: boolean;
  readonly removals: number;
}

/** Follows the log for one generation of an index. */
export class LogFollower {
  readonly generation: string;
  readonly #target: ChangeTarget;
  readonly #parts: FollowerParts;
  /** Its cursor is the last entry that the index has acknowledged or refused. */
  readonly #follower: Follower<TextRow, IdRow>;
  #entries: LogEntry[] = [];
  #repeated: readonly Repeated[] = [];

  constructor(target: ChangeTarget, generation: string, parts: FollowerParts) {
    this.#target = target;
    this.generation = generation;
    this.#parts = parts;
    this.#follower = new Follower({
      log: parts.log,
      after: parts.state.cursors.seqOf(FOLLOWER, generation),
      tail: parts.tail,
      sink: {
        add: ([seq, text]) => this.#entries.push({ type: "add", seq, text }),
        remove: ([seq, id]) => this.#entries.push({ type: "remove", seq, id }),
      },
    });
  }

  /** Changes of the log that the index lacks. */
  get lag(): number {
    return this.#follower.lag + this.#repeated.length;
  }

  /** Whether the next bulk would be empty, as far as the tail tells. */
  get isIdle(): boolean {
    return this.#repeated.length === 0 && !this.#follower.hasMore;
  }

  /** Sleeps until the log goes on, but so long at most. */
  async wait(bell: Doorbell, millisecondsMax: number): Promise<void> {
    await this.#follower.wait(bell, millisecondsMax);
  }

  /**
   * Sends one bulk of at most `eventsMax` changes.
   *
   * @throws {SearchUnavailableError} and is of no use then: another one goes on from the durable cursor.
   */
  async step(eventsMax: number): Promise<Step> {
    const { bulk, isAll } = this.#nextBulk(eventsMax);
    if (bulk.length > 0) await this.#send(bulk);
    const removals = bulk.filter(({ change }) => change.type === "remove").length;
    const isTaken = this.#repeated.length === 0;
    return { isWhole: isAll && isTaken, isTaken, removals };
  }

  /** What was refused before, then what is new in the log, within the bounds of one call. */
  #nextBulk(eventsMax: number): { bulk: Repeated[]; isAll: boolean } {
    const bulk = [...this.#repeated];
    const room = eventsMax - bulk.length;
    this.#entries = [];
    if (room > 0) this.#follower.peek(room);
    const entries = this.#entries;
    let bytes = 0;
    for (const entry of entries) {
      if (entry.type === "add") bytes += entry.text.length;
      if (bytes > BULK_BYTES_MAX && bulk.length > 0) return { bulk, isAll: false };
      bulk.push({ change: entry.type === "add" ? new Addition(entry.seq, entry.text) : entry, attempts: 0 });
    }
    return { bulk, isAll: entries.length < room };
  }

  async #send(bulk: readonly Repeated[]): Promise<void> {
    const readTo = Math.max(this.#follower.cursor, bulk.at(-1)!.change.seq);
    const cursor = { follower: FOLLOWER, generation: this.generation, seq: readTo };
    const result = await this.#target.apply(bulk.map(({ change }) => change), cursor);
    this.#parts.acknowledged();
    this.#parts.metrics.observe(BULK_EVENTS, bulk.length);
    this.#follower.moveTo(readTo);
    const letters = this.#sort(bulk, result);
    this.#advance(cursor, letters, result);
  }

  /** Keeps what is to be repeated; returns what is set aside for good. */
  #sort(bulk: readonly Repeated[], result: BulkResult): DeadLetter[] {
    const at = Math.floor(Date.now() / 1000);
    const letters = result.rejected.map(({ position, reason }) =>
      letterOf(bulk[position]!.change, reason, at)
    );
    const repeated: Repeated[] = [];
    for (const { position, reason, isSuspect } of result.retry) {
      const { change, attempts } = bulk[position]!;
      const tried = attempts + (isSuspect ? 1 : 0);
      if (tried < BULK_ITEM_ATTEMPTS_MAX) repeated.push({ change, attempts: tried });
      else letters.push(letterOf(change, `refused ${BULK_ITEM_ATTEMPTS_MAX} times: ${reason}`, at));
    }
    this.#repeated = repeated;
    for (const { seq, id, reason } of letters) {
      this.#parts.lines.warn(`entry ${seq} (${id}) was set aside: ${reason}`);
    }
    return letters;
  }

  /** Moves the durable cursor up to the first change that is not in the index yet. */
  #advance(cursor: Cursor, letters: readonly DeadLetter[], result: BulkResult): void {
    const { state, metrics } = this.#parts;
    const first = this.#repeated.reduce((least, { change }) => Math.min(least, change.seq), Infinity);
    const seq = Math.min(cursor.seq, first - 1);
    if (!result.cursorStored || letters.length > 0) state.advance({ ...cursor, seq }, letters);
    if (letters.length > 0) metrics.set(DEAD_LETTERS, state.deadLetterCount());
  }
}

function letterOf(change: IndexChange, reason: string, at: number): DeadLetter {
  return { seq: change.seq, id: change.id, reason, at };
}
