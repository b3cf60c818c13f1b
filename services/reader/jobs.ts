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
  SEARCH_HITS_MAX,
  SORT_CANDIDATES_MAX,
} from "../../lib/limits.ts";
import { type Filter, matchesFilter } from "../../lib/nostr/filter.ts";
import { HyperLogLog, hyperLogLogOffset, isCanonicalCount } from "../../lib/nostr/hyperloglog.ts";
import type { ReadGate } from "../../lib/policy/read_gate.ts";
import {
  type PopularityOrder,
  popularityOrder,
  popularityScore,
  RECENT_SECONDS,
} from "../../lib/search/popularity.ts";
import { searchConditions } from "../../lib/search/search_conditions.ts";
import { type SearchReader, SearchUnavailableError } from "../../lib/search/search_index.ts";
import { parseSearchText } from "../../lib/search/search_text.ts";
import type { AnswerCounts } from "../../lib/store/answer_counts.ts";
import type { EventReader } from "../../lib/store/event_reader.ts";
import { eventOf, pubkeyOf } from "../../lib/store/exact.ts";
import type { EventScan, ScanEnd } from "../../lib/store/scan.ts";
import type { ReaderQuery, SliceNote } from "./messages.ts";

/** One slice, ready to be sent. */
export interface Slice {
  readonly state: "more" | "done";
  readonly note: SliceNote;
  readonly texts: readonly string[];
  readonly seqs: readonly number[];
}

/** One event that a search has found. */
interface FoundRow {
  readonly seq: number;
  readonly text: string;
  /** Set where the search asks for an order by popularity. */
  score: number;
}

/** What a search has found and not yet handed out. */
interface Found {
  rows: FoundRow[];
  at: number;
  /** How many rows have their score, until all have; null: they are in their order. */
  scored: number | null;
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
  #scan: EventScan | null = null;
  #found: Found | null = null;
  #count = 0;
  #approximate = false;
  readonly #counted: Set<number> | null;
  /** Counts authors beside the events, and from which byte of their keys; null where NIP-45 does not name the filter. */
  readonly #authors: { readonly registers: HyperLogLog; readonly offset: number } | null;
  readonly #gate: ReadGate;
  readonly #keys: ReadonlySet<string>;

  constructor(
    { query, gateway, bytes }: OpenedQuery,
    { reader, search, isSearchWhole, answers, gate }: JobParts,
  ) {
    this.query = query;
    this.gateway = gateway;
    this.bytes = bytes;
    this.#reader = reader;
    this.#search = search;
    this.#isSearchWhole = isSearchWhole;
    this.#answers = answers;
    this.#gate = gate;
    this.#keys = new Set(query.keys);
    this.#filter = query.position.filter;
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
   * Asks the search backend for the current filter. Ids come in rank order; the store has the last word on each.
   *
   * @throws {SearchUnavailableError}
   */
  async search(): Promise<void> {
    const asked = this.#current!;
    const counting = this.query.type === "count";
    const order = counting ? null : orderOf(asked);
    const limit = counting ? SEARCH_HITS_MAX : order === null ? asked.limit : SORT_CANDIDATES_MAX;
    const filter = { ...asked, limit: asked.limit === 0 ? 0 : limit };
    this.#refuseUnlessWhole();
    const { ids } = await this.#search!.search({
      filter,
      now: this.query.now,
      isOver: () => this.isOver,
    });
    // It may have been lost while it was asked.
    this.#refuseUnlessWhole();
    this.#reader.refresh();
    if (counting && ids.length >= SEARCH_HITS_MAX) this.#approximate = true;
    const rows = ids
      .map((id) => this.#reader.rowOf(id, this.query.now))
      .filter((row) => row !== null && matchesFilter(asked, eventOf(row.text)));
    this.#found = {
      rows: rows.map((row) => ({ ...row!, score: 0 })),
      at: 0,
      scored: order === null ? null : 0,
    };
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
      note: { ...this.#position(), ends, rows: rowsOf(budget) },
      texts,
      seqs,
    });
    this.#reader.refresh();
    const budget = { rows: READER_SLICE_ROWS_MAX, bytes: READER_SLICE_CHARS_MAX };
    while (this.#current !== undefined) {
      const ended = this.#found !== null
        ? this.#takeFound(this.#found, budget, texts, seqs)
        : this.query.type === "count"
        ? this.#countOn(budget)
        : this.#scanOn(budget, texts, seqs);
      if (!ended) return more();
      // What an index ranked, and what it had not indexed yet, says nothing certain of the rest.
      ends.push(this.#scan?.end ?? "unknown");
      this.#filter++;
      this.#scan = null;
      this.#found = null;
      // A search is asynchronous: what comes after it is another slice.
      if (this.needsSearch) return more();
    }
    const note = this.query.type === "count"
      ? {
        rows: rowsOf(budget),
        count: this.#count,
        approximate: this.#approximate,
        ...(this.#authors && { hll: this.#authors.registers.toHex() }),
      }
      : { rows: rowsOf(budget), ends };
    return { state: "done", note, texts, seqs };
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
    if (this.#scan === null) {
      const { position, seqMax, now } = this.query;
      const start = this.#filter === position.filter ? position.scan : null;
      this.#scan = this.#reader.scan(filter, { seqMax, now, ...(start ? { position: start } : {}) });
    }
    return this.#scan;
  }

  #takeFound(
    found: Found,
    budget: { rows: number; bytes: number },
    texts: string[],
    seqs: number[],
  ): boolean {
    if (found.scored !== null && !this.#rank(found, budget)) return false;
    while (found.at < found.rows.length) {
      if (budget.bytes <= 0) return false;
      const { seq, text } = found.rows[found.at++]!;
      budget.rows--;
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
    for (; found.scored! < found.rows.length; found.scored!++) {
      if (budget.rows <= 0) return false;
      const row = found.rows[found.scored!]!;
      const event = eventOf(row.text);
      const answers = this.#answers.of(event, now - RECENT_SECONDS);
      row.score = popularityScore(order, answers, { createdAt: event.created_at, now });
      budget.rows -= 1 + answers.rows;
    }
    // Sorting is stable: the index's own order decides between equals.
    found.rows = found.rows.sort((a, b) => b.score - a.score).slice(0, this.#current!.limit);
    found.scored = null;
    return true;
  }

  #countOne(text: string, seq: number): void {
    if (!this.#gate.mayShow(text, this.#keys, this.query.keys !== null)) return;
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
    return { position: { filter: this.#filter, scan: this.#scan?.position ?? null } };
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
