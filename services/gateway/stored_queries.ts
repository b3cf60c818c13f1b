/**
 * The stored part of subscriptions, and COUNTs. Bounded queries are answered here, on the gateway's own connection; a
 * query that exceeds its budget of rows moves to a reader with its position; one whose client has no room pauses.
 * The gateway's thread owns it.
 *
 * @module
 */
import {
  GATEWAY_PAUSED_LOOKS_MAX,
  GATEWAY_PAUSED_ROWS_MAX,
  GATEWAY_QUERY_ROWS_PRESSED_MAX,
  GATEWAY_TURN_ROWS_COUNTED,
  GATEWAY_TURN_ROWS_MAX,
  SLICE_BYTES_MAX,
} from "../../lib/limits.ts";
import { setImmediate } from "node:timers";
import type { Filter } from "../../lib/nostr/filter.ts";
import type { ReadingRights } from "../../lib/policy/read_gate.ts";
import type { EventReader } from "../../lib/store/read/event_reader.ts";
import type { CachedScan } from "../../lib/store/read/cached_scan.ts";
import type { CachedText } from "../../lib/store/read/text_cache.ts";
import type { EventScan } from "../../lib/store/read/scan.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Connection, Subscription } from "./connection.ts";
import type { ReaderLink, SliceHeader } from "./reader_link.ts";
import { StoredQuery } from "./stored_query.ts";
import type { Turns } from "./sockets/turns.ts";

/** The answer to a COUNT (NIP-45); `hll` is null where the filter is none that is counted by it. */
export interface CountAnswer {
  readonly count: number;
  readonly approximate: boolean;
  readonly hll: string | null;
}

/** What becomes of queries; the gateway answers its clients with it. */
export interface QueryEvents {
  /** What of all that the filters match the client may know of. */
  rightsOf(connection: Connection, filters: readonly Filter[]): ReadingRights;
  /** The query had the relay look at so many rows. */
  spent(query: StoredQuery, rows: number): void;
  /** The stored part was sent. */
  finished(query: StoredQuery): void;
  counted(query: StoredQuery, answer: CountAnswer): void;
  failed(query: StoredQuery, reason: string): void;
  /** The client read so slowly that an event could not be sent. */
  tooSlow(query: StoredQuery): void;
}

/** What queries are read with. */
export interface ReadingMeans {
  readonly reader: EventReader;
  readonly link: ReaderLink;
  readonly turns: Turns;
  readonly log: Logger;
}

/** All queries of one gateway; see the module's text. */
export class StoredQueries {
  readonly #reader: EventReader;
  readonly #link: ReaderLink;
  readonly #events: QueryEvents;
  readonly #turns: Turns;
  readonly #log: Logger;
  #lastNumber = 0;
  readonly #paused = new Set<StoredQuery>();
  /** Rows examined for queries that had paused, in this turn. */
  #resumedRows = 0;
  /**
   * Connections for which so many rows were examined, since the sockets had a turn, that it matters: many requests may
   * come in one read.
   */
  #counted: Connection[] = [];

  constructor({ reader, link, turns, log }: ReadingMeans, events: QueryEvents) {
    this.#turns = turns;
    this.#log = log;
    this.#reader = reader;
    this.#link = link;
    this.#events = events;
  }

  /** Queries whose clients have no room now. */
  get pausedCount(): number {
    return this.#paused.size;
  }

