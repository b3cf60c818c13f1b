/**
 * A client over bare TCP or TLS that sends and never reads (RFC 6455 as far as that needs it).
 * Runs in the process of the checker; a reader belongs to the rule that opened it.
 *
 * @module
 */

const encoder = new TextEncoder();
const TEXT_FRAME = 0x81;
const MASK = 0x80;

/** One connection. */
export class SlowReader implements Disposable {
  readonly #connection: Deno.Conn;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects and shakes hands, without looking at the answer. */
  static async open(relayUrl: string): Promise<SlowReader> {
    const { protocol, hostname, port, host, pathname } = new URL(relayUrl);
    const bare = hostname.replace(/^\[|\]$/g, "");
    const connection = protocol === "wss:"
      ? await Deno.connectTls({ hostname: bare, port: Number(port || 443) })
      : await Deno.connect({ hostname: bare, port: Number(port || 80) });
    const reader = new SlowReader(connection);
    const head =
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    await reader.#write(encoder.encode(head));
    return reader;
  }

  /** Sends one message, which may have 65,535 bytes. Resolves with false where the relay has gone. */
  async send(message: readonly unknown[]): Promise<boolean> {
    const bytes = encoder.encode(JSON.stringify(message));
    const { length } = bytes;
    const size = length < 126 ? [MASK | length] : [MASK | 126, length >> 8, length & 255];
    // A mask of zeros leaves the payload as it is.
    const head = [TEXT_FRAME, ...size, 0, 0, 0, 0];
    const frame = new Uint8Array(head.length + length);
    frame.set(head);
    frame.set(bytes, head.length);
    return await this.#write(frame);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #write(bytes: Uint8Array): Promise<boolean> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
      return true;
    } catch {
      return false;
    }
  }
}
