/**
 * Runs a plan: merges its streams newest first (ties: lowest id), checks what is left to check, and stops at a budget.
 * Belongs to the thread whose connection it reads; holds no snapshot between two steps.
 *
 * Ids are ordered by their keys, of which several may share one: such events are gathered, put in the order of their ids,
 * and handed out before the scan goes on. So each row that is taken has to see the one that comes after it, and a stream's
 * next rows are fetched before its last one is taken.
 *
 * Long texts are read one at a time. Each text that is looked at counts in rows (`SCAN_ROW_CHARS`), handed out or not.
 *
 * A scan can be left after any step and taken up by another one, on any thread, from its `position`.
 *
 * @module
 */
// long: one loop, and the rules of what it takes next.
import {
  SCAN_CHUNK_ROWS_MAX,
  SCAN_CHUNK_ROWS_MIN,
  SCAN_RANGE_ROWS,
  SCAN_ROW_CHARS,
  TIED_EVENTS_MAX,
} from "../../limits.ts";
import type { Filter } from "../../nostr/filter.ts";
import { ageOf, idKeyOf, MergeHeap, type Row, StreamRows } from "./merge_heap.ts";
import { idOf, kindOf, pubkeyOf } from "../../nostr/exact.ts";
import { type NewestTimes, NO_AGE } from "./newest_times.ts";
import type { Plan, Residual, Stream } from "./plan.ts";
import type { Columns, ReadStatements, WindowRow } from "./read_statements.ts";
import { holdsConditions } from "./tag_conditions.ts";
import type { VanishedAuthors } from "../write/vanished_authors.ts";

/** How far a scan is: the last row it looked at, and what is still wanted. */
export interface ScanPosition {
  readonly age: number;
  readonly idKey: number;
  /**
   * Set in the midst of events that share age and key: the id of the last one handed out, empty where none was.
   */
  readonly afterId?: string;
  readonly remaining: number;
  /**
   * Events handed out beyond the limit, because they have the `created_at` of the last one within it; `TIED_EVENTS_MAX`
   * once nothing more is handed out, and only whether there is more is left to be found.
   */
  readonly tied: number;
}

/**
 * What a scan that is done knows of the rest (NIP-67): `all` that matches was handed out; or the seq of the first event
 * that matches and was not; or nothing, because no stored event was asked for.
 */
export type ScanEnd = "all" | "unknown" | number;

/** What one step may cost. */
export interface ScanBudget {
  /** Index rows to look at; a long text counts as several. */
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
  /**
   * Whether who asks may know of an event, by its text. Any other is passed as if it were not there: in what is handed
   * out, in the limit, and in what is known of the rest. Null: of every event.
   */
  readonly mayRead?: ((text: string) => boolean) | null;
  /** Where another scan of the same filter stopped. */
  readonly position?: ScanPosition | undefined;
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

/** What a scan reads from, of one connection. */
interface ScanSources {
  readonly statements: ReadStatements;
  readonly vanished: VanishedAuthors;
  /** Is told what the scan finds out. */
  readonly times: NewestTimes;
}

/** An event that matches and shares its age and its id's key with another one. */
interface Tie {
  readonly text: string;
  readonly seq: number;
  readonly id: string;
}

/** The scan of a plan; see the module's text. */
export class Scan implements EventScan {
  readonly #sources: ScanSources;
  readonly #residual: Residual;
  readonly #options: ScanOptions;
  readonly #ageMax: number;
  /** Whether rows are checked by kind or author before their text is worth fetching. */
  readonly #keysFirst: boolean;
  readonly #heap = new MergeHeap();
  /** Whether something is left to check, so that more rows may be needed than are wanted. */
  readonly #hasResidual: boolean;
  /** Whether what the first fetch of a stream brings is the newest that it has. */
  readonly #isFromTop: boolean;
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
  /** What is still to be handed out of the events that share the present age and key, in the order of their ids. */
  #ties: Tie[] = [];
  /** The id of the last event of such that was handed out; null: all of the present key was dealt with. */
  #afterId: string | null;
  #lastSeq = -1;
  #rowsLeft = 0;

