/**
 * Reads the answer to one HTTP/1.1 request from the bytes that came until the server closed (RFC 9112): the status, and
 * the body with its chunks put together.
 * Runs on any thread; the state is the reader's.
 *
 * @module
 */

/** An answer that has come whole. */
interface HttpAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** Others are not kept: a site may send thousands, of names that it chose. */
const HEADERS_READ: readonly string[] = ["transfer-encoding", "content-length"];
const decoder = new TextDecoder("latin1");

/** Bytes of the head that are read at most, and of the line before a chunk. */
const HEAD_BYTES_MAX = 16 * 1024;
const CHUNK_LINE_BYTES_MAX = 256;

/** What the head of an answer says. */
interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Where the body begins. */
  readonly end: number;
}

/**
 * Reads one answer while it comes. It goes on where it stopped, so that an answer in a thousand pieces costs no more than
 * in one: whoever answers decides how many there are.
 */
export class HttpAnswerReader {
  #head: Head | null = null;
  /** Up to here the end of the head was looked for; then the chunk that comes next begins here. */
  #at = 0;
  readonly #chunks: Uint8Array[] = [];

  /**
   * Reads on.
   *
   * @param bytes All that has come; what came before is at the same place.
   * @param isClosed Whether nothing more comes.
   * @returns null where it is not whole yet.
   * @throws {SyntaxError} where it can never be one.
   */
  read(bytes: Uint8Array, isClosed: boolean): HttpAnswer | null {
    this.#head ??= this.#readHead(bytes);
    if (this.#head === null) return unlessClosed(isClosed);
    const { status } = this.#head;
    const body = this.#body(this.#head, bytes, isClosed);
    return body === null ? null : { status, body };
  }

  #readHead(bytes: Uint8Array): Head | null {
    const end = indexOf(bytes.subarray(0, HEAD_BYTES_MAX), "\r\n\r\n", this.#at);
    if (end < 0) {
      if (bytes.length >= HEAD_BYTES_MAX) throw new SyntaxError("Cannot read answer: its head is too long");
      this.#at = Math.max(0, bytes.length - 3);
      return null;
    }
    const [first = "", ...lines] = decoder.decode(bytes.subarray(0, end)).split("\r\n");
    const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
    if (status === undefined) throw new SyntaxError("Cannot read answer: it is not of HTTP/1");
    const headers = new Map(
      lines.map((line) => {
        const [name = "", ...value] = line.split(":");
        return [name.toLowerCase(), value.join(":").trim()] as const;
      }).filter(([name]) => HEADERS_READ.includes(name)),
    );
    this.#at = end + 4;
    return { status: Number(status), headers, end: end + 4 };
  }

  #body({ headers, end }: Head, bytes: Uint8Array, isClosed: boolean): Uint8Array | null {
    const coding = headers.get("transfer-encoding");
    if (coding !== undefined) {
      if (coding.toLowerCase() !== "chunked") {
        throw new SyntaxError("Cannot read answer: its coding is not chunked");
      }
      return this.#readChunks(bytes) ? concat(this.#chunks) : unlessClosed(isClosed);
    }
    const rest = bytes.subarray(end);
    const length = headers.get("content-length");
    if (length === undefined) return isClosed ? rest : null;
    if (!/^\d{1,9}$/.test(length)) throw new SyntaxError("Cannot read answer: its length is no number");
    return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : unlessClosed(isClosed);
  }

  /** Takes the chunks that have come whole. Returns whether the last one has. */
  #readChunks(bytes: Uint8Array): boolean {
    while (true) {
      const start = this.#at;
      const lineEnd = indexOf(bytes.subarray(0, start + CHUNK_LINE_BYTES_MAX), "\r\n", start);
      if (lineEnd < 0 && bytes.length < start + CHUNK_LINE_BYTES_MAX) return false;
      const line = decoder.decode(bytes.subarray(start, Math.max(start, lineEnd)));
      const size = /^([0-9A-Fa-f]{1,7})(?:[;\s]|$)/.exec(line)?.[1];
      if (size === undefined) throw new SyntaxError("Cannot read answer: a chunk has no length");
      const length = parseInt(size, 16);
      if (length === 0) return true;
      const end = lineEnd + 2 + length;
      if (bytes.length < end + 2) return false;
      this.#chunks.push(bytes.subarray(lineEnd + 2, end));
      this.#at = end + 2;
    }
  }
}

function unlessClosed(isClosed: boolean): null {
  if (isClosed) throw new SyntaxError("Cannot read answer: it ended early");
  return null;
}

function indexOf(bytes: Uint8Array, text: string, from: number): number {
  const first = text.charCodeAt(0);
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let n = 1;
    while (n < text.length && bytes[at + n] === text.charCodeAt(n)) n++;
    if (n === text.length) return at;
  }
  return -1;
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
