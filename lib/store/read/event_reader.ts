/**
 * The reading side of the store: one connection, its statements, its planner.
 * Belongs to the thread that opened the connection: a gateway (bounded queries) or a reader (the rest).
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Filter, isEmptyFilter } from "../../nostr/filter.ts";
import { idKey } from "../../nostr/keys.ts";
import { SCAN_ROW_CHARS, TEXT_CACHE_REMOVALS_MAX } from "../../limits.ts";
import { hasId } from "../../nostr/exact.ts";
import { ofBoth } from "../write/fresh_tables.ts";
import {
  asksOnlyId,
  asksPage,
  CachedLookup,
  CachedPage,
  type CachedScan,
  PageStatements,
} from "./cached_scan.ts";
import { Follower } from "../../log/follower.ts";
import { LogRows } from "../../log/log_rows.ts";
import type { TextCache } from "./text_cache.ts";
import { NewestTimes } from "./newest_times.ts";
import { Planner } from "./plan.ts";
import { ReadStatements } from "./read_statements.ts";
import { returnArrays } from "../../sqlite/return_arrays.ts";
import { IdLookup, isIdLookup } from "./id_lookup.ts";
import { type EventScan, Scan, type ScanOptions } from "./scan.ts";
import { VanishedAuthors } from "../write/vanished_authors.ts";

/** An event as it is stored. */
export interface EventRow {
  readonly seq: number;
  readonly text: string;
}

/** Answers queries on one connection. */
export class EventReader {
  readonly statements: ReadStatements;
  readonly #planner: Planner;
  readonly #times: NewestTimes;
  readonly #byIdKey: StatementSync;
  readonly #vanished: VanishedAuthors;
  readonly #version: (() => number) | null;
  readonly #hot: HotReading | null;
  readonly #removed: StatementSync;
  #seenVersion = NaN;
  #lastSeq = 0;
  #lastRemoval = 0;

