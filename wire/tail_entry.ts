/**
 * The store's outbox: what an entry of the tail says, the newest part of the log in shared memory (lib/log/tail.ts).
 *
 * ```
 *   0 seq f64 | 8 packed event (lib/nostr/packed_event.ts), or for a removal the id's 32 bytes, or nothing
 * ```
 *
 * Written on the store's thread, read on every follower's, each from a copy of its own.
 *
 * @module
 */
import type { TailProducer } from "../lib/log/tail.ts";

/** An event that was stored; `seq` is its place in the log. */
export const TAIL_STORED = 1;
/** An ephemeral event; `seq` is the newest entry of the log at that moment. */
export const TAIL_EPHEMERAL = 2;
/** A removal. */
export const TAIL_REMOVED = 3;
/**
 * The log has reached `seq`. A store that follows one that died begins with it: followers look for what they lack.
 */
export const TAIL_REACHED = 4;
/** Bytes before the packed event. */
export const TAIL_HEADER_BYTES = 8;

const NOTHING = new Uint8Array(0);

/** The store's end of the tail. */
export class TailWriter {
  readonly #tail: TailProducer;
  readonly #seq = new Float64Array(1);
  readonly #seqBytes = new Uint8Array(this.#seq.buffer);

  constructor(tail: TailProducer) {
    this.#tail = tail;
  }

  /** Says how far the log is. */
  reached(seq: number): void {
    this.#append(TAIL_REACHED, seq, NOTHING);
  }

  stored(seq: number, packed: Uint8Array): void {
    this.#append(TAIL_STORED, seq, packed);
  }

  ephemeral(seq: number, packed: Uint8Array): void {
    this.#append(TAIL_EPHEMERAL, seq, packed);
  }

  /** @param id 32 bytes. */
  removed(seq: number, id: Uint8Array): void {
    this.#append(TAIL_REMOVED, seq, id);
  }

  #append(type: number, seq: number, body: Uint8Array): void {
    this.#seq[0] = seq;
    this.#tail.append(type, this.#seqBytes, body);
  }
}
