/**
 * A lane: one producer thread, one consumer thread, records of bytes between them, no locks.
 * The producer owns `tail` and everything between it and `head`; the consumer owns `head` and the rest.
 *
 * ```
 *  byte 0            64            128                                            128 + capacity
 *  | head (Int32)    | tail (Int32) | records ...                                              |
 *
 *        head                tail                      a record, aligned to 8 bytes:
 *         v                   v                        | length u32 | type u32 | payload, padded to 8 |
 *  [ free | rec | rec | rec   | free            ]      length 0xffffffff: the rest of the ring is unused
 * ```
 *
 * - Positions count units of 8 bytes and run modulo 2^32; the place in the ring is `position & mask`.
 * - Empty: `head === tail`. Full for a record of n units: `tail + n - head > capacity in units`. No slot is wasted,
 *   because positions are not reduced modulo the capacity.
 * - A record never wraps. Where the end of the ring is too near, the producer writes the mark and starts at 0.
 *
 * Memory order: the producer writes the record with plain stores, then `Atomics.store(tail)`. The consumer does
 * `Atomics.load(tail)` before it reads. JavaScript's atomics are sequentially consistent, so a consumer that sees the
 * new tail sees the whole record: a record is visible only after it is whole. In the other direction the consumer
 * finishes reading, then `Atomics.store(head)`; a producer that sees the new head may overwrite what lies behind it.
 * `head` and `tail` lie on cache lines of their own, so that the two threads do not fight for one.
 *
 * The consumer reads ahead of `head` with a cursor of its own and releases later, after it has passed the records on.
 * If its thread dies before, the next one starts at `head` and meets the same records again.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import {
  createRingMemory,
  RING_HEADER_BYTES,
  RING_RECORD_HEADER_BYTES,
  RING_SKIP,
  RING_UNIT_BYTES,
  type RingMemory,
} from "./ring.ts";

const HEAD = 0;
const TAIL = 16;

/** The memory of a lane; structured-clonable to the two threads that use it. */
export type LaneMemory = RingMemory;

/** Makes the memory of a lane that holds `capacityBytes` (a power of two, at least 64). */
export function createLaneMemory(capacityBytes: number): LaneMemory {
  return createRingMemory(capacityBytes);
}

/** Bytes that lie in a lane now, for those who stand at neither end. */
export function usedBytesOf({ buffer }: LaneMemory): number {
  const cursors = new Int32Array(buffer, 0, RING_HEADER_BYTES / 4);
  return ((Atomics.load(cursors, TAIL) - Atomics.load(cursors, HEAD)) >>> 0) * RING_UNIT_BYTES;
}

/** Views that both ends need; offsets handed out are byte offsets into these. */
class LaneEnd {
  protected readonly cursors: Int32Array;
  protected readonly mask: number;
  protected readonly capacityUnits: number;
  /** The ring as bytes. */
  readonly bytes: Uint8Array;
  /** The ring as 32-bit words: index = byte offset / 4. */
  readonly words: Uint32Array;
  /** The ring as doubles: index = byte offset / 8. */
  readonly doubles: Float64Array;

  constructor(memory: LaneMemory) {
    const capacityBytes = memory.buffer.byteLength - RING_HEADER_BYTES;
    this.cursors = new Int32Array(memory.buffer, 0, RING_HEADER_BYTES / 4);
    this.bytes = new Uint8Array(memory.buffer, RING_HEADER_BYTES, capacityBytes);
    this.words = new Uint32Array(memory.buffer, RING_HEADER_BYTES, capacityBytes / 4);
    this.doubles = new Float64Array(memory.buffer, RING_HEADER_BYTES, capacityBytes / 8);
    this.capacityUnits = capacityBytes / RING_UNIT_BYTES;
    this.mask = this.capacityUnits - 1;
  }

  /** Bytes that lie in the lane now, headers and padding included. Either end may ask. */
  get usedBytes(): number {
    const head = Atomics.load(this.cursors, HEAD);
    const tail = Atomics.load(this.cursors, TAIL);
    return ((tail - head) >>> 0) * RING_UNIT_BYTES;
  }

