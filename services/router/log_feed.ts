/**
 * The one read of the log that serves all targets: follows the tail into a window in memory, from which every target takes
 * what it lacks. A target that is behind the window reads SQLite a few rows at a time, at its own pace.
 * Runs on the router's thread, which owns it.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { EventFilter } from "../../lib/forward/event_filter.ts";
import type { ForwardRights } from "../../lib/forward/forward_rights.ts";
import {
  type ForwardedEvent,
  type LogPlace,
  type LogRead,
  LogWindow,
  type ReadBounds,
} from "../../lib/forward/log_window.ts";
import {
  FORWARD_FOLLOW_ENTRIES,
  FORWARD_READ_ROWS,
  FORWARD_WINDOW_CHARS_MAX,
  FORWARD_WINDOW_EVENTS_MAX,
} from "../../lib/limits.ts";
import { Follower } from "../../lib/log/follower.ts";
import { type IdRow, LogReader, type TextRow } from "../../lib/log/log_reader.ts";
import type { TailMemory, TailReader } from "../../lib/log/tail.ts";
import { TAIL_EPHEMERAL, TAIL_HEADER_BYTES, TAIL_REMOVED, TAIL_STORED } from "../../lib/log/tail_entry.ts";
import { createPackTarget, PackedEvent } from "../../lib/nostr/packed_event.ts";

import { ReadTurns } from "./turn.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What it is made of. */
interface FeedParts {
  /** A connection that reads the store. */
  readonly db: DatabaseSync;
  readonly tail: TailMemory;
  /** `FORWARD_FILTER`: what it leaves out goes to nobody. */
  readonly filter: EventFilter;
  readonly rights: ForwardRights;
}

/** See the module's text. */
export class LogFeed {
  readonly #log: LogReader;
  readonly #filter: EventFilter;
  readonly #rights: ForwardRights;
  readonly #window: LogWindow;
  readonly #follower: Follower<TextRow, IdRow>;
  readonly #packed = new PackedEvent(createPackTarget(0));
  readonly #isStored: StatementSync;
  /** Those who wait for the log to go on. */
  readonly #waiting = new Set<() => void>();
  readonly #turns = new ReadTurns();
  #isClosed = false;

  /** Begins with the newest entry. */
  constructor({ db, tail, filter, rights }: FeedParts) {
    this.#log = new LogReader(db);
    this.#filter = filter;
    this.#rights = rights;
    this.#isStored = db.prepare("SELECT 1 FROM body WHERE seq = ?");
    this.#follower = new Follower({
      log: this.#log,
      tail,
      sink: {
        add: ([seq, text]) => this.#add(seq, text),
        remove: ([seq, id]) => this.#window.remove(seq, id),
      },
      record: (tail) => this.#receive(tail),
    });
    this.#window = new LogWindow(this.#follower.cursor, {
      events: FORWARD_WINDOW_EVENTS_MAX,
      chars: FORWARD_WINDOW_CHARS_MAX,
    });
  }

  /** The newest entry that was taken from the log. */
  get endSeq(): number {
    return this.#window.endSeq;
  }

  /** Where somebody is who wants what is still to come. */
  get end(): LogPlace {
    return this.#window.end;
  }

  /** Whether it was closed: the router stops. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Takes what has come since, up to a bound.
   *
   * @returns whether it is at the end of the log.
   */
  follow(): boolean {
    const before = this.#window.end;
    const isEnd = this.#follower.step(FORWARD_FOLLOW_ENTRIES);
    if (!this.#window.isEnd(before)) this.#wake();
    return isEnd;
  }

  /** What follows a place, as far as it may be sent now. `filter` narrows the operator's. */
  read(from: LogPlace, bounds: ReadBounds, filter: EventFilter | null = null): LogRead {
    const read = this.#window.holds(from) ? this.#window.read(from, bounds) : this.#readRows(from, bounds);
    const events = read.events.filter(({ text }) =>
      this.#rights.allows(text) && (filter?.matches(text) ?? true)
    );
    return { ...read, events };
  }

  /** Whether an event that was read before may still be sent. */
  maySend({ seq, text, isEphemeral }: ForwardedEvent): boolean {
    return this.#rights.allows(text) && (isEphemeral || this.#isStored.get(seq) !== undefined);
  }

  /** Resolves when something follows the place, when the feed was closed, or when who waits has left. */
  async more(place: LogPlace, leave?: AbortSignal): Promise<void> {
    while (!this.#isClosed && !leave?.aborted && this.#window.isEnd(place)) await this.#wait({ leave });
  }

  /** Resolves when the log has gone on by anything, when the feed was closed, or after so many ms. */
  async change(millisecondsMax: number): Promise<void> {
    if (!this.#isClosed) await this.#wait({ millisecondsMax });
  }

  /** A turn for who has read and is not at the end: those who are behind read one after another. */
  turn(): Promise<void> {
    return this.#turns.next();
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async #wait({ leave, millisecondsMax }: { leave?: AbortSignal | undefined; millisecondsMax?: number }) {
    const { promise, resolve: end } = Promise.withResolvers<void>();
    const wake = () => end();
    this.#waiting.add(wake);
    leave?.addEventListener("abort", wake);
    const timer = millisecondsMax === undefined ? undefined : setTimeout(wake, millisecondsMax);
    await promise;
    clearTimeout(timer);
    leave?.removeEventListener("abort", wake);
    this.#waiting.delete(wake);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #add(seq: number, text: string): void {
    if (this.#filter.matches(text)) this.#window.add(seq, text);
    else this.#window.skip(seq);
  }

  #receive(tail: TailReader): void {
    const seq = tail.doubles[0]!;
    if (tail.type === TAIL_REMOVED) {
      this.#window.remove(seq, tail.bytes.subarray(TAIL_HEADER_BYTES, TAIL_HEADER_BYTES + 32).toHex());
    } else if (tail.type === TAIL_STORED) this.#add(seq, this.#textOf(tail));
    else if (tail.type === TAIL_EPHEMERAL) {
      const text = this.#textOf(tail);
      if (this.#filter.matches(text)) this.#window.pass(text);
    }
  }

  #textOf(tail: TailReader): string {
    return decoder.decode(this.#packed.at(TAIL_HEADER_BYTES, tail).text);
  }

  #readRows(from: LogPlace, { events: eventsMax, chars: charsMax, to = Infinity }: ReadBounds): LogRead {
    const events: ForwardedEvent[] = [];
    let chars = 0;
    let isFull = false;
    const end = this.#log.give(
      { after: from.seq, to: Math.min(to, this.#window.endSeq), max: FORWARD_READ_ROWS },
      {
        add: ([seq, text]) => {
          if (isFull || !this.#filter.matches(text)) return;
          isFull = events.length === eventsMax || (chars > 0 && chars + text.length > charsMax);
          if (isFull) return;
          events.push({ seq, text, isEphemeral: false, after: { seq, place: null } });
          chars += text.length;
        },
        remove: () => {},
      },
    );
    return { events, after: isFull ? events.at(-1)!.after : { seq: end, place: null }, isEnd: false };
  }
}
