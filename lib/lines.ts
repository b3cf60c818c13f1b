/**
 * Cuts a stream of bytes into lines of bounded length: into texts, one a line, or into blocks of whole lines, which another
 * thread reads. A line ends with a line feed, or with a carriage return and one; the last line may lack it.
 * Runs on any thread; belongs to whoever reads the stream.
 *
 * @module
 */
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A line is longer than allowed. */
export class LineTooLongError extends Error {
  override name = "LineTooLongError";
}

/** How to cut. */
interface LineBounds {
  /** The most bytes of a line, without its end. */
  readonly bytesMax: number;
  /** Called for each longer line, which is left out. Without it a longer line is an error. */
  readonly tooLong?: () => void;
}

/** See the module's text; a block has at least `blockBytes`, but for the last one. */
class LineBlocks {
  readonly #bytesMax: number;
  readonly #blockBytes: number;
  readonly #tooLong: () => void;
  #gathered: Uint8Array<ArrayBuffer>;
  #used = 0;
  /** Up to here there is no line feed: each byte is looked at once. */
  #searched = 0;
  /** Whether what comes up to the next line feed is the rest of a line that is left out. */
  #isSkipping = false;

  constructor({ bytesMax, blockBytes, tooLong }: Required<LineBounds> & { readonly blockBytes: number }) {
    this.#bytesMax = bytesMax;
    this.#blockBytes = blockBytes;
    this.#tooLong = tooLong;
    this.#gathered = new Uint8Array(2 * blockBytes);
  }

  /** The block that this piece completes, its last line feed included, or null. */
  push(piece: Uint8Array): Uint8Array<ArrayBuffer> | null {
    this.#append(this.#isSkipping ? this.#behindSkipped(piece) : piece);
    return this.#used < this.#blockBytes ? null : this.take();
  }

  /** The whole lines that have gathered, the last line feed included, or null where there is none. */
  take(): Uint8Array<ArrayBuffer> | null {
    const end = this.#gathered.subarray(this.#searched, this.#used).lastIndexOf(LINE_FEED) + 1;
    if (end === 0) {
      this.#searched = this.#used;
      return null;
    }
    const block = this.#gathered.slice(0, this.#searched + end);
    this.#gathered.copyWithin(0, block.length, this.#used);
    this.#used = this.#searched = this.#used - block.length;
    return block;
  }

  /** Leaves out a line that has grown too long. Call it when the block of a piece was read: that is before the line. */
  bound(): void {
    if (this.#searched <= this.#bytesMax) return;
    this.#used = this.#searched = 0;
    this.#isSkipping = true;
    this.#tooLong();
  }

  /** What has no line feed behind it when the stream is over. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.#gathered.slice(0, this.#used);
  }

  #behindSkipped(piece: Uint8Array): Uint8Array {
    const end = piece.indexOf(LINE_FEED);
    this.#isSkipping = end < 0;
    return end < 0 ? piece.subarray(piece.length) : piece.subarray(end + 1);
  }

  #append(piece: Uint8Array): void {
    const bytes = this.#used + piece.length;
    if (bytes > this.#gathered.length) {
      const larger = new Uint8Array(Math.max(2 * this.#gathered.length, bytes));
      larger.set(this.#gathered.subarray(0, this.#used));
      this.#gathered = larger;
    }
    this.#gathered.set(piece, this.#used);
    this.#used = bytes;
  }
}

/** Cuts into texts, for who is given the pieces of a stream. */
export class LineSplitter {
  readonly #bytesMax: number;
  readonly #tooLong: () => void;
  readonly #blocks: LineBlocks;

  constructor(bounds: LineBounds) {
    const { bytesMax } = bounds;
    this.#bytesMax = bytesMax;
    this.#tooLong = bounds.tooLong ?? (() => {
      throw new LineTooLongError(`Cannot read line: it is longer than ${bytesMax} bytes`);
    });
    this.#blocks = new LineBlocks({ bytesMax, blockBytes: 1, tooLong: this.#tooLong });
  }

  /**
   * The lines that end in this piece, without their ends.
   *
   * @throws {LineTooLongError} if nothing else is said of lines that are too long.
   */
  *push(piece: Uint8Array): Generator<string> {
    const block = this.#blocks.push(piece);
    if (block !== null) {
      let from = 0;
      for (let end = block.indexOf(LINE_FEED); end >= 0; end = block.indexOf(LINE_FEED, from)) {
        const line = block.subarray(from, end);
        from = end + 1;
        if (line.length > this.#bytesMax) this.#tooLong();
        else yield textOf(line);
      }
    }
    this.#blocks.bound();
  }

  /** The last line, where it has no end. */
  *end(): Generator<string> {
    const line = this.#blocks.rest();
    if (line.length > 0) yield textOf(line);
  }
}

/**
 * The lines of a stream.
 *
 * @throws {LineTooLongError} if nothing else is said of lines that are too long.
 */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>, bounds: LineBounds): AsyncGenerator<string> {
  const splitter = new LineSplitter(bounds);
  for await (const piece of bytes) yield* splitter.push(piece);
  yield* splitter.end();
}

/**
 * The same bytes in blocks of whole lines, of about `blockBytes`; only a longer line makes a longer block, and a pause in
 * the stream, which is a null, a shorter one. A line without an end is left out beyond `bytesMax`, so that it does not
 * fill the memory.
 */
export async function* lineBlocksOf(
  bytes: AsyncIterable<Uint8Array | null>,
  bounds: Required<LineBounds> & { readonly blockBytes: number },
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const blocks = new LineBlocks(bounds);
  for await (const piece of bytes) {
    const block = piece === null ? blocks.take() : blocks.push(piece);
    if (block !== null) yield block;
    blocks.bound();
  }
  const rest = blocks.rest();
  if (rest.length > 0) yield rest;
}

function textOf(line: Uint8Array): string {
  return decoder.decode(line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line);
}
