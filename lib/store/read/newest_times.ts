/**
 * How new the newest event of an author and kind can be, as far as earlier queries found out: what lets a timeline of many
 * authors leave out those who have written nothing lately.
 * Belongs to the thread whose connection it reads.
 *
 *     a query returns ──▶ each author's newest row, or, of who had none in a full page, the page's last ──▶ learn
 *     the log goes on ──▶ new events make their author's time newer                                     ──▶ catchUp
 *
 * A follower of additions that is too far behind forgets all and begins at the end. No bell rings for it: the query that
 * needs it says up to which entry.
 *
 * A time is a bound, never an answer: an event that left the store leaves it too new, which costs a seek and is learned
 * again. What was forgotten, because another author has its place, is sought like what was never known.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { NEWEST_TIMES_BITS, NEWEST_TIMES_LAG_MAX } from "../../limits.ts";
import { ofBoth } from "../write/fresh_tables.ts";
import { Follower } from "../../log/follower.ts";
import { LogRows } from "../../log/log_rows.ts";

/** The age of what may have any: nothing is known. */
export const ANY_AGE = -(2 ** 36);
/** The age of what has no event at all: ages are minus `created_at`, so that none is greater than 0. */
export const NO_AGE = 1;

/** What is read of an event that was stored. */
type TimeRow = readonly [seq: number, author: number, kind: number, age: number];

const SLOTS = 2 ** NEWEST_TIMES_BITS;

/** The times that one connection has learned; see the module's text. */
export class NewestTimes {
  readonly #log: LogRows<TimeRow, never>;
  readonly #follower: Follower<TimeRow, never>;
  readonly #authors = new Float64Array(SLOTS).fill(-1);
  readonly #kinds = new Uint32Array(SLOTS);
  readonly #ages = new Float64Array(SLOTS);

  constructor(db: DatabaseSync) {
    const added = ofBoth((of) =>
      `SELECT seq, pubkey_key, kind, age FROM ${of}event WHERE seq > ?1 AND seq <= ?2`
    );
    this.#log = new LogRows(db, { additions: `${added} ORDER BY 1 LIMIT ?3+0`, removals: null });
    this.#follower = new Follower({
      log: this.#log,
      sink: { add: (row) => this.#add(row), remove: () => {} },
    });
  }

  /**
   * Accounts for the log up to an entry that the connection sees; Infinity: up to the newest. Must come before times are
   * asked for a scan up to it.
   */
  catchUp(seq: number): void {
    if (seq === Infinity) seq = this.#log.lastSeq;
    if (this.#follower.stepTo(seq, NEWEST_TIMES_LAG_MAX)) return;
    this.#authors.fill(-1);
    this.#follower.moveTo(seq);
  }

  #add([, author, kind, age]: TimeRow): void {
    const slot = this.#find(author, kind);
    if (slot >= 0 && age < this.#ages[slot]!) this.#ages[slot] = atLeast(age);
  }

  /** No event of this author (by key) and one of these kinds has a lesser age. */
  leastAge(author: number, kinds: readonly number[]): number {
    let least = NO_AGE;
    for (const kind of kinds) {
      const slot = this.#find(author, kind);
      if (slot < 0) return ANY_AGE;
      least = Math.min(least, this.#ages[slot]!);
    }
    return least;
  }

  /** No event of this author and any of these kinds has a lesser age, as a query of now has shown. */
  learn(author: number, kinds: readonly number[], age: number): void {
    for (const kind of kinds) {
      let slot = this.#find(author, kind);
      if (slot >= 0) this.#ages[slot] = Math.max(this.#ages[slot]!, atLeast(age));
      else {
        // Of the two places that it may have, the first; who was there moves to the second.
        slot = slotOf(author, kind);
        this.#authors[slot ^ 1] = this.#authors[slot]!;
        this.#kinds[slot ^ 1] = this.#kinds[slot]!;
        this.#ages[slot ^ 1] = this.#ages[slot]!;
        this.#authors[slot] = author;
        this.#kinds[slot] = kind;
        this.#ages[slot] = atLeast(age);
      }
    }
  }

  #find(author: number, kind: number): number {
    const slot = slotOf(author, kind);
    if (this.#authors[slot] === author && this.#kinds[slot] === kind) return slot;
    return this.#authors[slot + 1] === author && this.#kinds[slot + 1] === kind ? slot + 1 : -1;
  }
}

/** Times beyond these bounds do not occur among honest events, and need not be told apart. */
function atLeast(age: number): number {
  return age < ANY_AGE ? ANY_AGE : Math.min(age, NO_AGE);
}

/** The first of two places that lie side by side. */
function slotOf(author: number, kind: number): number {
  return Math.imul((author >>> 0) ^ Math.imul(kind, 0x9e3779b1), 0x85ebca6b) >>> (33 - NEWEST_TIMES_BITS) <<
    1;
}