  /**
   * @param version A number that changes after each commit, before anybody hears of it: then `refresh` costs a comparison
   * where nothing was stored. Null: `refresh` always asks the database.
   * @param hot Keeps texts that are asked for often, for {@linkcode EventReader.cachedScan}. Null: there is no such scan.
   */
  constructor(db: DatabaseSync, version: (() => number) | null = null, hot: TextCache | null = null) {
    this.#version = version;
    this.#hot = hot === null ? null : new HotReading(db, hot);
    this.statements = new ReadStatements(db);
    this.#times = new NewestTimes(db);
    this.#planner = new Planner(db, this.#times);
    this.#vanished = new VanishedAuthors(db);
    this.#removed = returnArrays(
      db.prepare(`SELECT event_seq FROM removal WHERE seq > ? LIMIT ${TEXT_CACHE_REMOVALS_MAX}`),
    );
    this.#byIdKey = returnArrays(
      db.prepare(
        ofBoth((of) =>
          `SELECT e.seq, b.expires_at, b.text FROM ${of}event e JOIN body b ON b.seq = e.seq WHERE e.id_key = ?1`
        ),
      ),
    );
  }

  /**
   * Looks who has asked to vanish since: their events are in no answer from then on. Whoever goes on with a scan after a
   * while calls it before.
   *
   * @returns the newest entry of the log that this connection sees. A scan with this `seqMax` needs no snapshot over its
   * statements: what is stored later is not part of it, and what is replaced meanwhile comes back as a later entry.
   */
  refresh(): number {
    // Looked at before the database: what is committed in between changes it again.
    const version = this.#version === null ? NaN : this.#version();
    if (version === this.#seenVersion) return this.#lastSeq;
    const row = this.statements.lastSeq.get() as unknown as [number, number, number];
    const [lastSeq, isAnyPending, lastRemoval] = row;
    this.#vanished.refresh(isAnyPending === 1);
    this.#hot?.refresh(lastRemoval);
    this.#seenVersion = version;
    this.#lastRemoval = lastRemoval;
    return this.#lastSeq = lastSeq;
  }

  /**
   * The newest removal in the log at the last {@linkcode EventReader.refresh}. Where it is another one than when texts were
   * fetched, some of them may have left the store: a scan that holds any is to be left for one from its position.
   */
  get lastRemoval(): number {
    return this.#lastRemoval;
  }

  /**
   * Tells of an event whose text was fetched when `lastRemoval` was the newest removal whether it has left all answers
   * since: it was removed, or its author has asked to vanish.
   */
  goneSince(lastRemoval: number): (seq: number, text: string) => boolean {
    const isHidden = (text: string) => this.#vanished.hide(text);
    if (lastRemoval >= this.#lastRemoval) return (_, text) => isHidden(text);
    const removed = this.#removed.all(lastRemoval) as unknown as [number][];
    if (removed.length === TEXT_CACHE_REMOVALS_MAX) {
      return (seq, text) => isHidden(text) || this.statements.body.get(seq) === undefined;
    }
    const gone = new Set(removed.map(([seq]) => seq));
    return (seq, text) => isHidden(text) || gone.has(seq);
  }

  /** Begins to answer one filter. */
  scan(filter: Filter, options: ScanOptions): EventScan {
    if (isIdLookup(filter) && options.position === undefined) return new IdLookup(this, filter, options);
    // Who wants live events only needs no plan.
    const plan = filter.limit === 0 || isEmptyFilter(filter)
      ? NOTHING
      : this.#planner.plan(filter, options.seqMax);
    return new Scan(
      { statements: this.statements, vanished: this.#vanished, times: this.#times },
      plan,
      filter,
      options,
    );
  }

  /**
   * Begins to answer one filter with cached texts; null: {@linkcode EventReader.scan} has to. An id's text counts as of
   * the last {@linkcode EventReader.refresh}, which has dropped what had left the store by then.
   */
  cachedScan(filter: Filter, options: ScanOptions): CachedScan | null {
    if (this.#hot === null || options.position !== undefined) return null;
    const { texts, pages } = this.#hot;
    if (asksOnlyId(filter)) {
      const text = this.#vanished.isNobody ? texts.of(filter.ids![0]!) : null;
      return text === null ? null : new CachedLookup(text, filter, options);
    }
    if (!asksPage(filter)) return null;
    const { statements } = this;
    return new CachedPage({ pages, texts, statements, vanished: this.#vanished }, filter, options);
  }

  /** Tells which events are left out because their authors vanish, by their texts; null: nobody vanishes now. */
  get leavesOut(): ((text: string) => boolean) | null {
    return this.#vanished.isNobody ? null : (text) => this.#vanished.hide(text);
  }

  /**
   * The event with this id, unless it is not here, or expired at `now`, or nothing that who asks may know of.
   *
   * @param budget Is reduced by what is read, handed out or not.
   */
  rowOf(
    id: string,
    { now, mayRead }: Pick<ScanOptions, "now" | "mayRead">,
    budget: { rows: number },
  ): EventRow | null {
    const key = idKey(id);
    const found = this.#byIdKey.all(key) as unknown as [number, number, string][];
    budget.rows -= Math.max(1, found.length);
    for (const [, , text] of found) budget.rows -= Math.floor(text.length / SCAN_ROW_CHARS);
    for (const [seq, expiresAt, text] of found) {
      if (!hasId(text, id)) continue;
      const isGone = (expiresAt > 0 && expiresAt <= now) || this.#vanished.hide(text);
      if (isGone || mayRead?.(text) === false) return null;
      this.#hot?.texts.read(key, seq, expiresAt, text);
      return { seq, text };
    }
    return null;
  }
}

/** A removal, and the place of the event that it removed. */
type RemovalRow = readonly [seq: number, eventSeq: number];

/** Cached texts; a follower of the removals in the log keeps them right. */
class HotReading {
  readonly pages: PageStatements;
  readonly #follower: Follower<never, RemovalRow>;

  constructor(db: DatabaseSync, readonly texts: TextCache) {
    this.pages = new PageStatements(db);
    const removals =
      "SELECT seq, event_seq FROM removal WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3+0";
    this.#follower = new Follower({
      log: new LogRows<never, RemovalRow>(db, { additions: null, removals }),
      sink: { add: () => {}, remove: ([, eventSeq]) => texts.remove(eventSeq) },
    });
  }

  /** Drops the texts of events that have left the log, whose newest removal is given. */
  refresh(lastRemoval: number): void {
    if (this.#follower.stepTo(lastRemoval, TEXT_CACHE_REMOVALS_MAX)) return;
    this.texts.clear();
    this.#follower.moveTo(lastRemoval);
  }
}

const NOTHING = {
  streams: [],
  residual: { kinds: null, authorKeys: null, authors: null, tags: [], tagStarts: null },
};
