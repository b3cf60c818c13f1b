/**
 * The tail: the newest part of the log in shared memory. One producer (the store), any number of followers.
 * The store's thread owns both words and the ring; a follower owns only its own position and may be lapped.
 *
 * ```
 *  byte 0               64                  128                                128 + capacity
 *  | reserved (Int32)   | committed (Int32) | records, laid out as in a lane ...            |
 *
 *   oldest readable = reserved - capacity        committed      reserved
 *          v                                         v             v
 *  [ ... | rec | rec | rec | rec | rec | rec | rec   | being written | ... ]
 * ```
 *
 * - Positions count units of 8 bytes modulo 2^32. A follower at `position` is up to date when
 *   `position === committed`, and lapped when `reserved - position > capacity`: what it wanted is overwritten.
 * - The store first moves `reserved` (so that followers know which old bytes are about to change), then writes the
 *   record, then moves `committed`. A follower copies a record out and only then loads `reserved` again: if its position is
 *   still within the ring, no byte of the copy was touched meanwhile. All words are sequentially consistent atomics,
 *   so a record is seen whole or known to be lost, never mixed.
 * - A lapped follower reads the log in SQLite from its cursor and joins again at `committed` (`follower.ts`).
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import {
  createRingMemory,
  RING_HEADER_BYTES,
  RING_RECORD_HEADER_BYTES,
  RING_SKIP,
  type RingMemory,
} from "../queue/ring.ts";

const RESERVED = 0;
const COMMITTED = 16;
/** Type of a record that a restarted store writes over what it left half-written; followers pass over it. */
const FILLER = 0xffff_fffe;

/** The memory of the tail. */
export type TailMemory = RingMemory;

/** Makes a tail that holds `capacityBytes`, a power of two. */
export function createTailMemory(capacityBytes: number): TailMemory {
  return createRingMemory(capacityBytes);
}

/** The writing end; the store's thread. */
export class TailProducer {
  readonly #state: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #capacityUnits: number;
  #position: number;

  constructor(memory: TailMemory) {
    const capacityBytes = memory.buffer.byteLength - RING_HEADER_BYTES;
    this.#state = new Int32Array(memory.buffer, 0, RING_HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(memory.buffer, RING_HEADER_BYTES, capacityBytes);
    this.#words = new Uint32Array(memory.buffer, RING_HEADER_BYTES, capacityBytes / 4);
    this.#capacityUnits = capacityBytes / 8;
    this.#position = Atomics.load(this.#state, COMMITTED);
    this.#coverAbandoned();
  }

