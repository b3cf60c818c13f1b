/**
 * Cuts a stream of bytes into lines of bounded length.
 * Runs on any thread; belongs to whoever reads the stream.
 *
 * @module
 */

/** A line is longer than allowed. */
export class LineTooLongError extends Error {
  override name = "LineTooLongError";
}

const NEWLINE = 10;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** See the module's text. */
export class LineSplitter {
  readonly #bytesMax: number;
  /** The beginning of a line whose end has not come. */
  #begun: Uint8Array[] = [];
  #begunBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * The lines that end in this piece, without their ends.
   *
   * @throws {LineTooLongError}
   */
  *push(piece: Uint8Array): Generator<string> {
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      this.#keep(piece.subarray(from, end));
      from = end + 1;
      yield this.#take();
    }
    if (from < piece.length) this.#keep(piece.slice(from));
  }

  #keep(bytes: Uint8Array): void {
    this.#begunBytes += bytes.length;
    if (this.#begunBytes > this.#bytesMax) {
      throw new LineTooLongError(`Cannot read line: it is longer than ${this.#bytesMax} bytes`);
    }
    this.#begun.push(bytes);
  }

  /** A line may have come in many pieces; a character may lie across two of them. */
  #take(): string {
    const whole = new Uint8Array(this.#begunBytes);
    let at = 0;
    for (const bytes of this.#begun) {
      whole.set(bytes, at);
      at += bytes.length;
    }
    this.#begun = [];
    this.#begunBytes = 0;
    return decoder.decode(whole);
  }
}
