/**
 * The reader's inbox (queries and negentropy messages, from gateways) and what it answers (slices of rows, to the
 * gateway that asked).
 *
 * A query is pulled: the gateway asks, gets one slice, and asks for the next when its client has room. A slice is one
 * record, so that it arrives whole or not at all, and says where the query stands; a gateway whose reader died asks its
 * successor to go on from there.
 *
 * ```
 *   QUERY:    JSON of a ReaderQuery        CONTINUE, CANCEL:  0 epoch u32 | 4 query number u32
 *   MESSAGE:  0 epoch u32 | 4 query number u32 | 8 the client's negentropy message
 *   SLICE:    0 epoch u32 | 4 query number u32 | 8 state u32 | 12 rows u32 (n) | 16 note bytes u32 | 20 -
 *            24 note: JSON of a SliceNote, padded to 8
 *             | n rows: seq f64 | text bytes u32 | - u32 | text, padded to 8
 * ```
 *
 * Each side reads and writes on its own thread.
 *
 * @module
 */
import type { Filter } from "../lib/nostr/filter.ts";
import type { ScanEnd, ScanPosition } from "../lib/store/read/scan.ts";

export const QUERY = 1;
export const CONTINUE = 2;
export const CANCEL = 3;
export const MESSAGE = 4;
export const SLICE = 1;

/** Bytes of a slice before its note. */
export const SLICE_HEADER_BYTES = 24;
/** Bytes of a row before its text. */
export const ROW_HEADER_BYTES = 16;

/** More can be asked for. */
export const STATE_MORE = 0;
/** This was the last slice. */
export const STATE_DONE = 1;
/** The query failed; the note says why. */
export const STATE_FAILED = 2;

/** Where a query of several filters stands. */
export interface QueryPosition {
  readonly filter: number;
  /** Null: at the beginning of that filter. */
  readonly scan: ScanPosition | null;
}

/** What a gateway asks. */
export interface ReaderQuery {
  readonly epoch: number;
  readonly number: number;
  /** Which of the gateway's connections asks: each has one slice in a turn, however many queries it has. */
  readonly connection: number;
  /** Rows of a REQ, the answer to a COUNT, or a negentropy session of one filter. */
  readonly type: "rows" | "count" | "sync";
  readonly filters: readonly Filter[];
  readonly position: QueryPosition;
  /** The last entry of the log that is part of the answer. */
  readonly seqMax: number;
  /** Seconds since 1970. */
  readonly now: number;
  /** The keys that the client has proved: only what it may read counts. */
  readonly keys: readonly string[];
  /** Of a session: the client's message that is to be answered, in hex; empty: it has sent none. */
  readonly message: string;
}

/** What a slice says besides its rows. */
export interface SliceNote {
  /** With STATE_MORE: where the next slice begins. */
  readonly position?: QueryPosition;
  /** Stored rows that were looked at for it. */
  readonly rows?: number;
  /** The newest removal of the log when its texts were fetched. */
  readonly removal?: number;
  /** How the filters ended that this slice finished, in their order. */
  readonly ends?: readonly ScanEnd[];
  /** With STATE_DONE, for a COUNT. */
  readonly count?: number;
  readonly approximate?: boolean;
  /** HyperLogLog registers as 512 hex characters, where NIP-45 names the filter. */
  readonly hll?: string;
  /** Of a session: the answer to the client's message, in hex. */
  readonly answer?: string;
  /** With STATE_FAILED: the CLOSED's or NEG-ERR's message, prefix included. */
  readonly reason?: string;
  /** With STATE_FAILED, of a session: the most events that it may select, where it selected more. */
  readonly eventsMax?: number;
}

/** The reader that keeps the set of all events, for sessions about it. */
export const FULL_SET_READER = 0;

/**
 * Whether a session's filter asks for all events, or for those of a window of time.
 *
 * @param eventsMax The most that a session may select: a lower limit in the filter is one of the client's own.
 */
export function isTimeWindow(filter: Filter, eventsMax: number): boolean {
  return filter.ids === undefined && filter.authors === undefined && filter.kinds === undefined &&
    filter.search === undefined && filter.tags.length === 0 && filter.limit > eventsMax;
}
