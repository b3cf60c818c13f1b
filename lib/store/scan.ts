/**
 * Runs a plan: merges its streams newest first (ties: lowest id), checks what is left to check, and stops at a budget.
 * Belongs to the thread whose connection it reads; holds no snapshot between two steps.
 *
 * A scan can be left after any step and taken up by another one, on any thread, from its `position`.
 *
 * @module
 */
import {
  COMPLETENESS_PROBE_ROWS_MAX,
  SCAN_CHUNK_ROWS_MAX,
  SCAN_CHUNK_ROWS_MIN,
  SCAN_RANGE_ROWS,
  TIED_EVENTS_MAX,
} from "../limits.ts";
import type { Filter } from "../nostr/filter.ts";
import { eventOf, pubkeyOf } from "./exact.ts";
import { type Plan, rangesOf, type Residual, type Stream } from "./plan.ts";
import type { ReadStatements } from "./read_statements.ts";
import type { VanishedAuthors } from "./vanished_authors.ts";

/** How far a scan is: the last row it looked at, and what is still wanted. */
export interface ScanPosition {
  readonly age: number;
  readonly idKey: number;
  readonly remaining: number;
  /** Events handed out beyond the limit, because they have the `created_at` of the last one within it. */
  readonly tied: number;
}

/**
 * What a scan that is done knows of the rest (NIP-67): `all` that matches was handed out; or the seq of an event that
 * matches and was not; or nothing, because looking further would have cost too much.
 */
export type ScanEnd = "all" | "unknown" | number;

/** What one step may cost. */
export interface ScanBudget {
  /** Index rows to look at. */
  rows: number;
  /** Characters of text to hand out. */
  bytes: number;
}

/** What a scan holds to beyond its filter. */
export interface ScanOptions {
  /** Events after this entry of the log are not part of the answer. */
  readonly seqMax: number;
  /** Seconds since 1970: what has expired by then is not part of the answer (NIP-40). */
  readonly now: number;
  /** Where another scan of the same filter stopped. */
  readonly position?: ScanPosition;
}

/** The events of one filter, in order, handed out step by step. */
export interface EventScan {
  /** Where another scan could go on, after a step that returned "more". */
  readonly position: ScanPosition;
  /** `created_at` of the event that is being handed out, seconds. */
  readonly createdAt: number;
  /** What is known of the rest, once `step` has returned "done". */
  readonly end: ScanEnd;
  /** What has to be spent before the first event comes, in rows. */
  readonly openingRows: number;
  /**
   * Hands out events until the filter's limit, the end, or the budget is reached. The budget is reduced by what was used.
   *
   * @returns "done", or "more": the budget is used up and `step` can be called again.
   */
  step(budget: ScanBudget, emit: (text: string, seq: number) => void): "done" | "more";
}

/**
 * A row as the statements return it: age, id key, seq, then expires_at and text, or kind and pubkey key; of several ranges
 * the place of the key in the stream's first list.
 */
type Row = [age: number, idKey: number, seq: number, number, string | number, at?: number];

/** One stream's rows that were fetched and not yet merged. */
class Cursor {
  rows: Row[] = [];
  at = 0;
  /** Nothing is left in the index behind `rows`. */
  drained = false;
  chunk: number;
  age: number;
  idKey: number;
  readonly ranges: number;
  /** The statement's first parameters. */
  readonly keys: readonly (number | string)[];

  constructor(readonly stream: Stream, age: number, idKey: number, chunk: number) {
    this.ranges = rangesOf(stream);
    this.keys = stream.lists.map((list) => list.length === 1 ? list[0]! : JSON.stringify(list));
    this.age = age;
    this.idKey = idKey;
    this.chunk = chunk;
  }
}

/** The scan of a plan; see the module's text. */
export class Scan implements EventScan {
  readonly #statements: ReadStatements;
  readonly #vanished: VanishedAuthors;
  readonly #residual: Residual;
  readonly #options: ScanOptions;
  readonly #ageMax: number;
  /** Whether rows are checked by kind or author before their text is worth fetching. */
  readonly #keysFirst: boolean;
  readonly #heap: Cursor[] = [];
  /** Whether something is left to check, so that more rows may be needed than are wanted. */
  readonly #hasResidual: boolean;
  readonly #cursors: Cursor[];
  /** The cursor that is opened next. */
  #unopened = 0;
  /** Whether a step takes several calls, which then share a snapshot. */
  readonly #sharesSnapshot: boolean;
  /** Whether the limit is the relay's own, not one that the client asked for. */
  readonly #isCapped: boolean;
  readonly #asksNothing: boolean;
  #remaining: number;
  #tied: number;
  #end: ScanEnd = "unknown";
  #age: number;
  #idKey: number;
  #lastSeq = -1;
  #rowsLeft = 0;