  /** Begins the stored part of a subscription and sends what one step brings. */
  begin(subscription: Subscription, filters: readonly Filter[], nowSeconds: number): void {
    const query = this.#query(
      "rows",
      subscription.connection,
      subscription,
      subscription.id,
      filters,
      nowSeconds,
    );
    subscription.query = query;
    this.#attempt(query, () => {
      subscription.liveAfterSeq = query.scan.seqMax = this.#reader.refresh();
      if (filters.some((filter) => filter.search !== undefined)) {
        query.place = "search";
        this.#moveToReader(query);
      } else if (subscription.connection.turnRows > GATEWAY_TURN_ROWS_MAX) {
        this.#moveToReader(query);
      } else {
        if (this.#turns.isPressed) query.rowsLeft = GATEWAY_QUERY_ROWS_PRESSED_MAX;
        this.#step(query);
      }
    });
  }

  /** Begins a COUNT; a reader answers it. */
  count(connection: Connection, id: string, filters: readonly Filter[], nowSeconds: number): StoredQuery {
    const query = this.#query("count", connection, null, id, filters, nowSeconds);
    query.place = "reader";
    this.#attempt(query, () => {
      query.scan.seqMax = this.#reader.refresh();
      this.#moveToReader(query);
    });
    return query;
  }

  /** A store that cannot be read costs the query that met it, and no other client of this gateway. */
  #attempt(query: StoredQuery, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log.error(`a query failed: ${error}`);
      if (!query.isCancelled) this.#events.failed(query, "error: the query failed");
    }
  }

  /** Ends a query that nobody waits for any more. */
  cancel(query: StoredQuery): void {
    query.isCancelled = true;
    this.#paused.delete(query);
    this.#link.cancel(query);
  }

  /** Goes on with queries whose clients have room again, as far as one turn's rows go, the longest waiting first. */
  resumePaused(): void {
    let looks = Math.min(this.#paused.size, GATEWAY_PAUSED_LOOKS_MAX);
    this.#resumedRows = 0;
    for (const query of this.#paused) {
      if (looks-- === 0 || this.#resumedRows >= GATEWAY_PAUSED_ROWS_MAX) break;
      this.#paused.delete(query);
      if (query.connection.measureBufferedBytes() >= query.connection.pauseBytes) {
        this.#paused.add(query);
        continue;
      }
      this.#attempt(query, () => {
        this.#reader.refresh();
        if (query.position === null) {
          this.#renew(query);
          this.#step(query);
        } else if (query.isCutShort) this.#askAgain(query);
        else this.#link.more(query);
      });
    }
  }

  #askAgain(query: StoredQuery): void {
    if (this.#link.ask(query)) query.isCutShort = false;
    else this.#paused.add(query);
  }

  /** What was removed, has expired or was hidden while the query paused is in no answer: its scan does not send it. */
  #renew(query: StoredQuery): void {
    const { scan, rights } = query;
    scan.renew(Math.floor(Date.now() / 1000), rights.mayRead, this.#reader.lastRemoval);
    query.scanAsks = scan.open !== null && scan.mayRead !== null;
  }

  #open(query: StoredQuery): EventScan | CachedScan {
    const { scan, rights } = query;
    const filter = query.filters[query.filter]!;
    scan.renew(scan.now, rights.mayRead, this.#reader.lastRemoval);
    query.scanAsks = scan.mayRead !== null;
    return scan.begin(this.#reader.cachedScan(filter, scan) ?? this.#reader.scan(filter, scan));
  }

  #query(
    type: "rows" | "count",
    connection: Connection,
    subscription: Subscription | null,
    id: string,
    filters: readonly Filter[],
    now: number,
  ): StoredQuery {
    const number = this.#lastNumber = (this.#lastNumber + 1) >>> 0;
    return new StoredQuery(
      number,
      type,
      connection,
      subscription,
      id,
      filters,
      now,
      performance.now(),
      this.#events.rightsOf(connection, filters),
    );
  }

  /** Answers on the gateway's own connection, as far as budgets go. */
  #step(query: StoredQuery): void {
    const { filters, scan } = query;
    const emit = (text: string | CachedText, seq: number) => {
      if (!this.#send(query, text, seq)) this.#events.tooSlow(query);
    };
    while (query.filter < filters.length) {
      const room = query.connection.pauseBytes - query.connection.bufferedBytes;
      if (room <= 0) return void this.#paused.add(query);
      const isOpen = scan.open !== null;
      const open = scan.open ?? this.#open(query);
      // What the budget could not even open here would be opened again by a reader.
      if (!isOpen && open.openingRows > query.rowsLeft) return this.#moveToReader(query);
      const budget = { rows: query.rowsLeft, bytes: Math.min(room, SLICE_BYTES_MAX) };
      const step = open.step(budget, emit);
      this.#spend(query, query.rowsLeft - budget.rows);
      query.rowsLeft = budget.rows;
      if (query.isCancelled) return;
      if (step === "done") {
        query.ends.push(open.end);
        scan.end();
        query.filter++;
      } else if (budget.rows <= 0) return this.#moveToReader(query);
    }
    this.#events.finished(query);
  }

  #spend(query: StoredQuery, rows: number): void {
    this.#events.spent(query, rows);
    this.#resumedRows += rows;
    const { connection } = query;
    const before = connection.turnRows;
    connection.turnRows = before + rows;
    // A turn's end costs half a microsecond to hear of; few rows may stand until they are more.
    if (before > GATEWAY_TURN_ROWS_COUNTED || connection.turnRows <= GATEWAY_TURN_ROWS_COUNTED) return;
    if (this.#counted.push(connection) === 1) setImmediate(() => this.#turnEnded());
  }

  #turnEnded(): void {
    for (const connection of this.#counted) connection.turnRows = 0;
    this.#counted = [];
  }

  #moveToReader(query: StoredQuery): void {
    query.position = { filter: query.filter, scan: query.scan.place };
    query.scan.end();
    query.scanAsks = false;
    if (query.place === "gateway") query.place = "reader";
    query.onSlice = (slice) => this.#attempt(query, () => this.#receiveSlice(query, slice));
    if (!this.#link.ask(query)) {
      this.#events.failed(query, "rate-limited: too many long queries wait, try again");
    }
  }

  #receiveSlice(query: StoredQuery, slice: SliceHeader): void {
    this.#events.spent(query, slice.note.rows ?? 0);
    const { note } = slice;
    // It has waited in its lane.
    this.#reader.refresh();
    const isGone = this.#reader.goneSince(note.removal ?? this.#reader.lastRemoval);
    const sent: number[] = [];
    let isCut = false;
    slice.rows((text, seq) => {
      if (isCut || isGone(seq, text)) return;
      isCut = !this.#send(query, text, seq);
      if (!isCut) sent.push(seq);
    });
    if (query.isCancelled) return;
    if (slice.state === "failed") return this.#events.failed(query, note.reason ?? "error: the query failed");
    if (isCut) return this.#cutShort(query, sent);
    query.ends.push(...note.ends ?? []);
    if (slice.state === "done") {
      if (query.type === "count") {
        const { count = 0, approximate = false, hll = null } = note;
        return this.#events.counted(query, { count, approximate, hll });
      }
      return this.#events.finished(query);
    }
    // A reader that takes a count over counts from the beginning: what its predecessor had counted died with it.
    if (query.type === "rows") query.position = note.position ?? query.position;
    if (query.connection.measureBufferedBytes() >= query.connection.pauseBytes) this.#paused.add(query);
    else this.#link.more(query);
  }

  /**
   * A slice may be longer than what a client may have waiting where many read slowly. Its rest does not wait here: it is
   * asked for again, from where the slice began, when there is room.
   */
  #cutShort(query: StoredQuery, sent: readonly number[]): void {
    query.sent ??= new Set();
    for (const seq of sent) query.sent.add(seq);
    query.isCutShort = true;
    this.#link.cancel(query);
    this.#paused.add(query);
  }

  /** Returns false if the client had no room for an event. */
  #send(query: StoredQuery, text: string | CachedText, seq: number): boolean {
    if (query.isCancelled || query.subscription === null) return true;
    // What was decided since the scan began, or since a reader looked at the row.
    if (!query.scanAsks && !query.rights.isWhole && !query.rights.allows(String(text))) return true;
    if (query.sent?.has(seq)) return true;
    if (!query.connection.sendEvent(query.subscription, text)) return false;
    query.sent?.add(seq);
    return true;
  }
}
