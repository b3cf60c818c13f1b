/**
 * Writes text frames of a server (RFC 6455, section 5.2): whole, unmasked, straight into bytes that the caller keeps.
 * Runs on any thread; holds no state but the encoder.
 *
 * @module
 */

const encoder = new TextEncoder();
const FIN_TEXT = 0x81;
const CLOSING_BRACKET = 0x5d;
/** Set where the payload is compressed (RFC 7692, section 6). */
const COMPRESSED = 0x40;
/** Bytes of the longest header of a server. */
export const FRAME_HEADER_BYTES_MAX = 10;

/** Bytes that the frame of `text` needs at most: a UTF-16 unit is at most three bytes of UTF-8. */
export function frameBytesMax(text: string): number {
  return FRAME_HEADER_BYTES_MAX + text.length * 3;
}

/**
 * Writes the frame of `text` at `at`.
 *
 * @param bytes Has room for the longest header and the text in UTF-8 from `at` on.
 * @returns where the frame ends.
 */
export function writeTextFrame(bytes: Uint8Array, at: number, text: string): number {
  // Nearly all texts are ASCII: the header is as long as the characters say, or the payload moves.
  const guess = headerBytes(text.length);
  const { written } = encoder.encodeInto(text, bytes.subarray(at + guess));
  const header = headerBytes(written);
  if (header !== guess) bytes.copyWithin(at + header, at + guess, at + guess + written);
  writeHeader(bytes, at, FIN_TEXT, written);
  return at + header + written;
}

/**
 * Writes the frame of an event's message at `at`: `prefix`, the event's text and `]`, all in UTF-8 already.
 *
 * @returns where the frame ends.
 */
export function writeEventFrame(bytes: Uint8Array, at: number, prefix: Uint8Array, text: Uint8Array): number {
  const length = prefix.length + text.length + 1;
  writeHeader(bytes, at, FIN_TEXT, length);
  const start = at + headerBytes(length);
  bytes.set(prefix, start);
  bytes.set(text, start + prefix.length);
  bytes[start + length - 1] = CLOSING_BRACKET;
  return start + length;
}

/** The frame of a text that is deflated already. */
export function compressedFrame(deflated: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = headerBytes(deflated.length);
  const frame = new Uint8Array(header + deflated.length);
  writeHeader(frame, 0, FIN_TEXT | COMPRESSED, deflated.length);
  frame.set(deflated, header);
  return frame;
}

function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : FRAME_HEADER_BYTES_MAX;
}

function writeHeader(bytes: Uint8Array, at: number, first: number, length: number): void {
  bytes[at] = first;
  if (length < 126) {
    bytes[at + 1] = length;
  } else if (length < 65_536) {
    bytes[at + 1] = 126;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length;
  } else {
    bytes[at + 1] = 127;
    bytes.fill(0, at + 2, at + 6);
    bytes[at + 6] = length >>> 24;
    bytes[at + 7] = length >>> 16;
    bytes[at + 8] = length >>> 8;
    bytes[at + 9] = length;
  }
}