  /**
   * A store that died in the middle of a record left `reserved` ahead of `committed`, and what lay there overwritten.
   * `reserved` must never move back, or a slow follower would take those bytes for records: a filler covers them.
   */
  #coverAbandoned(): void {
    const reserved = Atomics.load(this.#state, RESERVED);
    let units = (reserved - this.#position) >>> 0;
    if (units === 0) return;
    let at = this.#position & (this.#capacityUnits - 1);
    if (units > this.#capacityUnits - at) {
      this.#words[at * 2] = RING_SKIP;
      units -= this.#capacityUnits - at;
      at = 0;
    }
    this.#words[at * 2] = units * 8 - RING_RECORD_HEADER_BYTES;
    this.#words[at * 2 + 1] = FILLER;
    this.#position = reserved;
    Atomics.store(this.#state, COMMITTED, reserved);
  }

  /** Appends a record of `head` followed by `body`; visible at once to followers that look. */
  append(type: number, head: Uint8Array, body: Uint8Array): void {
    const bytes = head.length + body.length;
    const units = (RING_RECORD_HEADER_BYTES + bytes + 7) >>> 3;
    invariant(units <= this.#capacityUnits >>> 1, "a record fits half of the tail");
    let at = this.#position & (this.#capacityUnits - 1);
    const untilEnd = this.#capacityUnits - at;
    const skipped = units > untilEnd ? untilEnd : 0;
    const end = (this.#position + skipped + units) | 0;
    Atomics.store(this.#state, RESERVED, end);
    if (skipped > 0) {
      this.#words[at * 2] = RING_SKIP;
      at = 0;
    }
    this.#words[at * 2] = bytes;
    this.#words[at * 2 + 1] = type;
    const payload = at * 8 + RING_RECORD_HEADER_BYTES;
    this.#bytes.set(head, payload);
    this.#bytes.set(body, payload + head.length);
    this.#position = end;
    Atomics.store(this.#state, COMMITTED, end);
  }
}

/**
 * How far the tail is: a number that is another one after each append, of any record. (It comes again after 32 GiB.)
 *
 * @returns what reads it, at the price of one load.
 */
export function tailPosition(memory: TailMemory): () => number {
  const state = new Int32Array(memory.buffer, 0, RING_HEADER_BYTES / 4);
  return () => Atomics.load(state, COMMITTED);
}

/** What `TailReader.next()` found. */
type TailStep = "record" | "empty" | "lapped";

/** A reading end. Each follower has its own; none disturbs another. */
export class TailReader {
  readonly #state: Int32Array;
  readonly #shared: Uint8Array;
  readonly #sharedWords: Uint32Array;
  readonly #capacityUnits: number;
  #position: number;
  #copy = new ArrayBuffer(64 * 1024);
  /** The current record's payload, a private copy, 8-aligned. Valid until the next call of `next()`. */
  bytes = new Uint8Array(this.#copy, 0, 0);
  /** The memory in which `bytes` lies from the first byte on. */
  words = new Uint32Array(this.#copy);
  /** The same. */
  doubles = new Float64Array(this.#copy);
  /** The current record's type. */
  type = 0;

  constructor(memory: TailMemory) {
    const capacityBytes = memory.buffer.byteLength - RING_HEADER_BYTES;
    this.#state = new Int32Array(memory.buffer, 0, RING_HEADER_BYTES / 4);
    this.#shared = new Uint8Array(memory.buffer, RING_HEADER_BYTES, capacityBytes);
    this.#sharedWords = new Uint32Array(memory.buffer, RING_HEADER_BYTES, capacityBytes / 4);
    this.#capacityUnits = capacityBytes / 8;
    this.#position = Atomics.load(this.#state, COMMITTED);
  }

  /** Jumps to the end: what a lapped follower does before it reads the log in SQLite. */
  jumpToEnd(): void {
    this.#position = Atomics.load(this.#state, COMMITTED);
  }

  /** Whether anything waits. */
  get hasNext(): boolean {
    return this.#position !== Atomics.load(this.#state, COMMITTED);
  }

  /** Copies the next record into `bytes`. */
  next(): TailStep {
    if (!this.hasNext) return "empty";
    let at = this.#position & (this.#capacityUnits - 1);
    let units = 0;
    if (this.#sharedWords[at * 2] === RING_SKIP) {
      units = this.#capacityUnits - at;
      at = 0;
    }
    const length = this.#sharedWords[at * 2]!;
    const type = this.#sharedWords[at * 2 + 1]!;
    // The length may be garbage if the store overwrote it meanwhile: look before using it, and after copying.
    if (this.#isLapped()) return "lapped";
    this.#reserveCopy(length);
    const payload = at * 8 + RING_RECORD_HEADER_BYTES;
    const record = new Uint8Array(this.#copy, 0, length);
    record.set(this.#shared.subarray(payload, payload + length));
    if (this.#isLapped()) return "lapped";
    this.bytes = record;
    this.type = type;
    this.#position = (this.#position + units + ((RING_RECORD_HEADER_BYTES + length + 7) >>> 3)) | 0;
    if (type === FILLER) return this.next();
    return "record";
  }

  #isLapped(): boolean {
    return ((Atomics.load(this.#state, RESERVED) - this.#position) >>> 0) > this.#capacityUnits;
  }

  #reserveCopy(bytes: number): void {
    if (bytes <= this.#copy.byteLength) return;
    this.#copy = new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
    this.words = new Uint32Array(this.#copy);
    this.doubles = new Float64Array(this.#copy);
  }
}
