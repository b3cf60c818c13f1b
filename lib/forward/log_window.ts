/**
 * The newest part of the log as the router keeps it: one copy of each event for all targets, each of which has its own
 * place in it. A target that is behind the window reads SQLite until it is in it again.
 * Runs on the router's thread, which owns it.
 *
 * ```
 *   log in SQLite: ... | floor | floor+1 ...                        end |
 *   window:                    | event | event | (ephemeral) | event    |     entries have places: first, first+1, ...
 *                                        ^ place of a target
 * ```
 *
 * Entries that the filter of all targets leaves out are not kept, only counted: `endSeq` passes them. Ephemeral events
 * have the seq of the entry before them and nothing but a place of their own, so that only those get them who are there.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { idOf } from "../nostr/exact.ts";

/** Where a target is: it has taken every entry up to `seq`, and of the window all before `place`. */
export interface LogPlace {
  readonly seq: number;
  /** Null: it is not in the window, and joins it by its seq. */
  readonly place: number | null;
}

/** An event on its way to targets. */
export interface ForwardedEvent {
  /** Its place in the log; of an ephemeral event, that of the entry before it. */
  readonly seq: number;
  readonly text: string;
  readonly isEphemeral: boolean;
  /** Where a target is that has taken it. */
  readonly after: LogPlace;
}

/** How much one read may bring. */
export interface ReadBounds {
  readonly events: number;
  /** Characters of events; the first event may exceed it. */
  readonly chars: number;
  /** Read up to this entry only. */
  readonly to?: number | undefined;
}

/** What one read brought. */
export interface LogRead {
  readonly events: ForwardedEvent[];
  /** Where a target is that has taken all of them. */
  readonly after: LogPlace;
  /** Whether nothing follows, as far as is known now. */
  readonly isEnd: boolean;
}

/** How much is kept. */
interface WindowBounds {
  readonly events: number;
  readonly chars: number;
}

/** See the module's text. */
export class LogWindow {
  readonly #bounds: WindowBounds;
  /** Null where an event was removed. */
  #entries: (ForwardedEvent | null)[] = [];
  /** How many of the first of them were dropped already: they are cut off many at a time. */
  #dropped = 0;
  /** The place of the first in `#entries`, dropped or not. */
  #first = 0;
  #chars = 0;
  readonly #placeOf = new Map<string, number>();
  /** Every entry after this one is in the window. */
  #floorSeq: number;
  #endSeq: number;

  /** @param seq The entry after which it begins. */
  constructor(seq: number, bounds: WindowBounds) {
    this.#floorSeq = this.#endSeq = seq;
    this.#bounds = bounds;
  }

  /** The newest entry that it knows of. */
  get endSeq(): number {
    return this.#endSeq;
  }

  /** Where a target is that has taken all there is. */
  get end(): LogPlace {
    return { seq: this.#endSeq, place: this.#first + this.#entries.length };
  }

  /** Events in it that were not removed. */
  get size(): number {
    return this.#placeOf.size;
  }

  /** The next entry of the log is this event. */
  add(seq: number, text: string): void {
    this.#endSeq = seq;
    this.#placeOf.set(idOf(text), this.#push(seq, text, false));
    this.#trim();
  }

  /** An ephemeral event came after the newest entry. */
  pass(text: string): void {
    this.#placeOf.set(idOf(text), this.#push(this.#endSeq, text, true));
    this.#trim();
  }

  /** The next entry of the log is an event that no target wants. */
  skip(seq: number): void {
    this.#endSeq = seq;
  }

  /** The next entry of the log says that this event was removed. */
  remove(seq: number, id: string): void {
    this.#endSeq = seq;
    const place = this.#placeOf.get(id);
    if (place === undefined) return;
    this.#placeOf.delete(id);
    const entry = this.#entries[place - this.#first]!;
    this.#chars -= entry.text.length;
    this.#entries[place - this.#first] = null;
  }

  /** Whether all that follows a place is in the window. */
  holds({ seq, place }: LogPlace): boolean {
    return place === null ? seq >= this.#floorSeq : place >= this.#first + this.#dropped;
  }

  /** Whether a target at a place that the window holds has taken all there is. */
  isEnd({ seq, place }: LogPlace): boolean {
    return seq >= this.#endSeq && (place === null || place >= this.#first + this.#entries.length);
  }

  /** What follows a place that the window holds. */
  read(from: LogPlace, { events: eventsMax, chars: charsMax, to = Infinity }: ReadBounds): LogRead {
    invariant(this.holds(from), "a target reads the window where it has what follows");
    const events: ForwardedEvent[] = [];
    let chars = 0;
    for (let at = this.#indexOf(from); at < this.#entries.length; at++) {
      const entry = this.#entries[at]!;
      if (entry === null) continue;
      const isFull = events.length === eventsMax || (chars > 0 && chars + entry.text.length > charsMax);
      if (isFull) return { events, after: events.at(-1)!.after, isEnd: false };
      if (entry.seq > to) return upTo(to, from, events);
      events.push(entry);
      chars += entry.text.length;
    }
    return this.#endSeq <= to ? { events, after: this.end, isEnd: true } : upTo(to, from, events);
  }

  #push(seq: number, text: string, isEphemeral: boolean): number {
    const place = this.#first + this.#entries.length;
    this.#entries.push({ seq, text, isEphemeral, after: { seq, place: place + 1 } });
    this.#chars += text.length;
    return place;
  }

  #indexOf({ seq, place }: LogPlace): number {
    if (place !== null) return place - this.#first;
    let low = this.#dropped;
    for (let high = this.#entries.length; low < high;) {
      const middle = (low + high) >>> 1;
      // A removed event has no seq any more; those around it have theirs.
      let known = middle;
      while (known < high && this.#entries[known] === null) known++;
      if (known === high) high = middle;
      else if (this.#entries[known]!.seq <= seq) low = known + 1;
      else high = middle;
    }
    return low;
  }

  #trim(): void {
    const { events, chars } = this.#bounds;
    while (this.#entries.length - this.#dropped > events || this.#chars > chars) {
      const entry = this.#entries[this.#dropped]!;
      this.#entries[this.#dropped++] = null;
      if (entry === null) continue;
      this.#floorSeq = entry.seq;
      this.#chars -= entry.text.length;
      this.#placeOf.delete(idOf(entry.text));
    }
    if (this.#dropped < events) return;
    this.#entries = this.#entries.slice(this.#dropped);
    this.#first += this.#dropped;
    this.#dropped = 0;
  }
}

function upTo(to: number, from: LogPlace, events: ForwardedEvent[]): LogRead {
  return { events, after: { seq: Math.max(from.seq, to), place: null }, isEnd: false };
}
