/**
 * What a reader does for one query: the next slice of its rows, or its count.
 * The reader's thread owns it; between two slices it holds no snapshot.
 *
 * @module
 */
import {
  COUNT_DISTINCT_MAX,
  READER_SLICE_CHARS_MAX,
  READER_SLICE_ROWS_MAX,
  RECENT_SECONDS,
  SCAN_ROW_CHARS,
  SCAN_TEXT_ALONG_BYTES_MAX,
  SEARCH_HITS_MAX,
  SORT_CANDIDATES_MAX,
} from "../../lib/limits.ts";
import type { Filter } from "../../lib/nostr/filter.ts";
import { HyperLogLog, hyperLogLogOffset, isCanonicalCount } from "../../lib/nostr/hyperloglog.ts";
import type { ReadGate, ReadingRights } from "../../lib/policy/read_gate.ts";
import { type PopularityOrder, popularityOrder, popularityScore } from "../../lib/search/popularity.ts";
import { searchConditions } from "../../lib/search/search_conditions.ts";
import { type SearchReader, SearchUnavailableError } from "../../lib/search/search_index.ts";
import { parseSearchText } from "../../lib/search/search_text.ts";
import { ANSWER_KINDS, type AnswerCounts } from "../../lib/store/read/answer_counts.ts";
import type { EventReader } from "../../lib/store/read/event_reader.ts";
import { eventOf, pubkeyOf } from "../../lib/nostr/exact.ts";
import { FilterCheck } from "../../lib/store/read/filter_check.ts";
import { PausedScan } from "../../lib/store/read/paused_scan.ts";
import type { EventScan, ScanEnd } from "../../lib/store/read/scan.ts";
import type { ReaderQuery } from "../../wire/query.ts";
import type { SliceContent, SliceNote } from "../../wire/slice.ts";

/** How many times as many ids are asked for next where too few of those of a search were events to be sent. */
const SEARCH_WIDENING = 4;

const ANSWERS: readonly Filter[] = [{ kinds: ANSWER_KINDS, tags: [], limit: 0 }];

/** One slice, ready to be sent. */
export interface Slice extends SliceContent {
  readonly state: "more" | "done";
}

/** One event that a search has found. */
interface FoundRow {
  readonly id: string;
  readonly seq: number;
  /** Null: it is long, and read again when its turn comes, so that thousands of such do not wait in memory. */
  readonly text: string | null;
  /** Set where the search asks for an order by popularity. */
  score: number;
}

/** What a search has found and not yet handed out. */
interface Found {
  rows: FoundRow[];
  at: number;
  /** How many rows have their score, until all have; null: they are in their order. */
  scored: number | null;
  /** Whether some may have been removed, or have expired, since they were found. */
  isOld: boolean;
}

/** What all queries of a reader have in common. */
export interface JobParts {
  readonly reader: EventReader;
  readonly search: SearchReader | null;
  /** Whether the index is as far as the log, so that its answers are whole. */
  readonly isSearchWhole: () => boolean;
  readonly answers: AnswerCounts;
  /** What counts, and what is compared. */
  readonly gate: ReadGate;
  readonly nowSeconds: () => number;
  /** Lets the thread do other work. */
  readonly pause: () => Promise<void>;
}

/** A query as it came. */
export interface OpenedQuery {
  readonly query: ReaderQuery;
  readonly gateway: number;
  /** Bytes of it. */
  readonly bytes: number;
}

/** One query of one gateway. */
export class Job {
  readonly query: ReaderQuery;
  readonly gateway: number;
  /** Bytes of the query, as it was asked. */
  readonly bytes: number;
  /** When it was last asked to go on, ms. */
  touchedMs = 0;
  /** Set when nobody waits for it any more. */
  isOver = false;
  /** Whether the gateway has asked for a slice that it has not got yet. */
  isWanted = true;
  readonly #reader: EventReader;
  readonly #search: SearchReader | null;
  readonly #isSearchWhole: () => boolean;
  readonly #answers: AnswerCounts;
  #filter: number;
  /** The scan of the current filter; what a search has found is renewed with it. */
  readonly #scan: PausedScan;
  #found: Found | null = null;
  #count = 0;
  #approximate = false;
  readonly #counted: Set<number> | null;
  /** Counts authors beside the events, and from which byte of their keys; null where NIP-45 does not name the filter. */
  readonly #authors: { readonly registers: HyperLogLog; readonly offset: number } | null;
  readonly #rights: ReadingRights;
  /** Of the answers that an order by popularity counts. */
  readonly #answerRights: ReadingRights;
  readonly #nowSeconds: () => number;
  readonly #pause: JobParts["pause"];

