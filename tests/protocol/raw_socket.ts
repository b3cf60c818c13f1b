/**
 * A WebSocket client over bare TCP (RFC 6455), for frames that no proper client sends: text that is no UTF-8,
 * fragments, pings, frames without a mask. Runs on a test's thread; a socket belongs to the test that opened it.
 *
 * @module
 */

/** Frame types. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame of the relay. */
interface RawFrame {
  readonly opcode: number;
  /** Whether its first reserved bit is set (RFC 7692). */
  readonly deflated: boolean;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** How a frame is written; a proper one is whole and masked. */
export interface FrameOptions {
  readonly fin?: boolean;
  readonly masked?: boolean;
  readonly deflated?: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Connects and shakes hands. */
export async function openRawSocket(url: string, headers: Record<string, string> = {}): Promise<RawSocket> {
  const { hostname, port, host, pathname, search } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const socket = new RawSocket(connection);
  await socket.write(encoder.encode(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
      Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("") + "\r\n",
  ));
  const head = socket.head = await socket.readHead();
  if (!head.startsWith("HTTP/1.1 101")) {
    socket[Symbol.dispose]();
    throw new Error(`Cannot open WebSocket at "${url}": ${head}`);
  }
  return socket;
}

/** A proper text frame. */
export function textFrame(text: string): Uint8Array<ArrayBuffer> {
  return frameOf(OPCODE.text, text, {});
}

function frameOf(
  opcode: number,
  payload: Uint8Array | string,
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const masked = options.masked ?? true;
  const { length } = bytes;
  const head = [(options.fin ?? true ? 0x80 : 0) | (options.deflated ? 0x40 : 0) | opcode];
  const mask = masked ? 0x80 : 0;
  if (length < 126) head.push(mask | length);
  else if (length < 65_536) head.push(mask | 126, length >> 8, length & 255);
  else {head.push(
      mask | 127,
      0,
      0,
      0,
      0,
      length >>> 24,
      (length >> 16) & 255,
      (length >> 8) & 255,
      length & 255,
    );}
  // A mask of zeros is a mask: the payload stays as it is.
  if (masked) head.push(0, 0, 0, 0);
  const frame = new Uint8Array(head.length + length);
  frame.set(head);
  frame.set(bytes, head.length);
  return frame;
}

/** One connection. */
export class RawSocket implements Disposable {
  readonly #connection: Deno.TcpConn;
  #buffer = new Uint8Array(0);
  #isClosed = false;
  /** The head of the answer to the handshake. */
  head = "";

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    connection.setNoDelay(true);
  }

  /** Sends bytes as they are. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Sends one frame. */
  async send(opcode: number, payload: Uint8Array | string, options: FrameOptions = {}): Promise<void> {
    await this.write(frameOf(opcode, payload, options));
  }

  /** The next frame, or null at the end of the connection. */
  async next(): Promise<RawFrame | null> {
    const head = await this.#readBytes(2);
    if (head === null) return null;
    let length = head[1]! & 0x7f;
    if (length === 126) length = Number(`0x${(await this.#readBytes(2))!.toHex()}`);
    else if (length === 127) length = Number(`0x${(await this.#readBytes(8))!.toHex()}`);
    const payload = await this.#readBytes(length);
    return payload && { opcode: head[0]! & 15, deflated: (head[0]! & 0x40) !== 0, payload };
  }

  /**
   * Reads what has come, once, and hands out its whole frames, whose bytes are good until the call returns: for clients
   * that are sent more than a promise a frame would allow. Returns false at the end of the connection.
   */
  async readFrames(visit: (opcode: number, payload: Uint8Array<ArrayBuffer>) => void): Promise<boolean> {
    if (!await this.#read()) return false;
    const buffer = this.#buffer;
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    let at = 0;
    while (buffer.length - at >= 2) {
      const short = buffer[at + 1]! & 0x7f;
      const start = at + (short === 127 ? 10 : short === 126 ? 4 : 2);
      if (start > buffer.length) break;
      const length = short === 127
        ? Number(view.getBigUint64(at + 2))
        : short === 126
        ? view.getUint16(at + 2)
        : short;
      if (start + length > buffer.length) break;
      visit(buffer[at]! & 15, buffer.subarray(start, start + length));
      at = start + length;
    }
    this.#buffer = buffer.subarray(at);
    return true;
  }

  /** The next text frame as JSON; other frames are passed over. */
  async nextMessage(): Promise<unknown[]> {
    while (true) {
      const frame = await this.next();
      if (frame === null || frame.opcode === OPCODE.close) {
        throw new Error("Cannot read message: connection closed");
      }
      if (frame.opcode === OPCODE.text) return JSON.parse(decoder.decode(frame.payload));
    }
  }

  /** Reads until the relay ends the connection. Returns the code of its close frame, or null if it sent none. */
  async untilClosed(): Promise<number | null> {
    let code: number | null = null;
    while (true) {
      const frame = await this.next();
      if (frame === null) return code;
      if (frame.opcode === OPCODE.close) code = (frame.payload[0]! << 8) | frame.payload[1]!;
    }
  }

  /** The head of the answer to the handshake. */
  async readHead(): Promise<string> {
    while (true) {
      const end = decoder.decode(this.#buffer).indexOf("\r\n\r\n");
      if (end >= 0) return decoder.decode((await this.#readBytes(end + 4))!);
      if (!await this.#read()) return decoder.decode(this.#buffer);
    }
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) this.#connection.close();
    this.#isClosed = true;
  }

  async #readBytes(length: number): Promise<Uint8Array<ArrayBuffer> | null> {
    while (this.#buffer.length < length) if (!await this.#read()) return null;
    const taken = this.#buffer.slice(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  async #read(): Promise<boolean> {
    const chunk = new Uint8Array(64 * 1024);
    let read: number | null;
    try {
      read = await this.#connection.read(chunk);
    } catch (error) {
      // A reset is an end too.
      if (error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    }
    if (read === null) return false;
    const joined = new Uint8Array(this.#buffer.length + read);
    joined.set(this.#buffer);
    joined.set(chunk.subarray(0, read), this.#buffer.length);
    this.#buffer = joined;
    return true;
  }
}
