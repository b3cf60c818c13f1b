/**
 * The store's outbox: entries of the tail, the newest part of the log in shared memory, in the form of
 * `lib/log/tail_entry.ts`, by which followers read them.
 * Written on the store's thread.
 *
 * @module
 */
import type { TailProducer } from "../lib/log/tail.ts";
import { TAIL_EPHEMERAL, TAIL_REACHED, TAIL_REMOVED, TAIL_STORED } from "../lib/log/tail_entry.ts";

const NOTHING = new Uint8Array(0);

/** The store's end of the tail. */
export class TailWriter {
  readonly #tail: TailProducer;
  readonly #seq = new Float64Array(1);
  readonly #seqBytes = new Uint8Array(this.#seq.buffer);

  constructor(tail: TailProducer) {
    this.#tail = tail;
  }

  /** Says how far the log is, where a predecessor may not have said it. */
  reached(seq: number): void {
    this.#append(TAIL_REACHED, seq, NOTHING);
  }

  /** An event that is stored as entry `seq`. */
  stored(seq: number, packed: Uint8Array): void {
    this.#append(TAIL_STORED, seq, packed);
  }

  /** An event that is not stored; `seq` is the newest entry. */
  ephemeral(seq: number, packed: Uint8Array): void {
    this.#append(TAIL_EPHEMERAL, seq, packed);
  }

  /** An event that is gone; entry `seq` says so. `id` is 32 bytes. */
  removed(seq: number, id: Uint8Array): void {
    this.#append(TAIL_REMOVED, seq, id);
  }

  #append(type: number, seq: number, body: Uint8Array): void {
    this.#seq[0] = seq;
    this.#tail.append(type, this.#seqBytes, body);
  }
}
