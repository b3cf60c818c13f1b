/**
 * One follower's place in the log: goes through all entries after its cursor, each once, in their order. It reads the tail
 * in shared memory where it has one, and SQLite where the tail has lost what it wants; without a tail, SQLite alone.
 * Belongs to the thread that follows; only its cursor outlives that thread, where it is kept (`durable_cursor.ts`).
 *
 * ```
 *   log:     ... | n | n+1 | n+2 | ...            | m | m+1 | m+2 ...
 *                  ^ cursor                         ^ end         ^ the tail's next record
 *                  ╰── rows of SQLite up to `end` ──╯╰── records of the tail ──
 * ```
 *
 * - It starts, or is lapped: the tail's end is noted first, then the log's. What comes between is met twice, and the cursor
 *   drops it.
 * - It meets a gap, behind a store that died before it published what it had committed: the entry that tells of it is in
 *   SQLite too, so `end` moves to it.
 * - It is at the end: whoever follows sleeps at its doorbell, which the store rings after a commit.
 *
 * @module
 */
import type { Doorbell } from "../queue/doorbell.ts";
import type { LogRow, LogRows, LogSink } from "./log_rows.ts";
import { TAIL_EPHEMERAL, TAIL_REACHED } from "./tail_entry.ts";
import { type TailMemory, tailPosition, TailReader } from "./tail.ts";

/** What a follower asks of the log in SQLite. */
export type LogSource<Addition extends LogRow, Removal extends LogRow> = Pick<
  LogRows<Addition, Removal>,
  "lastSeq" | "give"
>;

/** What a follower works with. */
interface FollowerParts<Addition extends LogRow, Removal extends LogRow> {
  readonly log: LogSource<Addition, Removal>;
  /** Takes rows of SQLite. */
  readonly sink: LogSink<Addition, Removal>;
  /** The entry after which it begins; as a default the newest, so that it takes what is still to come. */
  readonly after?: number;
  /** The tail: where the log goes on is seen there at the price of one load. */
  readonly tail?: TailMemory;
  /** Takes records of the tail: entries of the log, and ephemeral events beside it. Without it rows are all it takes. */
  readonly record?: (tail: TailReader) => void;
}

/** See the module's text. */
export class Follower<Addition extends LogRow, Removal extends LogRow> {
  readonly #log: LogSource<Addition, Removal>;
  readonly #sink: LogSink<Addition, Removal>;
  readonly #tail: TailReader | null;
  readonly #record: (tail: TailReader) => void;
  readonly #position: (() => number) | null;
  #cursor: number;
  /** Entries up to this one are in SQLite, and are read there. */
  #end: number;
  /** The tail's position when `#end` was found; for a follower of rows. */
  #seenPosition = NaN;

  constructor({ log, sink, after, tail, record }: FollowerParts<Addition, Removal>) {
    this.#log = log;
    this.#sink = sink;
    this.#tail = tail !== undefined && record !== undefined ? new TailReader(tail) : null;
    this.#record = record ?? (() => {});
    this.#position = tail === undefined ? null : tailPosition(tail);
    this.#end = log.lastSeq;
    this.#cursor = after ?? this.#end;
  }

  /** The last entry that was taken. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Entries that it has not taken yet, as far as numbers tell. */
  get lag(): number {
    return Math.max(0, this.#log.lastSeq - this.#cursor);
  }

  /** Whether the log may go on after the cursor. Certain and cheap only for who has the tail. */
  get hasMore(): boolean {
    if (this.#cursor < this.#end) return true;
    return this.#tail?.hasNext ?? this.#position?.() !== this.#seenPosition;
  }

  /**
   * Goes on by one record of the tail, or, where it is behind it or has none, by at most `rowsMax` rows.
   *
   * @returns whether there was anything.
   */
  next(rowsMax: number): boolean {
    if (this.#tail === null) this.#look();
    if (this.#cursor < this.#end) {
      this.#cursor = this.#give(rowsMax);
      return true;
    }
    const step = this.#tail?.next() ?? "empty";
    if (step === "empty") return false;
    if (step === "record") this.#receive(this.#tail!);
    else {
      this.#tail!.jumpToEnd();
      this.#end = this.#log.lastSeq;
    }
    return true;
  }

  /**
   * Goes on by at most `max` entries.
   *
   * @returns whether it is at the end of the log, as it was when it looked.
   */
  step(max: number): boolean {
    if (this.#tail === null) {
      this.#look();
      return this.stepTo(this.#end, max);
    }
    for (let seen = 0; seen < max;) {
      const before = this.#cursor;
      if (!this.next(max - seen)) return true;
      seen += Math.max(1, this.#cursor - before);
    }
    return !this.hasMore;
  }

  /**
   * Goes on by rows up to an entry that the connection is known to see.
   *
   * @returns whether it came there with `max` rows.
   */
  stepTo(seq: number, max: number): boolean {
    this.#end = Math.max(this.#end, seq);
    if (this.#cursor < this.#end) this.#cursor = this.#give(max);
    return this.#cursor >= seq;
  }

  /** Gives at most `max` rows and leaves the cursor: for who takes them for certain only later, by `moveTo`. */
  peek(max: number): void {
    this.#look();
    if (this.#cursor < this.#end) this.#give(max);
  }

  /** Entries up to this one count as taken, and those behind it as not. */
  moveTo(seq: number): void {
    this.#cursor = seq;
  }

  /** Sleeps until the log goes on or something else rings, at most so long. */
  async wait(bell: Doorbell, millisecondsMax?: number): Promise<void> {
    const seen = bell.rings;
    if (!this.hasMore) await bell.waitAsync(seen, millisecondsMax);
  }

  /** Where rows end now. What is committed after the position was loaded changes it again. */
  #look(): void {
    this.#seenPosition = this.#position?.() ?? NaN;
    this.#end = this.#log.lastSeq;
  }

  #give(max: number): number {
    return this.#log.give({ after: this.#cursor, to: this.#end, max }, this.#sink);
  }

  #receive(tail: TailReader): void {
    if (tail.type !== TAIL_EPHEMERAL) {
      const seq = tail.doubles[0]!;
      if (seq <= this.#cursor) return;
      if (seq > this.#cursor + 1 || tail.type === TAIL_REACHED) {
        this.#end = seq;
        return;
      }
      this.#cursor = seq;
    }
    this.#record(tail);
  }
}
