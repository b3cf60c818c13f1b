/**
 * The store's inbox: packed events, as a verifier, or the plugin behind it, writes them into the verifier's lane.
 *
 * ```
 *   0 header (wire/header.ts); its own number: origin
 *  24 packed event (lib/nostr/packed_event.ts)
 * ```
 *
 * Written on verifiers' threads or the plugin's, read on the store's.
 *
 * @module
 */
import { PackedEvent } from "../lib/nostr/packed_event.ts";
import type { LaneProducer } from "../lib/queue/lane.ts";
import { AddressedRecord, type Header, HEADER_BYTES, type RecordMemory, writeHeader } from "./header.ts";

/** The one record type of the packed lanes. */
const PACKED = 1;

/** Whose event it is, and by which origin it came: outcomes go back there. */
export interface PackedHeader extends Header {
  /** The number of the origin. */
  readonly origin: number;
}

/**
 * Begins a record: its event is to be packed where this says, and then committed.
 *
 * @param eventBytesMax The most bytes that the event takes.
 * @returns the byte offset (a multiple of 8) of the event in the lane, or -1: the lane is full.
 */
export function reservePacked(lane: LaneProducer, header: PackedHeader, eventBytesMax: number): number {
  const at = lane.reserve(HEADER_BYTES + eventBytesMax);
  if (at < 0) return -1;
  writeHeader(lane, at, header, header.origin);
  return at + HEADER_BYTES;
}

/** Makes the record visible that was begun; `eventBytes` is what the event takes. */
export function commitPacked(lane: LaneProducer, eventBytes: number): void {
  lane.commit(PACKED, HEADER_BYTES + eventBytes);
}

/** Writes a whole record, as `PackedRecord.whole` gives it. Returns false if the lane is full. */
export function passPacked(lane: LaneProducer, record: Uint8Array): boolean {
  const at = lane.reserve(record.length);
  if (at < 0) return false;
  lane.bytes.set(record, at);
  lane.commit(PACKED, record.length);
  return true;
}

/** Reads the packed event at which it stands, and whose it is. */
export class PackedRecord extends AddressedRecord implements PackedHeader {
  #event: PackedEvent | null = null;

  /** Stands at the record that began at byte `offset` of a lane, and is not released. */
  atOffset(memory: RecordMemory, offset: number): this {
    this.memory = memory;
    this.start = offset;
    return this;
  }

  get origin(): number {
    return this.own;
  }

  /** The event, in place; the same object each time, which moves on with this one. */
  get event(): PackedEvent {
    this.#event ??= new PackedEvent(this.memory);
    return this.#event.at(this.start + HEADER_BYTES, this.memory);
  }

  /** Header and event, in place, as the store takes them. */
  get whole(): Uint8Array {
    return this.memory.bytes.subarray(this.start, this.start + HEADER_BYTES + this.event.packed.length);
  }
}
