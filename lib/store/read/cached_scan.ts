/**
 * Answers from the cached texts (`hot_texts.ts`): one event by its id, and pages of one kind or of all kinds, newest
 * first. A page still comes from its index, which holds all that decides; only the texts do not have to be read.
 * Belongs to the thread whose connection it reads; holds no snapshot between two steps.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { SCAN_CHUNK_ROWS_MAX, SCAN_CHUNK_ROWS_MIN, SCAN_ROW_CHARS, TIED_EVENTS_MAX } from "../../limits.ts";
import { type Filter, isEmptyFilter } from "../../nostr/filter.ts";
import { idOf } from "../../nostr/exact.ts";
import { ofBoth } from "../write/fresh_tables.ts";
import type { CachedText, TextCache } from "./text_cache.ts";
import type { ReadStatements } from "./read_statements.ts";
import { returnArrays } from "../../sqlite/return_arrays.ts";
import type { ScanBudget, ScanEnd, ScanOptions, ScanPosition } from "./scan.ts";
import type { VanishedAuthors } from "../write/vanished_authors.ts";

/** Takes an event: its text, or its bytes where those are at hand. */
type EmitHot = (text: string | CachedText, seq: number) => void;

/** What `EventScan` is to a plan. A plan's scan can go on from its position. */
export interface CachedScan {
  readonly position: ScanPosition;
  readonly end: ScanEnd;
  readonly openingRows: number;
  step(budget: ScanBudget, emit: EmitHot): "done" | "more";
}

/** What it costs, in rows, to make a string of a text and to look into it. */
function rowsOf(text: string | CachedText): number {
  return Math.floor(text.length / SCAN_ROW_CHARS);
}

/** The one event that a filter of one id asks for. */
export class CachedLookup implements CachedScan {
  readonly #text: CachedText;
  readonly openingRows = 1;
  readonly end = "all";
  readonly position: ScanPosition;
  readonly #isDue: boolean;
  readonly #rows: number;

  constructor(text: CachedText, filter: Filter, { seqMax, now, mayRead }: ScanOptions) {
    this.#text = text;
    this.#rows = 1 + (mayRead ? rowsOf(text) : 0);
    this.position = { age: -Number.MAX_SAFE_INTEGER, idKey: -1, remaining: filter.limit, tied: 0 };
    this.#isDue = text.seq <= seqMax && (text.expiresAt === 0 || text.expiresAt > now) &&
      mayRead?.(String(text)) !== false;
  }

