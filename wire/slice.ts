/**
 * What a reader answers: slices of rows, to the gateway that asked. A slice is one record, so that it arrives whole or not
 * at all, and says where its query stands.
 *
 * ```
 *   0 epoch u32 | 4 query number u32 | 8 state u32 | 12 rows u32 (n) | 16 note bytes u32 | 20 -
 *  24 note: JSON of a SliceNote, padded to 8
 *   | n rows: seq f64 | text bytes u32 | - u32 | text, padded to 8
 * ```
 *
 * Written on the reader's thread, read on the gateway's.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { SLICE_TEXT_COUNTED_CHARS } from "../lib/limits.ts";
import type { LaneConsumer, LaneProducer } from "../lib/queue/lane.ts";
import type { ScanEnd } from "../lib/store/read/scan.ts";
import type { QueryName, QueryPosition } from "./query.ts";

/** The one record type of these lanes. */
const SLICE = 1;
/** Bytes of a slice before its note. */
const SLICE_HEADER_BYTES = 24;
/** Bytes of a row before its text. */
const ROW_HEADER_BYTES = 16;
/** What rounds a note or a text up to 8 bytes, at most. */
const PADDING_BYTES = 8;

/** More can be asked for; this was the last slice; or the query failed, and the note says why. */
const STATES = ["more", "done", "failed"] as const;
/** Where a query stands after a slice. */
export type SliceState = typeof STATES[number];

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What a slice says besides its rows. */
export interface SliceNote {
  /** With "more": where the next slice begins. */
  readonly position?: QueryPosition;
  /** Stored rows that were looked at for it. */
  readonly rows?: number;
  /** The newest removal of the log when its texts were fetched. */
  readonly removal?: number;
  /** How the filters ended that this slice finished, in their order. */
  readonly ends?: readonly ScanEnd[];
  /** With "done", for a COUNT. */
  readonly count?: number;
  readonly approximate?: boolean;
  /** HyperLogLog registers as 512 hex characters, where NIP-45 names the filter. */
  readonly hll?: string;
  /** Of a session: the answer to the client's message, in hex. */
  readonly answer?: string;
  /** With "failed": the CLOSED's or NEG-ERR's message, prefix included. */
  readonly reason?: string;
  /** With "failed", of a session: the most events that it may select, where it selected more. */
  readonly eventsMax?: number;
}

/** What a reader sends. */
export interface SliceContent {
  readonly state: SliceState;
  readonly note: SliceNote;
  /** The rows: the text of each, and its place in the log. */
  readonly texts: readonly string[];
  readonly seqs: readonly number[];
}

/**
 * The most bytes that the rows of these texts take. To count the bytes of a text costs more than a short one is worth; of
 * a long one three bytes a character would be more than a lane has.
 */
export function rowsBytesMax(texts: readonly string[]): number {
  let bytes = 0;
  for (const text of texts) {
    bytes += text.length < SLICE_TEXT_COUNTED_CHARS ? text.length * 3 : Buffer.byteLength(text);
  }
  return bytes + texts.length * (ROW_HEADER_BYTES + PADDING_BYTES);
}

/** The most bytes that a slice takes whose note is so long. */
export function sliceBytesMax(noteBytes: number, texts: readonly string[]): number {
  return SLICE_HEADER_BYTES + noteBytes + PADDING_BYTES + rowsBytesMax(texts);
}

/** Writes a slice. Returns false if the lane has no room for it now. */
export function sendSlice(lane: LaneProducer, to: QueryName, slice: SliceContent): boolean {
  const { texts, seqs } = slice;
  const note = encoder.encode(JSON.stringify(slice.note));
  const start = lane.reserve(sliceBytesMax(note.length, texts));
  if (start < 0) return false;
  const word = start >>> 2;
  lane.words[word] = to.epoch;
  lane.words[word + 1] = to.number;
  lane.words[word + 2] = STATES.indexOf(slice.state);
  lane.words[word + 3] = texts.length;
  lane.words[word + 4] = note.length;
  lane.bytes.set(note, start + SLICE_HEADER_BYTES);
  let at = padded(start + SLICE_HEADER_BYTES + note.length);
  for (let row = 0; row < texts.length; row++) {
    const { written } = encoder.encodeInto(texts[row]!, lane.bytes.subarray(at + ROW_HEADER_BYTES));
    lane.doubles[at >>> 3] = seqs[row]!;
    lane.words[(at >>> 2) + 2] = written;
    at = padded(at + ROW_HEADER_BYTES + written);
  }
  lane.commit(SLICE, at - start);
  return true;
}

function padded(at: number): number {
  return (at + 7) & ~7;
}

/** Reads the slice at which it stands. */
export class SliceRecord implements QueryName {
  #lane!: LaneConsumer;

  /** Stands at the record that the lane has come to. */
  at(lane: LaneConsumer): this {
    this.#lane = lane;
    return this;
  }

  get epoch(): number {
    return this.#word(0);
  }

  get number(): number {
    return this.#word(1);
  }

  get state(): SliceState {
    return STATES[this.#word(2)]!;
  }

  /** Parsed anew each time. */
  get note(): SliceNote {
    return JSON.parse(this.#text(this.#lane.offset + SLICE_HEADER_BYTES, this.#word(4)));
  }

  /** Hands over the rows in their order. */
  walk(visit: (text: string, seq: number) => void): void {
    const { words, doubles, offset } = this.#lane;
    const count = this.#word(3);
    let at = padded(offset + SLICE_HEADER_BYTES + this.#word(4));
    for (let row = 0; row < count; row++) {
      const bytes = words[(at >>> 2) + 2]!;
      visit(this.#text(at + ROW_HEADER_BYTES, bytes), doubles[at >>> 3]!);
      at = padded(at + ROW_HEADER_BYTES + bytes);
    }
  }

  #word(index: number): number {
    return this.#lane.words[(this.#lane.offset >>> 2) + index]!;
  }

  #text(at: number, bytes: number): string {
    return decoder.decode(this.#lane.bytes.slice(at, at + bytes));
  }
}
