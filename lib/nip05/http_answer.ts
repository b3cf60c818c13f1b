/**
 * Reads the answer to one HTTP/1.1 request from the bytes that came until the server closed (RFC 9112): the status, and
 * the body with its chunks put together.
 * Runs on any thread; no state.
 *
 * @module
 */

/** An answer that has come whole. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

const decoder = new TextDecoder("latin1");

/**
 * Reads an answer.
 *
 * @param isClosed Whether nothing more comes.
 * @returns null where it is not whole yet.
 * @throws {SyntaxError} where it can never be one.
 */
export function readHttpAnswer(bytes: Uint8Array, isClosed: boolean): HttpAnswer | null {
  const end = indexOf(bytes, "\r\n\r\n", 0);
  if (end < 0) return unlessClosed(isClosed);
  const [first = "", ...lines] = decoder.decode(bytes.subarray(0, end)).split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) throw new SyntaxError("Cannot read answer: it is not of HTTP/1");
  const headers = new Map(lines.map((line) => {
    const [name = "", ...value] = line.split(":");
    return [name.toLowerCase(), value.join(":").trim()];
  }));
  const rest = bytes.subarray(end + 4);
  const body = bodyOf(headers, rest, isClosed);
  return body === null ? null : { status: Number(status), body };
}

function bodyOf(
  headers: ReadonlyMap<string, string>,
  rest: Uint8Array,
  isClosed: boolean,
): Uint8Array | null {
  const coding = headers.get("transfer-encoding");
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") {
      throw new SyntaxError("Cannot read answer: its coding is not chunked");
    }
    return unchunked(rest) ?? unlessClosed(isClosed);
  }
  const length = headers.get("content-length");
  if (length === undefined) return isClosed ? rest : null;
  if (!/^\d{1,9}$/.test(length)) throw new SyntaxError("Cannot read answer: its length is no number");
  return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : unlessClosed(isClosed);
}

/** The chunks put together, or null: the last one has not come. */
function unchunked(bytes: Uint8Array): Uint8Array | null {
  const chunks: Uint8Array[] = [];
  let at = 0;
  while (true) {
    const lineEnd = indexOf(bytes, "\r\n", at);
    if (lineEnd < 0) return null;
    const size = /^([0-9A-Fa-f]{1,7})(?:[;\s]|$)/.exec(decoder.decode(bytes.subarray(at, lineEnd)))?.[1];
    if (size === undefined) throw new SyntaxError("Cannot read answer: a chunk has no length");
    const length = parseInt(size, 16);
    if (length === 0) return concat(chunks);
    const start = lineEnd + 2;
    if (bytes.length < start + length + 2) return null;
    chunks.push(bytes.subarray(start, start + length));
    at = start + length + 2;
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
