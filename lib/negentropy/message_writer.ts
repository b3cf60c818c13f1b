/**
 * Writes a negentropy message (NIP-77, appendix).
 * Runs on any thread; a writer belongs to whoever made it and serves one message.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import type { Bound } from "./storage.ts";
import { varintLength, writeVarint } from "./varint.ts";

const BYTES_AT_FIRST = 2_048;

/** A message that grows, and can be cut back to an earlier length. */
export class MessageWriter {
  #bytes = new Uint8Array(BYTES_AT_FIRST);
  #length = 0;
  /** The timestamp of the bound before, from which the next one's is counted. */
  #timestamp = 0;

  /** Bytes written. */
  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.room(1)[this.#length - 1] = value;
  }

  /** A base-128 number, most significant digit first, in as few digits as possible. */
  varint(value: number): void {
    const digits = varintLength(value);
    writeVarint(this.room(digits), this.#length - digits, value);
  }

  bytes(bytes: Uint8Array): void {
    this.room(bytes.length).set(bytes, this.#length - bytes.length);
  }

  /** A bound; those of one message ascend. */
  bound(bound: Bound): void {
    if (bound.timestamp === Infinity) {
      this.varint(0);
    } else {
      invariant(bound.timestamp >= this.#timestamp, "the bounds of a message ascend");
      this.varint(1 + bound.timestamp - this.#timestamp);
    }
    this.#timestamp = bound.timestamp;
    this.varint(bound.prefix.length);
    this.bytes(bound.prefix);
  }

  /**
   * Lengthens the message by `length` bytes and returns the buffer, in which they are the last up to
   * `this.length`.
   */
  room(length: number): Uint8Array {
    const needed = this.#length + length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#length = needed;
    return this.#bytes;
  }

  /**
   * Forgets what was written after `length`. Only a bound at infinity may follow: others are counted from the
   * one before.
   */
  cut(length: number): void {
    this.#length = length;
  }

  /** The message, in memory of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }
}
