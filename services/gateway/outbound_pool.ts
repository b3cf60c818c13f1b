/**
 * What waits for all clients of the relay together: each gateway says what waits at its own, and sees what the others say.
 * A client alone may have its whole budget; the more there are that read slowly, the less each gets: no more than what is
 * left of the sum. So a thousand of them are held to a thousandth each (the dynamic threshold of Choudhury and Hahne, 1998,
 * with a factor of one). Each may have a floor beyond the sum: whoever reads is answered, though others have taken all.
 * The gateway's thread owns it, and writes its own cell of the shared memory.
 *
 * @module
 */
import { OUTBOUND_FLOOR_BYTES, OUTBOUND_TOTAL_BYTES_MAX } from "../../lib/limits.ts";

/** Whoever bytes wait for. */
interface Waiting {
  /** Asks its socket, and accounts for the answer. */
  measureBufferedBytes(): number;
}

/** See the module's text. */
export class OutboundPool {
  #bytesMax = 0;
  /** The bytes that wait, by gateway. */
  readonly #bytes: Float64Array;
  readonly #gateway: number;
  readonly #waiting = new Map<Waiting, number>();

  /** @param memory 8 bytes for each gateway. */
  constructor(memory: SharedArrayBuffer, gateway: number) {
    this.#bytes = new Float64Array(memory);
    this.#gateway = gateway;
    // What waited at an earlier life of this gateway went with its sockets.
    this.#bytes[gateway] = 0;
  }

  /** @param budgetBytes What one client may have; two of them always fit. */
  use(budgetBytes: number): void {
    this.#bytesMax = Math.max(OUTBOUND_TOTAL_BYTES_MAX, 2 * budgetBytes);
  }

  /** What one client may have waiting now, bytes. */
  get left(): number {
    let left = this.#bytesMax;
    for (let gateway = 0; gateway < this.#bytes.length; gateway++) left -= this.#bytes[gateway]!;
    return Math.max(OUTBOUND_FLOOR_BYTES, left);
  }

  /** So many bytes wait for a client. */
  account(client: Waiting, bytes: number): void {
    this.#bytes[this.#gateway]! += bytes - (this.#waiting.get(client) ?? 0);
    if (bytes === 0) this.#waiting.delete(client);
    else this.#waiting.set(client, bytes);
  }

  /** Asks the sockets again for which bytes waited: who is sent nothing more is not asked otherwise. */
  measure(): void {
    for (const client of this.#waiting.keys()) client.measureBufferedBytes();
  }
}