  constructor(
    { query, gateway, bytes }: OpenedQuery,
    { reader, search, isSearchWhole, answers, gate, nowSeconds, pause }: JobParts,
  ) {
    this.query = query;
    this.gateway = gateway;
    this.bytes = bytes;
    this.#reader = reader;
    this.#search = search;
    this.#isSearchWhole = isSearchWhole;
    this.#answers = answers;
    const keys = new Set(query.keys);
    this.#rights = gate.rightsOf(query.filters, keys);
    this.#answerRights = gate.rightsOf(ANSWERS, keys);
    this.#nowSeconds = nowSeconds;
    this.#pause = pause;
    this.#filter = query.position.filter;
    this.#scan = new PausedScan(query.seqMax, query.now, query.position.scan);
    this.#authors = query.type === "count" ? authorCounter(query.filters) : null;
    this.#counted = query.type === "count" && query.filters.length > 1 ? new Set() : null;
  }

  /** Whether the next slice has to ask the search backend first. */
  get needsSearch(): boolean {
    return this.#found === null && this.#current?.search !== undefined;
  }

  get #current(): Filter | undefined {
    return this.query.filters[this.#filter];
  }

  /**
   * Asks the search backend for the current filter. Ids come in rank order; the store has the last word on each. Where
   * that leaves out some, because they are gone or the client may not know of them, more are asked for in their place.
   *
   * @throws {SearchUnavailableError}
   */
  async search(): Promise<void> {
    const asked = this.#current!;
    const counting = this.query.type === "count";
    const order = counting ? null : orderOf(asked);
    const most = counting ? SEARCH_HITS_MAX : order === null ? asked.limit : SORT_CANDIDATES_MAX;
    const wanted = asked.limit === 0 ? 0 : most;
    let rows: FoundRow[] = [];
    for (let limit = wanted;; limit = Math.min(limit * SEARCH_WIDENING, SEARCH_HITS_MAX)) {
      const ids = await this.#idsOf({ ...asked, limit });
      rows = await this.#rowsOf(ids, asked);
      if (counting && ids.length >= SEARCH_HITS_MAX) this.#approximate = true;
      if (rows.length >= wanted || ids.length < limit || limit >= SEARCH_HITS_MAX) break;
    }
    this.#found = { rows: rows.slice(0, wanted), at: 0, scored: order === null ? null : 0, isOld: false };
  }

