/**
 * The reader's inbox: queries and negentropy messages, from gateways. What it answers is in wire/slice.ts.
 *
 * A query is pulled: the gateway asks, gets one slice, and asks for the next when its client has room. A gateway whose
 * reader died asks its successor to go on from where the last slice ended.
 *
 * ```
 *   QUERY:    JSON of a ReaderQuery        CONTINUE, CANCEL:  0 epoch u32 | 4 query number u32
 *   MESSAGE:  0 epoch u32 | 4 query number u32 | 8 the client's negentropy message, to the record's end
 * ```
 *
 * Written on gateways' threads, read on the reader's.
 *
 * @module
 */
import type { Filter } from "../lib/nostr/filter.ts";
import type { LaneConsumer, LaneProducer } from "../lib/queue/lane.ts";
import type { ScanPosition } from "../lib/store/read/scan.ts";

const QUERY = 1;
const CONTINUE = 2;
const CANCEL = 3;
const MESSAGE = 4;
const NAME_BYTES = 8;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** By what a gateway and a reader know a query. */
export interface QueryName {
  /** Which life of the gateway. */
  readonly epoch: number;
  /** Unique within that life. */
  readonly number: number;
}

/** Where a query of several filters stands. */
export interface QueryPosition {
  readonly filter: number;
  /** Null: at the beginning of that filter. */
  readonly scan: ScanPosition | null;
}

/** What a gateway asks. */
export interface ReaderQuery extends QueryName {
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

/** Asks. Returns false if the lane is full. */
export function sendQuery(lane: LaneProducer, query: ReaderQuery): boolean {
  const bytes = encoder.encode(JSON.stringify(query));
  const at = lane.reserve(bytes.length);
  if (at < 0) return false;
  lane.bytes.set(bytes, at);
  lane.commit(QUERY, bytes.length);
  return true;
}

/** Asks for a query's next slice. Returns false if the lane is full. */
export function sendContinue(lane: LaneProducer, name: QueryName): boolean {
  return sendName(lane, CONTINUE, name);
}

/** Says that nobody waits for a query. Returns false if the lane is full. */
export function sendCancel(lane: LaneProducer, name: QueryName): boolean {
  return sendName(lane, CANCEL, name);
}

/** Passes on a session's message, in hex. Returns false if the lane is full. */
export function sendMessage(lane: LaneProducer, name: QueryName, message: string): boolean {
  return sendName(lane, MESSAGE, name, message);
}

function sendName(lane: LaneProducer, type: number, { epoch, number }: QueryName, message = ""): boolean {
  const bytes = NAME_BYTES + message.length / 2;
  const at = lane.reserve(bytes);
  if (at < 0) return false;
  lane.words[at >>> 2] = epoch;
  lane.words[(at >>> 2) + 1] = number;
  if (message !== "") lane.bytes.subarray(at + NAME_BYTES, at + bytes).setFromHex(message);
  lane.commit(type, bytes);
  return true;
}

const ASKS = ["query", "continue", "cancel", "message"] as const;

/** Reads what a gateway asks, at the record at which it stands. */
export class QueryRecord implements QueryName {
  #lane!: LaneConsumer;

  /** Stands at the record that the lane has come to. */
  at(lane: LaneConsumer): this {
    this.#lane = lane;
    return this;
  }

  get type(): typeof ASKS[number] {
    return ASKS[this.#lane.type - QUERY]!;
  }

  /** Bytes that it takes. */
  get length(): number {
    return this.#lane.length;
  }

  /** A new query, whole; the others have a name only. */
  get query(): ReaderQuery {
    const { offset, length, bytes } = this.#lane;
    return JSON.parse(decoder.decode(bytes.slice(offset, offset + length)));
  }

  get epoch(): number {
    return this.#lane.words[this.#lane.offset >>> 2]!;
  }

  get number(): number {
    return this.#lane.words[(this.#lane.offset >>> 2) + 1]!;
  }

  /** A copy of a session's message. */
  get message(): Uint8Array {
    const { offset, length, bytes } = this.#lane;
    return bytes.slice(offset + NAME_BYTES, offset + length);
  }
}
