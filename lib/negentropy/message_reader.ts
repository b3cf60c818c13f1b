/**
 * Reads a negentropy message from the other party, byte by byte, trusting nothing (NIP-77, appendix).
 * Runs on any thread; a reader belongs to whoever made it and serves one message.
 *
 * @module
 */
import { NegentropyError } from "./negentropy_error.ts";
import { type Bound, ID_BYTES } from "./storage.ts";
import { VARINT_DIGITS_MAX } from "./varint.ts";

/**
 * Goes through a message once. Every method throws {@linkcode NegentropyError} if the message does not hold
 * what it reads.
 */
export class MessageReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** The timestamp of the bound before, from which the next one's is counted. */
  #timestamp = 0;

  constructor(message: Uint8Array) {
    this.#bytes = message;
  }

  /** Whether the whole message has been read. */
  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new NegentropyError("Cannot read message: it ends too early");
    this.#at++;
    return byte;
  }

  /** A base-128 number, most significant digit first; `Infinity` above `Number.MAX_SAFE_INTEGER`. */
  varint(): number {
    let value = 0;
    for (let digits = 0; digits < VARINT_DIGITS_MAX; digits++) {
      const byte = this.byte();
      value = value * 128 + (byte & 127);
      if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : Infinity;
    }
    throw new NegentropyError(`Cannot read number: it has more than ${VARINT_DIGITS_MAX} digits`);
  }

  /** The next `length` bytes, as a view into the message. */
  bytes(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) {
      throw new NegentropyError("Cannot read message: it ends too early");
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /**
   * A bound. A timestamp that no item of ours can have is read as infinity, so that a party which holds such
   * items still reconciles the rest.
   */
  bound(): Bound {
    const encoded = this.varint();
    const timestamp = encoded === 0 ? Infinity : this.#timestamp + (encoded - 1);
    this.#timestamp = timestamp <= Number.MAX_SAFE_INTEGER ? timestamp : Infinity;
    const length = this.varint();
    if (length > ID_BYTES) throw new NegentropyError("Cannot read bound: its prefix is longer than an id");
    return { timestamp: this.#timestamp, prefix: this.bytes(length) };
  }

  /** The ids of an IdList, one after another, as a view into the message. */
  ids(): Uint8Array {
    return this.bytes(this.varint() * ID_BYTES);
  }
}