  async #idsOf(filter: Filter): Promise<readonly string[]> {
    this.#refuseUnlessWhole();
    const { ids } = await this.#search!.search({
      filter,
      now: this.query.now,
      isOver: () => this.isOver,
    });
    // It may have been lost while it was asked.
    this.#refuseUnlessWhole();
    return ids;
  }

  /** The events that are there, match, and may be known of, in the order of their ids. */
  async #rowsOf(ids: readonly string[], filter: Filter): Promise<FoundRow[]> {
    this.#reader.refresh();
    const rows: FoundRow[] = [];
    const check = new FilterCheck(filter);
    const budget = { rows: READER_SLICE_ROWS_MAX };
    this.#scan.renew(this.#nowSeconds(), this.#rights.mayRead, this.#reader.lastRemoval);
    for (const id of ids) {
      if (budget.rows <= 0) {
        budget.rows = READER_SLICE_ROWS_MAX;
        await this.#pause();
        this.#reader.refresh();
      }
      const row = this.#reader.rowOf(id, this.#scan, budget);
      if (row === null || !check.holds(row.text)) continue;
      const text = row.text.length > SCAN_TEXT_ALONG_BYTES_MAX ? null : row.text;
      rows.push({ id, seq: row.seq, text, score: 0 });
    }
    return rows;
  }

  /** The text of a row that was found, charged as a row; null: it is gone, or is nothing for this reader any more. */
  #textOf({ id, text }: FoundRow, isOld: boolean, budget: { rows: number }): string | null {
    if (text === null || isOld) return this.#reader.rowOf(id, this.#scan, budget)?.text ?? null;
    budget.rows -= 1 + Math.floor(text.length / SCAN_ROW_CHARS);
    return text;
  }

  #refuseUnlessWhole(): void {
    if (!this.#isSearchWhole()) {
      throw new SearchUnavailableError("Cannot search: the index is not as far as the log");
    }
  }

  /** Runs until the slice is full or the query has ended. */
  next(): Slice {
    const texts: string[] = [];
    const seqs: number[] = [];
    const ends: ScanEnd[] = [];
    const more = (): Slice => ({
      state: "more",
      note: { ...this.#position(), ends, rows: rowsOf(budget), removal: this.#scan.removal },
      texts,
      seqs,
    });
    this.#renew();
    const budget = { rows: READER_SLICE_ROWS_MAX, bytes: READER_SLICE_CHARS_MAX };
    while (this.#current !== undefined) {
      const ended = this.#found !== null
        ? this.#takeFound(this.#found, budget, texts, seqs)
        : this.query.type === "count"
        ? this.#countOn(budget)
        : this.#scanOn(budget, texts, seqs);
      if (!ended) return more();
      // What an index ranked, and what it had not indexed yet, says nothing certain of the rest.
      ends.push(this.#scan.open?.end ?? "unknown");
      this.#filter++;
      this.#scan.end();
      this.#found = null;
      // A search is asynchronous: what comes after it is another slice. So is what the budget does not reach, because a
      // look-up by id is done whatever is left of it.
      if (this.needsSearch || (this.#current !== undefined && budget.rows <= 0)) return more();
    }
    const note = this.query.type === "count"
      ? {
        rows: rowsOf(budget),
        count: this.#count,
        approximate: this.#approximate,
        ...(this.#authors && { hll: this.#authors.registers.toHex() }),
      }
      : { rows: rowsOf(budget), ends, removal: this.#scan.removal };
    return { state: "done", note, texts, seqs };
  }

  /** What was removed or has expired since the last slice is in no answer: texts that are held are looked at again. */
  #renew(): void {
    this.#reader.refresh();
    const { now, removal } = this.#scan;
    this.#scan.renew(this.#nowSeconds(), this.#rights.mayRead, this.#reader.lastRemoval);
    const isSame = removal === this.#scan.removal && now === this.#scan.now &&
      this.#reader.leavesOut === null;
    if (this.#found !== null && !isSame) this.#found.isOld = true;
  }

  #scanOn(budget: { rows: number; bytes: number }, texts: string[], seqs: number[]): boolean {
    const scan = this.#openScan(this.#current!);
    return scan.step(budget, (text, seq) => {
      texts.push(text);
      seqs.push(seq);
    }) === "done";
  }

  #countOn(budget: { rows: number; bytes: number }): boolean {
    // A count has no limit of its own (NIP-45), and hands out no text.
    budget.bytes = Infinity;
    const scan = this.#openScan({ ...this.#current!, limit: Number.MAX_SAFE_INTEGER });
    return scan.step(budget, (text, seq) => this.#countOne(text, seq)) === "done";
  }

  #openScan(filter: Filter): EventScan {
    return this.#scan.open ?? this.#scan.begin(this.#reader.scan(filter, this.#scan));
  }

  #takeFound(
    found: Found,
    budget: { rows: number; bytes: number },
    texts: string[],
    seqs: number[],
  ): boolean {
    if (found.scored !== null && !this.#rank(found, budget)) return false;
    while (found.at < found.rows.length) {
      if (budget.bytes <= 0 || budget.rows <= 0) return false;
      const row = found.rows[found.at++]!;
      const { seq } = row;
      const text = this.#textOf(row, found.isOld, budget);
      if (text === null) continue;
      if (this.query.type === "count") this.#countOne(text, seq);
      else {
        budget.bytes -= text.length;
        texts.push(text);
        seqs.push(seq);
      }
    }
    return true;
  }

  /** Puts what was found in the order by popularity, as far as the budget goes. Returns whether it is done. */
  #rank(found: Found, budget: { rows: number }): boolean {
    const order = orderOf(this.#current!)!;
    const { now } = this.query;
    const options = { since: now - RECENT_SECONDS, now, mayRead: this.#mayCount() };
    for (; found.scored! < found.rows.length; found.scored!++) {
      if (budget.rows <= 0) return false;
      const row = found.rows[found.scored!]!;
      const text = this.#textOf(row, found.isOld, budget);
      if (text === null) continue;
      const event = eventOf(text);
      const answers = this.#answers.of(event, options);
      row.score = popularityScore(order, answers, { createdAt: event.created_at, now });
      budget.rows -= answers.rows;
    }
    // Sorting is stable: the index's own order decides between equals.
    found.rows = found.rows.sort((a, b) => b.score - a.score).slice(0, this.#current!.limit);
    found.scored = null;
    return true;
  }

  /** Which answers to an event count: those that the client may read. */
  #mayCount(): ((text: string) => boolean) | null {
    const { leavesOut } = this.#reader;
    const { mayRead } = this.#answerRights;
    if (leavesOut === null) return mayRead;
    return (text) => !leavesOut(text) && (mayRead === null || mayRead(text));
  }

  #countOne(text: string, seq: number): void {
    this.#authors?.registers.add(pubkeyOf(text), this.#authors.offset);
    if (this.#counted === null) {
      this.#count++;
      return;
    }
    if (this.#counted.has(seq)) return;
    this.#count++;
    if (this.#counted.size < COUNT_DISTINCT_MAX) this.#counted.add(seq);
    else this.#approximate = true;
  }

  #position(): SliceNote {
    return { position: { filter: this.#filter, scan: this.#scan.place } };
  }
}

/** What a slice has used of its budget of rows. */
function rowsOf(budget: { readonly rows: number }): number {
  return READER_SLICE_ROWS_MAX - budget.rows;
}

function orderOf(filter: Filter): PopularityOrder | null {
  return popularityOrder(searchConditions(parseSearchText(filter.search ?? "")).sort);
}

/** HyperLogLog is for one filter, of those that NIP-45 lists: then all relays mean the same by it. */
function authorCounter(filters: readonly Filter[]): { registers: HyperLogLog; offset: number } | null {
  const [filter] = filters;
  if (filters.length !== 1 || !isCanonicalCount(filter!)) return null;
  const offset = hyperLogLogOffset(filter!);
  return offset === null ? null : { registers: new HyperLogLog(), offset };
}
