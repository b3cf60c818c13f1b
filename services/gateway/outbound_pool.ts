/**
 * What waits for all clients of a gateway together. A client alone may have its whole budget; the more there are that read
 * slowly, the less each gets: no more than what is left of the sum. So a thousand of them are held to a thousandth each,
 * and the sum is never exceeded (the dynamic threshold of Choudhury and Hahne, 1998, with a factor of one).
 * The gateway's thread owns it.
 *
 * @module
 */
import { OUTBOUND_CHECK_CHARS, OUTBOUND_TOTAL_BYTES_MAX } from "../../lib/limits.ts";

/** Whoever bytes wait for. */
export interface Waiting {
  /** Asks its socket, and accounts for the answer. */
  measureBufferedBytes(): number;
}

/** See the module's text. */
export class OutboundPool {
  #bytesMax = 0;
  #bytes = 0;
  readonly #waiting = new Map<Waiting, number>();

  /** @param budgetBytes What one client may have; two of them always fit. */
  use(budgetBytes: number, gateways: number): void {
    this.#bytesMax = Math.max(OUTBOUND_TOTAL_BYTES_MAX / gateways, 2 * budgetBytes);
  }

  /** What one client may have waiting now, bytes. What a socket was not asked about yet is never too much. */
  get left(): number {
    return Math.max(OUTBOUND_CHECK_CHARS, this.#bytesMax - this.#bytes);
  }

  /** So many bytes wait for a client. */
  account(client: Waiting, bytes: number): void {
    this.#bytes += bytes - (this.#waiting.get(client) ?? 0);
    if (bytes === 0) this.#waiting.delete(client);
    else this.#waiting.set(client, bytes);
  }

  /** Asks the sockets again for which bytes waited: who is sent nothing more is not asked otherwise. */
  measure(): void {
    for (const client of this.#waiting.keys()) client.measureBufferedBytes();
  }
}
