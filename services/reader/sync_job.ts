/**
 * A reader's part of one negentropy session (NIP-77): gathers the set that the filter selects, slice by slice, then answers
 * one message after another from it. A set that was gathered stays as it is until the session ends.
 * Where the reader keeps the set of all events and the filter asks for them, or for a window of time, nothing is gathered:
 * each message is answered from that set as it is then. A message says all that an answer depends on (NIP-77), so that
 * what comes or goes between two of them is known, or not, to the client, and never makes it miss anything else.
 * The reader's thread owns it.
 *
 * @module
 */
import {
  FULL_SET_LAG_ROWS_MAX,
  NEGENTROPY_FRAME_BYTES_MAX,
  NEGENTROPY_SLICE_ROWS_MAX,
} from "../../lib/limits.ts";
import { NegentropyError } from "../../lib/negentropy/negentropy_error.ts";
import { reconcile } from "../../lib/negentropy/reconcile.ts";
import { type SortedVector, SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import type { ItemStorage } from "../../lib/negentropy/storage.ts";
import { timeWindow } from "../../lib/negentropy/storage_window.ts";
import type { ReadingRights } from "../../lib/policy/read_gate.ts";
import { idOf } from "../../lib/nostr/exact.ts";
import type { FullSet } from "../../lib/store/read/full_set.ts";
import { PausedScan } from "../../lib/store/read/paused_scan.ts";
import type { EventScan } from "../../lib/store/read/scan.ts";
import type { JobParts, OpenedQuery, Slice } from "./jobs.ts";
import { isTimeWindow, type ReaderQuery } from "../../wire/query.ts";

/** The session cannot go on; `message` is the reason for the client, prefix included. */
export class SyncRefusal extends Error {
  override name = "SyncRefusal";

  constructor(reason: string, readonly eventsMax?: number) {
    super(reason);
  }
}

/** What a client is told whose sessions, or all sessions together, hold too much. */
const TOO_MANY_ITEMS =
  "blocked: your sessions, or those of all, compare too many events already, try again later";

/** What the sessions of a reader have in common beside {@linkcode JobParts}. */
export interface SyncParts {
  /** The most events that a session may select. */
  readonly eventsMax: number;
  /** Null on the readers that do not keep it. */
  readonly fullSet: FullSet | null;
  /** Seconds since 1970. */
  readonly nowSeconds: () => number;
}

/** See the module's text. */
export class SyncJob {
  readonly query: ReaderQuery;
  readonly gateway: number;
  readonly needsSearch = false;
  /** Bytes of the query, as it was asked. */
  readonly bytes: number;
  /** Items that are counted in its client's share. */
  countedItems = 0;
  /** Set when nobody waits for it any more. */
  isOver = false;
  /** When it was last asked something, ms. */
  touchedMs = 0;
  /** Whether it has something to do: a set to gather, or a message to answer. */
  isWanted = true;
  readonly #parts: JobParts;
  readonly #sync: SyncParts;
  /** Opened when it turns out that the set has to be gathered. */
  readonly #scan: PausedScan;
  readonly #mayUseFullSet: boolean;
  readonly #rights: ReadingRights;
  readonly #builder = new SortedVectorBuilder();
  /** Rows that were looked at since the last answer. */
  #rows = 0;
  #set: SortedVector | null = null;
  #message: Uint8Array | null;

  constructor({ query, gateway, bytes }: OpenedQuery, parts: JobParts, sync: SyncParts) {
    this.query = query;
    this.gateway = gateway;
    this.bytes = bytes;
    this.#parts = parts;
    this.#sync = sync;
    this.#scan = new PausedScan(0, query.now);
    this.#rights = parts.gate.rightsOf(query.filters, new Set(query.keys));
    this.#message = query.message === "" ? null : Uint8Array.fromHex(query.message);
    // Who has proved a key may have private events, which the set of all leaves out.
    this.#mayUseFullSet = isTimeWindow(query.filters[0]!, sync.eventsMax) &&
      (query.keys.length === 0 || !this.#rights.reachesPrivate);
  }

  /** Items in memory. */
  get items(): number {
    return this.#set?.size ?? this.#builder.length;
  }

  /** Whether it needs a set of its own and has not all of it. */
  get isGathering(): boolean {
    if (this.#set !== null) return false;
    return this.#scan.open !== null || !this.#mayUseFullSet || this.#sync.fullSet === null;
  }

  /** A search is none of its business. */
  search(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes the client's next message. */
  receive(message: Uint8Array): void {
    this.#message = message;
    this.isWanted = true;
  }

  /**
   * Does one slice of work.
   *
   * @param mayGrow Whether its client may have more items in memory.
   * @returns the answer to the client's message, or null: there is none yet.
   * @throws {SyncRefusal}
   */
  next(mayGrow: boolean): Slice | null {
    if (this.#message === null) {
      this.isWanted = false;
      return null;
    }
    const storage = this.#windowOfAll() ?? this.#set ?? (this.#gather(mayGrow) ? this.#set : null);
    if (storage === null) return null;
    try {
      const answer = reconcile(storage, this.#message, NEGENTROPY_FRAME_BYTES_MAX).toHex();
      this.#message = null;
      const rows = this.#rows;
      this.#rows = 0;
      return { state: "more", note: { answer, rows }, texts: [], seqs: [] };
    } catch (error) {
      if (error instanceof NegentropyError) throw new SyncRefusal(`invalid: ${error.message}`);
      throw error;
    }
  }

  /** What the filter selects of the set of all events, where that serves; a session that has begun to gather goes on so. */
  #windowOfAll(): ItemStorage | null {
    const { fullSet, eventsMax, nowSeconds } = this.#sync;
    if (!this.#mayUseFullSet || this.#scan.open !== null || fullSet === null) return null;
    const all = fullSet.current(FULL_SET_LAG_ROWS_MAX, nowSeconds());
    if (all === null) return null;
    const { since, until } = this.query.filters[0]!;
    const window = timeWindow(all, since, until);
    if (window.size > eventsMax) throw tooMany(eventsMax);
    return window;
  }

  /** Returns whether the set is complete. */
  #gather(mayGrow: boolean): boolean {
    if (!mayGrow) throw new SyncRefusal(TOO_MANY_ITEMS);
    const budget = { rows: NEGENTROPY_SLICE_ROWS_MAX, bytes: Infinity };
    const scan = this.#renewedScan();
    const step = scan.step(budget, (text) => this.#builder.addHex(scan.createdAt, idOf(text)));
    this.#rows += NEGENTROPY_SLICE_ROWS_MAX - budget.rows;
    if (this.#builder.length > this.#sync.eventsMax) throw tooMany(this.#sync.eventsMax);
    if (step === "more") return false;
    this.#set = this.#builder.build();
    return true;
  }

  /** What was removed, has expired or may not be known of any more since the last slice is left out from now on. */
  #renewedScan(): EventScan {
    const { reader, nowSeconds } = this.#parts;
    const seqMax = reader.refresh();
    // The set is that of the moment at which the first slice is gathered.
    if (this.#scan.open === null) this.#scan.seqMax = seqMax;
    this.#scan.renew(nowSeconds(), this.#rights.mayRead, reader.lastRemoval);
    return this.#scan.open ?? this.#scan.begin(reader.scan(this.query.filters[0]!, this.#scan));
  }
}

function tooMany(eventsMax: number): SyncRefusal {
  return new SyncRefusal(`blocked: the filter selects more than ${eventsMax} events`, eventsMax);
}