  /** Bytes the lane holds when full. */
  get capacityBytes(): number {
    return this.bytes.length;
  }
}

/** The writing end. Exactly one thread holds it at a time. */
export class LaneProducer extends LaneEnd {
  #tail: number;
  #headSeen: number;
  #reserved = -1;

  constructor(memory: LaneMemory) {
    super(memory);
    this.#tail = Atomics.load(this.cursors, TAIL);
    this.#headSeen = Atomics.load(this.cursors, HEAD);
  }

  /**
   * Finds room for a payload of at most `bytesMax` bytes.
   *
   * @returns the byte offset (a multiple of 8) at which to write it, or -1: the lane is full.
   */
  reserve(bytesMax: number): number {
    const units = (RING_RECORD_HEADER_BYTES + bytesMax + RING_UNIT_BYTES - 1) >>> 3;
    invariant(units <= this.capacityUnits >>> 1, "a record fits half of the lane");
    let at = this.#tail & this.mask;
    const untilEnd = this.capacityUnits - at;
    const skipped = units > untilEnd ? untilEnd : 0;
    if (!this.#hasRoom(skipped + units)) return -1;
    if (skipped > 0) {
      this.words[at * 2] = RING_SKIP;
      this.#tail = (this.#tail + skipped) | 0;
      at = 0;
    }
    this.#reserved = at * RING_UNIT_BYTES;
    return this.#reserved + RING_RECORD_HEADER_BYTES;
  }

  /** Makes the reserved record visible; `bytes` is what was really written. */
  commit(type: number, bytes: number): void {
    invariant(this.#reserved >= 0, "commit follows reserve");
    const word = this.#reserved >>> 2;
    this.words[word] = bytes;
    this.words[word + 1] = type;
    this.#tail = (this.#tail + ((RING_RECORD_HEADER_BYTES + bytes + RING_UNIT_BYTES - 1) >>> 3)) | 0;
    this.#reserved = -1;
    Atomics.store(this.cursors, TAIL, this.#tail);
  }

  #hasRoom(units: number): boolean {
    if (((this.#tail - this.#headSeen) >>> 0) + units <= this.capacityUnits) return true;
    this.#headSeen = Atomics.load(this.cursors, HEAD);
    return ((this.#tail - this.#headSeen) >>> 0) + units <= this.capacityUnits;
  }
}

/** The reading end. Exactly one thread holds it at a time. */
export class LaneConsumer extends LaneEnd {
  #cursor: number;
  #tailSeen: number;
  /** Byte offset of the current record's payload, a multiple of 8. Valid after `next()` returned true. */
  offset = 0;
  /** Bytes of the current record's payload. */
  length = 0;
  /** The current record's type. */
  type = 0;

  constructor(memory: LaneMemory) {
    super(memory);
    this.#cursor = Atomics.load(this.cursors, HEAD);
    this.#tailSeen = this.#cursor;
  }

  /** Moves to the next record, if there is one. Its bytes stay untouched until `release()`. */
  next(): boolean {
    if (this.#cursor === this.#tailSeen) {
      this.#tailSeen = Atomics.load(this.cursors, TAIL);
      if (this.#cursor === this.#tailSeen) return false;
    }
    let at = this.#cursor & this.mask;
    let length = this.words[at * 2]!;
    if (length === RING_SKIP) {
      this.#cursor = (this.#cursor + this.capacityUnits - at) | 0;
      at = 0;
      length = this.words[0]!;
    }
    this.offset = at * RING_UNIT_BYTES + RING_RECORD_HEADER_BYTES;
    this.length = length;
    this.type = this.words[at * 2 + 1]!;
    this.#cursor = (this.#cursor + ((RING_RECORD_HEADER_BYTES + length + RING_UNIT_BYTES - 1) >>> 3)) | 0;
    return true;
  }

  /** Gives everything read so far back to the producer: what it carried has been passed on. */
  release(): void {
    Atomics.store(this.cursors, HEAD, this.#cursor);
  }

  /** Whether a record waits that `next()` has not returned yet. */
  get hasNext(): boolean {
    return this.#cursor !== this.#tailSeen || this.#cursor !== Atomics.load(this.cursors, TAIL);
  }
}
