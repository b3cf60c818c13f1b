/**
 * The frames that sockets are sent within one turn of the event loop: collected as texts, encoded into one page and
 * written with one system call a socket, when the turn's work is done. A lone frame is built once and written whole.
 * The gateway's thread owns it; one for all sockets of a gateway.
 *
 * A page is written over as soon as the operating system has taken all of it, which nearly always is at once. A socket
 * that does not take it keeps the page, and gets exact copies from then on, so that it never holds more than one.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Writable } from "node:stream";
import { OUTBOX_FRAMES_MAX, OUTBOX_PAGE_BYTES, OUTBOX_SOCKET_CHARS_MAX } from "../../../lib/limits.ts";
import type { CachedText } from "../../../lib/store/read/text_cache.ts";
import {
  FRAME_HEADER_BYTES_MAX,
  frameBytesMax,
  writeEventFrame,
  writeTextFrame,
} from "../../../lib/websocket/frame.ts";

const encoder = new TextEncoder();

/** What frames are made of: texts; or an event's bytes, and then the beginning of its message. */
type Piece = string | CachedText;

/** The texts that wait for one socket. */
export class PendingFrames {
  #pieces: Piece[] = [];
  /** Characters of them, which are about the bytes. */
  chars = 0;

  constructor(readonly stream: Writable) {}

  add(text: string): void {
    this.#pieces.push(text);
    this.chars += text.length;
  }

  addEvent(prefix: string, text: CachedText): void {
    this.#pieces.push(text, prefix);
    this.chars += prefix.length + text.length;
  }

  drain(): Piece[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.chars = 0;
    return pieces;
  }
}

/** See the module's text. */
export class Outbox {
  #page = Buffer.allocUnsafeSlow(OUTBOX_PAGE_BYTES);
  #waiting: PendingFrames[] = [];
  #frames = 0;
  #prefix = "";
  #prefixEncoded = new Uint8Array(0);

  /** Sends a text at the end of this turn, behind what was sent before it. */
  send(pending: PendingFrames, text: string): void {
    if (pending.chars === 0) this.#wait(pending);
    pending.add(text);
    this.#added(pending);
  }

  /** The same with a stored event, whose bytes are copied and never become a string. */
  sendEvent(pending: PendingFrames, prefix: string, text: CachedText): void {
    if (pending.chars === 0) this.#wait(pending);
    pending.addEvent(prefix, text);
    this.#added(pending);
  }

  #added(pending: PendingFrames): void {
    // Bounds what one turn holds in memory; an empty text is no message of this relay.
    if (++this.#frames >= OUTBOX_FRAMES_MAX) this.flushAll();
    else if (pending.chars > OUTBOX_SOCKET_CHARS_MAX) this.flush(pending);
  }

  /** Writes what waits for one socket now. */
  flush(pending: PendingFrames): void {
    const { stream } = pending;
    const pieces = pending.drain();
    if (!stream.writable) return;
    let end = 0;
    for (let at = 0; at < pieces.length; at++) {
      const piece = pieces[at]!;
      const prefix = typeof piece === "string" ? null : this.#prefixBytes(pieces[++at] as string);
      const most = prefix === null
        ? frameBytesMax(piece as string)
        : FRAME_HEADER_BYTES_MAX + prefix.length + piece.length + 1;
      if (end + most > this.#page.length) {
        this.#write(stream, end);
        end = 0;
        if (most > this.#page.length) {
          stream.write(longFrame(prefix === null ? piece as string : `${pieces[at]}${piece}]`));
          continue;
        }
      }
      end = prefix === null
        ? writeTextFrame(this.#page, end, piece as string)
        : writeEventFrame(this.#page, end, prefix, (piece as CachedText).bytes);
    }
    this.#write(stream, end);
  }

  /** Writes what waits, for all sockets. */
  flushAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#frames = 0;
    for (const pending of waiting) this.flush(pending);
  }

  /** An answer's events all begin alike. */
  #prefixBytes(prefix: string): Uint8Array {
    if (prefix !== this.#prefix) {
      this.#prefix = prefix;
      this.#prefixEncoded = encoder.encode(prefix);
    }
    return this.#prefixEncoded;
  }

  #wait(pending: PendingFrames): void {
    if (this.#waiting.push(pending) === 1) queueMicrotask(() => this.flushAll());
  }

  #write(stream: Writable, bytes: number): void {
    if (bytes === 0) return;
    const view = this.#page.subarray(0, bytes);
    if (stream.writableLength > 0) {
      stream.write(new Uint8Array(view));
      return;
    }
    stream.write(view);
    if (stream.writableLength > 0) this.#page = Buffer.allocUnsafeSlow(OUTBOX_PAGE_BYTES);
  }
}

function longFrame(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES_MAX + Buffer.byteLength(text));
  return bytes.subarray(0, writeTextFrame(bytes, 0, text));
}
