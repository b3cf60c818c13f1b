/**
 * The memory of a ring of records, which lanes (`lane.ts`) and the tail of the log (`lib/log/tail.ts`) are: a header with
 * the cursors of both, then records. A record is never split: at the end of the ring a mark stands in its place. Who moves
 * which cursor, and when, is theirs. Constants and one function; any thread.
 *
 * @module
 */
import { invariant } from "../invariant.ts";

/** Two cursors, on cache lines of their own. */
export const RING_HEADER_BYTES = 128;
/** Positions count units, and records begin at one. */
export const RING_UNIT_BYTES = 8;
/** Of a record: its length and its type. */
export const RING_RECORD_HEADER_BYTES = 8;
/** In place of a length: the rest of the ring is unused. */
export const RING_SKIP = 0xffff_ffff;

/** The memory of a ring; structured-clonable to the threads that use it. */
export interface RingMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Makes the memory of a ring that holds `capacityBytes`: a power of two, at least 64. */
export function createRingMemory(capacityBytes: number): RingMemory {
  invariant(
    capacityBytes >= 64 && (capacityBytes & (capacityBytes - 1)) === 0,
    "the capacity of a ring is a power of two",
  );
  return { buffer: new SharedArrayBuffer(RING_HEADER_BYTES + capacityBytes) };
}