  constructor(
    sources: ScanSources,
    plan: Plan,
    filter: Filter,
    options: ScanOptions,
  ) {
    this.#sources = sources;
    this.#residual = plan.residual;
    this.#options = options;
    const { kinds, authorKeys, tags } = plan.residual;
    this.#hasResidual = kinds !== null || authorKeys !== null || tags.length > 0 ||
      (options.mayRead ?? null) !== null;
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
    this.#afterId = options.position?.afterId ?? null;
    // Keys are integers: what comes after the one before has all of this one.
    const from = {
      age: this.#age,
      idKey: this.#afterId === null ? this.#idKey : this.#idKey - 1,
      seq: Number.MAX_SAFE_INTEGER,
    };
    const abreast = plan.streams.filter(({ ageMin }) => ageMin === plan.streams[0]!.ageMin).length;
    const chunk = firstChunk(this.#remaining, abreast);
    this.#isFromTop = this.#age === -Number.MAX_SAFE_INTEGER;
    for (const stream of plan.streams) {
      if (stream.ageMin <= this.#ageMax) this.#heap.push(new StreamRows(stream, from, chunk));
    }
  }

  get position(): ScanPosition {
    return {
      age: this.#age,
      idKey: this.#idKey,
      ...(this.#afterId !== null && { afterId: this.#afterId }),
      remaining: this.#remaining,
      tied: this.#tied,
    };
  }

  get createdAt(): number {
    return -this.#age;
  }

  get openingRows(): number {
    const age = this.#heap.top?.age;
    return this.#heap.cursors.reduce(
      (rows, cursor) => cursor.age === age ? rows + cursor.ranges * SCAN_RANGE_ROWS : rows,
      0,
    );
  }

  get end(): ScanEnd {
    return this.#end;
  }

  /**
   * Where the limit is the relay's own, events of the last one's `created_at` are handed out beyond it, so that a client
   * that asks for the next page by `until` misses none (NIP-67). After that the scan goes on to the next event that
   * matches, within the same budgets: to give up after some rows would tell how many lie there that nobody may know of.
   */
  step(budget: ScanBudget, emit: (text: string, seq: number) => void): "done" | "more" {
    this.#rowsLeft = budget.rows;
    const bytesBefore = budget.bytes;
    // Whoever asks for no stored event asks nothing about them.
    if (this.#asksNothing) return "done";
    if (this.#sharesSnapshot) this.#sources.statements.begin.run();
    try {
      for (let taken = 0;; taken++) {
        const next = this.#heap.top;
        if (next === undefined && this.#ties.length === 0) break;
        if (this.#remaining === 0 && !this.#mayTie(next)) this.#tied = TIED_EVENTS_MAX;
        if (budget.bytes <= 0) return "more";
        if (this.#ties.length > 0) budget.bytes -= this.#handOutTie(emit);
        else {
          // A step that could take nothing would be repeated without end.
          if (this.#rowsLeft <= 0 && taken > 0 && this.#hasToRead(next!)) return "more";
          budget.bytes -= this.#advance(emit);
        }
        if (this.#end !== "unknown") return "done";
      }
      this.#end = "all";
      return "done";
    } finally {
      if (this.#sharesSnapshot) this.#sources.statements.commit.run();
      budget.rows = Math.floor(this.#rowsLeft);
      if (budget.bytes > bytesBefore) budget.bytes = bytesBefore;
    }
  }

  /** Whether a row may go beyond the limit; at the limit, the position's age is that of the last event within it. */
  #mayTie(next: StreamRows | undefined): boolean {
    if (!this.#isCapped || this.#tied >= TIED_EVENTS_MAX) return false;
    return this.#ties.length > 0 || ageOf(next!) <= this.#age;
  }

  /** Whether to take the cursor's next row means to ask SQLite. */
  #hasToRead(cursor: StreamRows): boolean {
    const row = cursor.rows[cursor.at];
    if (row === undefined || (cursor.at + 1 === cursor.rows.length && !cursor.drained)) return true;
    if (cursor.hasTexts) return row[4] === null;
    return this.#hasKeys(row) && (row[6] === undefined || row[6]?.text === null);
  }

  /** Takes the next row, or opens the stream that comes first. Returns the characters handed out. */
  #advance(emit: (text: string, seq: number) => void): number {
    const cursor = this.#heap.top!;
    if (cursor.at === cursor.rows.length) {
      this.#fetch(cursor);
      this.#heap.sift();
      return 0;
    }
    const row = cursor.rows[cursor.at]!;
    if (row[0] !== this.#age || row[1] !== this.#idKey) this.#afterId = null;
    this.#age = row[0];
    this.#idKey = row[1];
    // Whether there is more, any event tells of whose key none was handed out: what follows need not be fetched.
    const looksAt = this.#isLooking && !this.#afterId ? this.#newText(cursor, row) : undefined;
    if (typeof looksAt === "string") return this.#handOut(looksAt, row[2], emit);
    this.#consume(cursor);
    if (this.#afterId !== null || this.#isShared(row)) {
      this.#gather(cursor, row, { isRefused: looksAt === null });
      return 0;
    }
    const text = looksAt === undefined ? this.#newText(cursor, row) : looksAt;
    return text === null ? 0 : this.#handOut(text, row[2], emit);
  }

  /** The row's text, if it belongs to the answer and was not handed out just now. */
  #newText(cursor: StreamRows, row: Row): string | null {
    return row[2] === this.#lastSeq ? null : this.#matchingText(cursor, row);
  }

  /** Whether nothing more is handed out, and only whether there is more is left to be found. */
  get #isLooking(): boolean {
    return this.#remaining === 0 && this.#tied >= TIED_EVENTS_MAX;
  }

  /** Takes the row on top; the heap then shows the one that comes after it. */
  #consume(cursor: StreamRows): Row {
    const row = cursor.rows[cursor.at++]!;
    if (cursor.at === cursor.rows.length && !cursor.drained) this.#fetch(cursor);
    this.#heap.sift();
    return row;
  }

  /** Returns the characters handed out: none where the event only tells that there is more. */
  #handOut(text: string, seq: number, emit: (text: string, seq: number) => void): number {
    this.#lastSeq = seq;
    if (this.#remaining > 0) this.#remaining--;
    else if (this.#tied < TIED_EVENTS_MAX) this.#tied++;
    else {
      this.#end = seq;
      return 0;
    }
    emit(text, seq);
    return text.length;
  }

  /** Whether the row on top has the age and the key of this one: the same event by another range, or another event. */
  #isShared(row: Row): boolean {
    const next = this.#heap.top;
    return next !== undefined && ageOf(next) === row[0] && idKeyOf(next) === row[1];
  }

  /**
   * Takes all rows that share this one's age and key, budget or not: ids of one key are few, because each costs whoever
   * makes them tens of millions of hashes. One event may have thousands of rows, one for each of its tags: it is checked
   * once, whatever the verdict.
   *
   * @param known Whether this row's event was checked and is no part of the answer.
   */
  #gather(cursor: StreamRows, row: Row, known: { readonly isRefused: boolean }): void {
    const ties: Tie[] = [];
    const seen = new Set<number>();
    if (known.isRefused) seen.add(row[2]);
    for (let [from, taken] = [cursor, row];;) {
      const seq = taken[2];
      if (!seen.has(seq)) {
        seen.add(seq);
        const text = this.#matchingText(from, taken);
        const id = text === null ? "" : idOf(text);
        if (text !== null && id > (this.#afterId ?? "")) ties.push({ text, seq, id });
      }
      if (!this.#isShared(row)) break;
      from = this.#heap.top!;
      taken = this.#consume(from);
    }
    this.#ties = ties.sort((a, b) => a.id < b.id ? -1 : 1);
    this.#afterId = ties.length === 0 ? null : this.#afterId ?? "";
  }

  /** Returns the characters handed out. */
  #handOutTie(emit: (text: string, seq: number) => void): number {
    const { text, seq, id } = this.#ties.shift()!;
    this.#afterId = this.#ties.length === 0 ? null : id;
    return this.#handOut(text, seq, emit);
  }

  #fetch(cursor: StreamRows): void {
    const wanted = this.#hasResidual
      ? cursor.chunk
      : Math.min(cursor.chunk, Math.max(this.#remaining + 1, SCAN_CHUNK_ROWS_MIN));
    // Of two rows, the first can be taken.
    const chunk = Math.max(2, Math.min(wanted, Math.floor(this.#rowsLeft)));
    const { stream, ranges } = cursor;
    const isBounded = !cursor.isOpen && stream.ageMax < this.#ageMax && !this.#keysFirst;
    const rows = (isBounded ? this.#windowRows(cursor, chunk) : null) ?? this.#orderedRows(cursor, chunk);
    cursor.rows = rows;
    cursor.at = 0;
    cursor.isOpen = true;
    cursor.chunk = Math.min(cursor.chunk * 2, SCAN_CHUNK_ROWS_MAX);
    // A call that finds nothing costs about as much as a row.
    this.#rowsLeft -= Math.max(1, rows.length) + (ranges > 1 ? ranges * SCAN_RANGE_ROWS : 0);
    const last = rows.at(-1);
    if (last) [cursor.age, cursor.idKey, cursor.seq] = last;
    if (!cursor.hasTexts) return;
    for (const row of rows) {
      const text = row[4] as string | null;
      if (text !== null && text.length > SCAN_ROW_CHARS) this.#charge(text);
    }
  }

  /** Counts a text that was read. */
  #charge(text: string | null): void {
    if (text !== null && text.length > SCAN_ROW_CHARS) this.#rowsLeft -= text.length / SCAN_ROW_CHARS;
  }

  /** The stream's next rows, in order. */
  #orderedRows(cursor: StreamRows, chunk: number): Row[] {
    const { stream } = cursor;
    const ageMax = Math.min(stream.ageMax, this.#ageMax);
    const statement = this.#sources.statements.of(stream, this.#columnsOf(stream));
    const { keys, age, idKey, seq } = cursor;
    const rows = statement.all(...keys, age, idKey, seq, ageMax, chunk) as unknown as Row[];
    cursor.hasTexts = !this.#keysFirst;
    cursor.drained = rows.length < chunk;
    this.#learn(cursor, rows, cursor.drained ? Math.min(ageMax + 1, NO_AGE) : rows.at(-1)![0]);
    return rows;
  }

  #columnsOf({ source }: Stream): Columns {
    if (!this.#keysFirst) return "texts";
    return source === "tag" && this.#residual.authorKeys === null ? "kinds" : "keys";
  }

  /** All rows of a window, without their texts; null: they are too many to be ordered here. */
  #windowRows(cursor: StreamRows, wanted: number): Row[] | null {
    const { statements } = this.#sources;
    const { ageMax } = cursor.stream;
    const most = Math.min(WINDOW_ROWS * wanted, SCAN_CHUNK_ROWS_MAX);
    const found = statements.of(cursor.stream, "window")
      .all(...cursor.keys, cursor.age, cursor.idKey, cursor.seq, ageMax, most) as unknown as WindowRow[];
    if (found.length >= most) {
      this.#rowsLeft -= found.length * SCAN_RANGE_ROWS;
      return null;
    }
    found.sort((a, b) => a[0] !== b[0] ? a[0] - b[0] : a[1] - b[1]);
    const rows = found.map(([age, idKey, seq, at]): Row => [age, idKey, seq, 0, 0, at]);
    cursor.drained = true;
    cursor.hasTexts = false;
    this.#learn(cursor, rows, ageMax + 1);
    return rows;
  }

  /**
   * Passes on what a stream's first rows, in order, tell of its authors: whoever has none among them has none before the
   * age `rest`.
   */
  #learn(cursor: StreamRows, rows: readonly Row[], rest: number): void {
    const { source, lists, ageMin } = cursor.stream;
    if (source !== "author" || lists[0]!.length === 1 || cursor.isOpen) return;
    if (!cursor.isWhole && !this.#isFromTop) return;
    const { times } = this.#sources;
    const [authors, kinds] = lists as [readonly number[], readonly number[]];
    const ages = new Float64Array(authors.length).fill(rest);
    for (const [age, , , , , at] of rows.toReversed()) ages[at!] = age;
    for (let at = 0; at < authors.length; at++) {
      // Of an author of an earlier window, this one's rows are not the newest.
      if (cursor.isWhole && times.leastAge(authors[at]!, kinds) < ageMin) continue;
      times.learn(authors[at]!, kinds, ages[at]!);
    }
  }

  /** Checks one row; returns its event's text if it belongs to the answer. */
  #matchingText(cursor: StreamRows, row: Row): string | null {
    const { stream, hasTexts } = cursor;
    if (row[2] > this.#options.seqMax) return null;
    let expiresAt = row[3];
    let text = row[4] as string | null;
    if (!hasTexts) {
      if (!this.#hasKeys(row)) return null;
      if (row[6] === undefined) this.#fetchTexts(cursor, row);
      const body = row[6];
      if (!body) return null;
      ({ expiresAt, text } = body);
    }
    if (expiresAt > 0 && expiresAt <= this.#options.now) return null;
    text ??= this.#longText(row[2]);
    return text !== null && this.#isMatch(text, stream, row[5] ?? 0) ? text : null;
  }

  /** Checks what the row does not tell. */
  #isMatch(text: string, { exact }: Stream, at: number): boolean {
    const { kinds, authors, tags, tagStarts } = this.#residual;
    if (!this.#keysFirst && kinds && !kinds.has(kindOf(text))) return false;
    if (authors && !authors.has(pubkeyOf(text))) return false;
    if (exact && !exact(text, at)) return false;
    if (this.#options.mayRead?.(text) === false) return false;
    if (tags.length > 0 && !holdsConditions(text, tags, tagStarts)) return false;
    return !this.#sources.vanished.hide(text);
  }

  /** Reads a text that did not come along; null: the event has left the store. */
  #longText(seq: number): string | null {
    const body = this.#sources.statements.body.get(seq) as unknown as [number, string] | undefined;
    this.#rowsLeft--;
    this.#charge(body?.[1] ?? null);
    return body?.[1] ?? null;
  }

  /** Whether the row's text is worth fetching. */
  #hasKeys(row: Row): boolean {
    if (!this.#keysFirst) return true;
    const { kinds, authorKeys } = this.#residual;
    return (!kinds || kinds.has(row[3])) && (!authorKeys || authorKeys.has(row[4] as number));
  }

  /** Fetches the texts of this row, which was passed last, and of those after it that may be wanted, by one call. */
  #fetchTexts(cursor: StreamRows, row: Row): void {
    const wanted = [row];
    for (let at = cursor.at; at < cursor.rows.length && wanted.length < this.#remaining; at++) {
      if (this.#hasKeys(cursor.rows[at]!)) wanted.push(cursor.rows[at]!);
    }
    const bodies = this.#sources.statements.bodies.of(wanted.map((row) => row[2]));
    for (const [at, body] of bodies.entries()) {
      wanted[at]![6] = body ?? null;
      this.#charge(body?.text ?? null);
    }
    if (this.#keysFirst) this.#rowsLeft -= wanted.length;
  }
}

/** How many times what is wanted a window may hold and be ordered here. */
const WINDOW_ROWS = 3;

/** A single stream's first rows hold one beyond the limit: it tells whether there are more. */
function firstChunk(remaining: number, streams: number): number {
  const share = streams === 1 ? remaining + 1 : Math.ceil(remaining * 2 / streams) + 1;
  return Math.max(1, Math.min(share, SCAN_CHUNK_ROWS_MAX));
}
