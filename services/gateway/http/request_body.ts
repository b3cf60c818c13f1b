/**
 * Reads the body of a request, up to a length and within a time.
 * Runs on a gateway thread; no state.
 *
 * @module
 */

/** What a body may be. */
interface BodyBounds {
  readonly bytesMax: number;
  readonly msMax: number;
}

/** Why there is no body. */
type BodyFault = "too long" | "too late" | "ended early";

/** The status and the reason of the answer to such a request. */
export function bodyRefusal(fault: BodyFault, { bytesMax, msMax }: BodyBounds): readonly [number, string] {
  if (fault === "too long") return [413, `the body is longer than ${bytesMax} bytes`];
  if (fault === "too late") return [408, `the body took longer than ${msMax} ms`];
  return [400, "the body ended before its Content-Length"];
}

/** The whole body, or why it was not read to its end. Memory is taken for what has come, not for what may come. */
export async function readBody(
  request: Request,
  { bytesMax, msMax }: BodyBounds,
): Promise<Uint8Array<ArrayBuffer> | BodyFault> {
  if (Number(request.headers.get("Content-Length") ?? 0) > bytesMax) return "too long";
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // What is being read ends by it.
    reader.cancel().catch(() => {});
  }, msMax);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      length += read.value.length;
      if (length > bytesMax) return "too long";
      pieces.push(read.value);
    }
  } catch {
    return isLate ? "too late" : "ended early";
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
  return isLate ? "too late" : joined(pieces, length);
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}