  step(budget: ScanBudget, emit: EmitHot): "done" {
    budget.rows -= this.#rows;
    if (!this.#isDue) return "done";
    budget.bytes -= this.#text.length;
    emit(this.#text.message, this.#text.seq);
    return "done";
  }
}

/** Whether a filter asks for one id and nothing else. */
export function asksOnlyId(filter: Filter): boolean {
  return filter.ids !== undefined && filter.ids.length === 1 && filter.limit > 0 && hasNoLists(filter) &&
    filter.kinds === undefined && filter.since === undefined && filter.until === undefined;
}

/** Whether a filter asks for a page of one kind, or of everything. */
export function asksPage(filter: Filter): boolean {
  return filter.ids === undefined && filter.limit > 0 && hasNoLists(filter) &&
    (filter.kinds === undefined || filter.kinds.length === 1) && !isEmptyFilter(filter);
}

function hasNoLists(filter: Filter): boolean {
  return filter.authors === undefined && filter.tags.length === 0 && filter.search === undefined;
}

type PageRow = [age: number, idKey: number, seq: number];

/** The statements of pages; they read indexes only. */
export class PageStatements {
  readonly byKind: StatementSync;
  readonly byTime: StatementSync;

  constructor(db: DatabaseSync) {
    const prepare = (index: string, leading: string, first: number) =>
      returnArrays(db.prepare(
        `${
          ofBoth((of) =>
            `SELECT x.age, x.id_key, x.seq FROM ${of}event x INDEXED BY ${of}${index}
             WHERE ${leading} (x.age, x.id_key, x.seq) > (?${first}, ?${first + 1}, ?${first + 2})
               AND x.age <= ?${first + 3}`
          )
        } ORDER BY 1, 2, 3 LIMIT ?${first + 4}+0`,
      ));
    this.byKind = prepare("event_kind", "x.kind = ?1 AND", 2);
    this.byTime = prepare("event_time", "", 1);
  }
}

/** What a page is read with. */
interface PageMeans {
  readonly pages: PageStatements;
  readonly statements: ReadStatements;
  readonly texts: TextCache;
  readonly vanished: VanishedAuthors;
}

/**
 * A page. Limit, ties, budget and end are those of `Scan`, which a test holds it to. So is the order of ids that share a
 * key: what was fetched is put in it, as far as it is known that no more of the key follows.
 */
export class CachedPage implements CachedScan {
  readonly #means: PageMeans;
  readonly #kind: number | null;
  readonly #options: ScanOptions;
  readonly #ageMax: number;
  readonly #isCapped: boolean;
  readonly openingRows = 0;
  end: ScanEnd = "unknown";
  #remaining: number;
  #tied = 0;
  #age: number;
  #idKey = -1;
  #lastText: string | CachedText | null = null;
  #rows: PageRow[] = [];
  #at = 0;
  /** Rows before this one are in their order. */
  #ordered = 0;
  /** Where the next fetch begins. */
  #fetched: PageRow;
  #isDrained = false;

  constructor(means: PageMeans, filter: Filter, options: ScanOptions) {
    this.#means = means;
    this.#kind = filter.kinds?.[0] ?? null;
    this.#options = options;
    this.#ageMax = filter.since === undefined ? Number.MAX_SAFE_INTEGER : -filter.since;
    this.#age = filter.until === undefined ? -Number.MAX_SAFE_INTEGER : -filter.until;
    this.#isCapped = filter.isCapped === true;
    this.#remaining = filter.limit;
    this.#fetched = [this.#age, -1, -1];
  }

  get position(): ScanPosition {
    const next = this.#rows[this.#at];
    const isShared = next !== undefined && next[0] === this.#age && next[1] === this.#idKey;
    const afterId = isShared ? this.#lastText === null ? "" : idOf(String(this.#lastText)) : null;
    return {
      age: this.#age,
      idKey: this.#idKey,
      ...(afterId !== null && { afterId }),
      remaining: this.#remaining,
      tied: this.#tied,
    };
  }

  step(budget: ScanBudget, emit: EmitHot): "done" | "more" {
    const { begin, commit } = this.#means.statements;
    begin.run();
    try {
      for (let taken = 0;; taken++) {
        const row = this.#rows[this.#at];
        if (row !== undefined && this.#remaining === 0 && !this.#mayTie(row)) this.#tied = TIED_EVENTS_MAX;
        if (this.#at === this.#ordered && !this.#isDrained) {
          // Whether there is more, any event tells: the last key's need not be in their order.
          const isLooking = this.#remaining === 0 && this.#tied >= TIED_EVENTS_MAX;
          if (isLooking && row !== undefined && this.#textOf(row, budget) !== null) {
            this.end = row[2];
            return "done";
          }
          if (budget.rows <= 0) return "more";
          this.#fetch(budget);
          continue;
        }
        if (row === undefined) {
          this.end = "all";
          return "done";
        }
        // Texts that were read or looked into may have used up the rows.
        if (budget.bytes <= 0 || (budget.rows <= 0 && taken > 0 && !this.#isAtHand(row))) return "more";
        this.#at++;
        if (row[0] !== this.#age || row[1] !== this.#idKey) this.#lastText = null;
        [this.#age, this.#idKey] = row;
        const text = this.#textOf(row, budget);
        if (text === null) continue;
        this.#lastText = text;
        if (this.#remaining > 0) this.#remaining--;
        else if (this.#tied < TIED_EVENTS_MAX) this.#tied++;
        else {
          this.end = row[2];
          return "done";
        }
        budget.bytes -= text.length;
        emit(text, row[2]);
      }
    } finally {
      commit.run();
    }
  }

  #mayTie(row: PageRow): boolean {
    return this.#isCapped && this.#tied < TIED_EVENTS_MAX && row[0] === this.#age;
  }

  /** Whether the row's text can be handed out as it is. */
  #isAtHand([, , seq]: PageRow): boolean {
    return !this.#isChecked && this.#means.texts.at(seq) !== null;
  }

  /** Whether each text has to be looked into, at hand or not. */
  get #isChecked(): boolean {
    return (this.#options.mayRead ?? null) !== null || !this.#means.vanished.isNobody;
  }

  #fetch(budget: ScanBudget): void {
    const { byKind, byTime } = this.#means.pages;
    // One beyond the limit tells whether there are more.
    const most = Math.min(SCAN_CHUNK_ROWS_MAX, Math.max(2, Math.floor(budget.rows)));
    const wanted = Math.min(Math.max(this.#remaining + 1, SCAN_CHUNK_ROWS_MIN), most);
    const from = [...this.#fetched, this.#ageMax, wanted];
    const rows =
      (this.#kind === null ? byTime.all(...from) : byKind.all(this.#kind, ...from)) as unknown as PageRow[];
    const left = this.#rows.slice(this.#at);
    this.#rows = left.length === 0 ? rows : left.concat(rows);
    this.#at = 0;
    this.#fetched = rows.at(-1) ?? this.#fetched;
    this.#isDrained = rows.length < wanted;
    budget.rows -= Math.max(1, rows.length);
    this.#order();
  }

  /** Orders ids that share a key, which nearly none do, by themselves. Of the last key more may follow. */
  #order(): void {
    const rows = this.#rows;
    let start = 0;
    for (let at = 1; at < rows.length; at++) {
      const [age, idKey] = rows[at]!;
      if (idKey === rows[start]![1] && age === rows[start]![0]) continue;
      if (at - start > 1) this.#orderShared(start, at);
      start = at;
    }
    if (this.#isDrained && rows.length - start > 1) this.#orderShared(start, rows.length);
    this.#ordered = this.#isDrained ? rows.length : start;
  }

  #orderShared(start: number, end: number): void {
    const ids = new Map<PageRow, string>();
    for (const row of this.#rows.slice(start, end)) {
      const body = this.#means.statements.body.get(row[2]) as unknown as [number, string] | undefined;
      ids.set(row, body === undefined ? "" : idOf(body[1]));
    }
    const ordered = [...ids.keys()].sort((a, b) => ids.get(a)! < ids.get(b)! ? -1 : 1);
    this.#rows.splice(start, end - start, ...ordered);
  }

  /** The row's text, if it belongs to the answer. */
  #textOf([, idKey, seq]: PageRow, budget: ScanBudget): string | CachedText | null {
    const { seqMax, now, mayRead } = this.#options;
    if (seq > seqMax) return null;
    const { texts, vanished } = this.#means;
    const hot = texts.at(seq);
    let expiresAt: number;
    let text: string | CachedText;
    if (hot !== null) {
      expiresAt = hot.expiresAt;
      text = hot.message;
      if (this.#isChecked) budget.rows -= rowsOf(text);
    } else {
      const body = this.#means.statements.body.get(seq) as unknown as [number, string] | undefined;
      if (body === undefined) return null;
      [expiresAt, text] = body;
      budget.rows -= rowsOf(text);
    }
    const checked = this.#isChecked ? String(text) : null;
    if (checked !== null && mayRead?.(checked) === false) return null;
    if (hot === null) texts.read(idKey, seq, expiresAt, text as string);
    if (expiresAt > 0 && expiresAt <= now) return null;
    return checked !== null && vanished.hide(checked) ? null : text;
  }
}
