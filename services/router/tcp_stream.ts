/**
 * Bytes of a TCP connection in both directions, each bounded: what is read stays open when the peer ends its side, and a
 * write that the peer does not take in time ends the connection.
 * Runs on the router's thread; no state.
 *
 * @module
 */
import { FORWARD_PEER_READ_BYTES, FORWARD_STALLED_MS_MAX } from "../../lib/limits.ts";

const encoder = new TextEncoder();

/** What the peer sends until it ends its side. (The connection's own stream would close the other side as well.) */
export async function* chunksOf(connection: Deno.Conn): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const chunk = new Uint8Array(FORWARD_PEER_READ_BYTES);
  while (true) {
    const bytes = await connection.read(chunk);
    if (bytes === null) return;
    yield chunk.subarray(0, bytes);
  }
}

/**
 * Writes lines.
 *
 * @returns the bytes that the kernel took, which are all.
 * @throws {Error} if the connection is broken, or the peer does not read.
 */
export async function writeLines(connection: Deno.Conn, lines: readonly string[]): Promise<number> {
  const bytes = encoder.encode(lines.join("\n") + "\n");
  let isStalled = false;
  const timer = setTimeout(() => {
    isStalled = true;
    closeQuietly(connection);
  }, FORWARD_STALLED_MS_MAX);
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    return bytes.length;
  } catch (error) {
    throw isStalled ? new Error(`it has read nothing for ${FORWARD_STALLED_MS_MAX} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Closes a connection that may be closed already. */
export function closeQuietly(connection: { close(): void }): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
