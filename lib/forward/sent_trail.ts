/**
 * What a broken TCP connection may have lost, where the peer acknowledges nothing: a write says only that the kernel took
 * the bytes. They may lie in its buffer, or in the peer's, so the last of them count as delivered only when many bytes came
 * after them, or when the connection has outlived them for long.
 * Runs on the router's thread; belongs to one connection.
 *
 * ```
 *   seq:   ... | 41 | 42 | 43 | 44 | 45 |
 *                     ^ taken       ^ written        at most FORWARD_TCP_RESENT_BYTES and _MS lie between them
 * ```
 *
 * @module
 */
import { FORWARD_TCP_RESENT_BYTES, FORWARD_TCP_RESENT_MS, FORWARD_TCP_TRAIL_MS } from "../limits.ts";

interface Write {
  seq: number;
  bytes: number;
  readonly ms: number;
}

/** See the module's text. */
export class SentTrail {
  readonly #writes: Write[] = [];
  #bytes = 0;
  #taken: number;

  /** @param seq Up to here the target has everything. */
  constructor(seq: number) {
    this.#taken = seq;
  }

  /** The kernel took bytes, the last of which are of entry `seq`. */
  wrote(seq: number, bytes: number, nowMs: number): void {
    this.#bytes += bytes;
    const last = this.#writes.at(-1);
    // Many writes of a moment count as one, which keeps the list short.
    if (last !== undefined && nowMs - last.ms < FORWARD_TCP_TRAIL_MS) {
      last.seq = seq;
      last.bytes += bytes;
    } else this.#writes.push({ seq, bytes, ms: nowMs });
  }

  /** The last entry that counts as delivered. */
  taken(nowMs: number): number {
    let gone = 0;
    for (const { seq, bytes, ms } of this.#writes) {
      if (this.#bytes <= FORWARD_TCP_RESENT_BYTES && nowMs - ms < FORWARD_TCP_RESENT_MS) break;
      this.#bytes -= bytes;
      this.#taken = seq;
      gone++;
    }
    if (gone > 0) this.#writes.splice(0, gone);
    return this.#taken;
  }
}
