/**
 * The header of every record that an origin sends or is sent: frames, packed events, outcomes. Whoever passes a record on
 * copies it, so that the outcome finds its sender, and the store knows where an event comes from.
 *
 * ```
 *   0 epoch u32 | 4 connection u32 | 8 received at, ms f64 | 16 source u32 | 20 the record's own u32
 * ```
 *
 * Records lie in lanes, at multiples of 8. They are read in place, by an object that stands at one record after another:
 * nothing is allocated for one. What it says is valid until the lane is released.
 * Any thread reads or writes its own lanes; no state.
 *
 * @module
 */
import type { PackTarget } from "../lib/nostr/packed_event.ts";
import type { LaneConsumer } from "../lib/queue/lane.ts";
import { numberOfSource, type Source, sourceOf } from "./source.ts";

/** Bytes of a header; a multiple of 8. */
export const HEADER_BYTES = 24;

/** Memory in which records lie: three views of one buffer, as a lane has them. */
export type RecordMemory = PackTarget;

/** Whose record it is. */
export interface Header {
  /** Which life of the origin; outcomes of an earlier one are nobody's. */
  readonly epoch: number;
  /** The sender, within that life: a client's connection, an import. */
  readonly connection: number;
  /** When its origin received it, by `relayMs()`. */
  readonly receivedAtMs: number;
  readonly source: Source;
}

/** Writes a header at byte `at`. `own` is the record's own number. */
export function writeHeader(memory: RecordMemory, at: number, header: Header, own = 0): void {
  const word = at >>> 2;
  memory.words[word] = header.epoch;
  memory.words[word + 1] = header.connection;
  memory.doubles[(at >>> 3) + 1] = header.receivedAtMs;
  memory.words[word + 4] = numberOfSource(header.source);
  memory.words[word + 5] = own;
}

const NO_MEMORY: RecordMemory = {
  bytes: new Uint8Array(0),
  words: new Uint32Array(0),
  doubles: new Float64Array(0),
};

/** Reads the header of the record at which it stands. Each kind of record extends it by what else it says. */
export class AddressedRecord implements Header {
  protected memory: RecordMemory = NO_MEMORY;
  /** Where the record begins, bytes. */
  protected start = 0;
  /** Where the record ends, bytes. */
  protected end = 0;
  /** The record's type, of those of its lane. */
  protected type = 0;

  /** Stands at the record that the lane has come to. */
  at(lane: LaneConsumer): this {
    this.memory = lane;
    this.start = lane.offset;
    this.end = lane.offset + lane.length;
    this.type = lane.type;
    return this;
  }

  get epoch(): number {
    return this.memory.words[this.start >>> 2]!;
  }

  get connection(): number {
    return this.memory.words[(this.start >>> 2) + 1]!;
  }

  get receivedAtMs(): number {
    return this.memory.doubles[(this.start >>> 3) + 1]!;
  }

  get source(): Source {
    return sourceOf(this.memory.words[(this.start >>> 2) + 4]!);
  }

  /** The record's own number. */
  protected get own(): number {
    return this.memory.words[(this.start >>> 2) + 5]!;
  }
}