  constructor(
    statements: ReadStatements,
    vanished: VanishedAuthors,
    plan: Plan,
    filter: Filter,
    options: ScanOptions,
  ) {
    this.#statements = statements;
    this.#vanished = vanished;
    this.#residual = plan.residual;
    this.#options = options;
    const { kinds, authorKeys, tags } = plan.residual;
    this.#hasResidual = kinds !== null || authorKeys !== null || tags.length > 0;
    // Ids bring their texts along: nearly all of them are wanted.
    this.#keysFirst = plan.streams[0]?.source !== "id" && (kinds !== null || authorKeys !== null);
    this.#sharesSnapshot = this.#keysFirst || plan.streams.length > 1;
    this.#ageMax = filter.since === undefined ? Number.MAX_SAFE_INTEGER : -filter.since;
    this.#isCapped = filter.isCapped === true;
    this.#remaining = options.position?.remaining ?? filter.limit;
    this.#tied = options.position?.tied ?? 0;
    this.#asksNothing = filter.limit === 0;
    this.#age = options.position?.age ??
      (filter.until === undefined ? -Number.MAX_SAFE_INTEGER : -filter.until);
    this.#idKey = options.position?.idKey ?? -1;
    const chunk = firstChunk(this.#remaining, plan.streams.length);
    this.#cursors = plan.streams.map((stream) => new Cursor(stream, this.#age, this.#idKey, chunk));
  }

  get position(): ScanPosition {
    return { age: this.#age, idKey: this.#idKey, remaining: this.#remaining, tied: this.#tied };
  }

  get createdAt(): number {
    return -this.#age;
  }

  get openingRows(): number {
    return this.#cursors.reduce((rows, { ranges }) => rows + ranges * SCAN_RANGE_ROWS, 0);
  }

  get end(): ScanEnd {
    return this.#end;
  }

  /**
   * Where the limit is the relay's own, events of the last one's `created_at` are handed out beyond it, so that a client
   * that asks for the next page by `until` misses none (NIP-67).
   */
  step(budget: ScanBudget, emit: (text: string, seq: number) => void): "done" | "more" {
    this.#rowsLeft = budget.rows;
    const bytesBefore = budget.bytes;
    // Whoever asks for no stored event asks nothing about them.
    if (this.#asksNothing) return "done";
    if (this.#sharesSnapshot) this.#statements.begin.run();
    try {
      if (!this.#open()) return "more";
      while (this.#heap.length > 0) {
        const next = this.#heap[0]!.rows[this.#heap[0]!.at];
        if (this.#remaining === 0 && !this.#mayTie(next)) {
          this.#end = this.#probe();
          return "done";
        }
        if (budget.bytes <= 0) return "more";
        if (next === undefined && this.#rowsLeft <= 0) return "more";
        budget.bytes -= this.#advance(emit);
      }
      this.#end = "all";
      return "done";
    } finally {
      if (this.#sharesSnapshot) this.#statements.commit.run();
      budget.rows = Math.floor(this.#rowsLeft);
      if (budget.bytes > bytesBefore) budget.bytes = bytesBefore;
    }
  }

  /** Whether a row may go beyond the limit; at the limit, the position's age is that of the last event within it. */
  #mayTie(row: Row | undefined): boolean {
    if (!this.#isCapped || this.#tied >= TIED_EVENTS_MAX) return false;
    return row === undefined || row[0] === this.#age;
  }

  /** Takes the next row, or fetches more of the stream whose rows ran out. Returns the characters handed out. */
  #advance(emit: (text: string, seq: number) => void): number {
    const cursor = this.#heap[0]!;
    if (cursor.at === cursor.rows.length) {
      this.#fetch(cursor);
      this.#settleTop();
      return 0;
    }
    const row = cursor.rows[cursor.at++]!;
    this.#age = row[0];
    this.#idKey = row[1];
    const text = row[2] === this.#lastSeq ? null : this.#matchingText(cursor.stream, row);
    this.#settleTop();
    if (text === null) return 0;
    this.#lastSeq = row[2];
    if (this.#remaining > 0) this.#remaining--;
    else this.#tied++;
    emit(text, row[2]);
    return text.length;
  }

  /** Looks for one more event that matches, over so few rows that an EOSE does not wait for it. */
  #probe(): ScanEnd {
    this.#rowsLeft = COMPLETENESS_PROBE_ROWS_MAX;
    while (this.#heap.length > 0) {
      const cursor = this.#heap[0]!;
      if (cursor.at === cursor.rows.length) {
        if (this.#rowsLeft <= 0) return "unknown";
        this.#fetch(cursor);
      } else {
        const row = cursor.rows[cursor.at++]!;
        if (this.#rowsLeft-- <= 0) return "unknown";
        if (row[2] !== this.#lastSeq && this.#matchingText(cursor.stream, row) !== null) return row[2];
      }
      this.#settleTop();
    }
    return "all";
  }

  /** Fetches each stream's first rows; a plan of many streams may need several steps for it. */
  #open(): boolean {
    while (this.#unopened < this.#cursors.length) {
      if (this.#rowsLeft <= 0) return false;
      const cursor = this.#cursors[this.#unopened++]!;
      this.#fetch(cursor);
      if (cursor.rows.length > 0) this.#push(cursor);
    }
    return true;
  }

  #fetch(cursor: Cursor): void {
    if (cursor.drained) {
      cursor.rows = [];
      cursor.at = 0;
      return;
    }
    const wanted = this.#hasResidual
      ? cursor.chunk
      : Math.min(cursor.chunk, Math.max(this.#remaining + 1, SCAN_CHUNK_ROWS_MIN));
    const chunk = Math.max(1, Math.min(wanted, Math.floor(this.#rowsLeft)));
    const { stream, keys, ranges } = cursor;
    const statement = this.#statements.of(stream, this.#keysFirst ? "keys" : "texts");
    const rows = statement.all(...keys, cursor.age, cursor.idKey, this.#ageMax, chunk) as unknown as Row[];
    cursor.rows = rows;
    cursor.at = 0;
    cursor.drained = rows.length < chunk;
    cursor.chunk = Math.min(cursor.chunk * 2, SCAN_CHUNK_ROWS_MAX);
    // A call that finds nothing costs about as much as a row.
    this.#rowsLeft -= Math.max(1, rows.length) + (ranges > 1 ? ranges * SCAN_RANGE_ROWS : 0);
    const last = rows.at(-1);
    if (last) [cursor.age, cursor.idKey] = last;
  }

  /** Checks one row; returns its event's text if it belongs to the answer. */
  #matchingText(stream: Stream, row: Row): string | null {
    const seq = row[2];
    if (seq > this.#options.seqMax) return null;
    let expiresAt = row[3];
    let text = row[4] as string;
    if (this.#keysFirst) {
      if (this.#residual.kinds && !this.#residual.kinds.has(row[3])) return null;
      if (this.#residual.authorKeys && !this.#residual.authorKeys.has(row[4] as number)) return null;
      const body = this.#statements.body.get(seq) as unknown as [number, string] | undefined;
      if (body === undefined) return null;
      [expiresAt, text] = body;
      this.#rowsLeft--;
    } else if (this.#residual.kinds && !this.#residual.kinds.has(eventOf(text).kind)) return null;
    if (expiresAt > 0 && expiresAt <= this.#options.now) return null;
    if (stream.exact && !stream.exact(text, row[5] ?? 0)) return null;
    if (this.#residual.authors && !this.#residual.authors.has(pubkeyOf(text))) return null;
    if (this.#residual.tags.length > 0 && !hasTags(text, this.#residual)) return null;
    if (this.#vanished.hide(text)) return null;
    return text;
  }

  /** Restores the heap after its first cursor moved on. */
  #settleTop(): void {
    const heap = this.#heap;
    const top = heap[0]!;
    if (top.at === top.rows.length) {
      if (!top.drained && top.rows.length > 0) return;
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    if (heap.length > 1) siftDown(heap);
  }

  #push(cursor: Cursor): void {
    const heap = this.#heap;
    let at = heap.push(cursor) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(cursor, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = cursor;
  }
}

/** A single stream's first rows hold one beyond the limit: it tells whether there are more. */
function firstChunk(remaining: number, streams: number): number {
  const share = streams === 1 ? remaining + 1 : Math.ceil(remaining * 2 / streams) + 1;
  return Math.max(1, Math.min(share, SCAN_CHUNK_ROWS_MAX));
}

function hasTags(text: string, residual: Residual): boolean {
  const { tags } = eventOf(text);
  return residual.tags.every(({ letter, values }) =>
    tags.some((tag) => tag[0] === letter && tag[1] !== undefined && values.has(tag[1]))
  );
}

/** Whether `a`'s next row comes before `b`'s. A cursor whose rows ran out comes first: it must be refilled. */
function isBefore(a: Cursor, b: Cursor): boolean {
  const rowA = a.rows[a.at];
  const rowB = b.rows[b.at];
  if (rowA === undefined) return true;
  if (rowB === undefined) return false;
  return rowA[0] !== rowB[0] ? rowA[0] < rowB[0] : rowA[1] < rowB[1];
}

function siftDown(heap: Cursor[]): void {
  const cursor = heap[0]!;
  let at = 0;
  while (true) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, cursor)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = cursor;
}
