/**
 * Inflates what one client of the `ws` engine sends (RFC 7692), in place of `ws`'s own code: that one goes on inflating
 * what was read while the sender has to wait, and inflates the fragments of messages that never end. A few bytes become
 * a thousand times as many, so here a message stays as it came until it is whole and its turn has come.
 * The gateway's thread owns it; nothing of a message outlives it, because clients inflate without context.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { constants, inflateRawSync } from "node:zlib";
import type { Inflater, WsInternals } from "./ws_internals.ts";

/** What RFC 7692 leaves away behind each message. */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const NOTHING = new Uint8Array(0);

type Done = Parameters<Inflater["decompress"]>[2];

/** What is asked before a message is inflated. */
export interface Inflating {
  /** Whether the sender has to wait. */
  readonly isHeld: boolean;
  /** Whether anybody takes what it sends. */
  readonly isOpen: boolean;
}

/** See the module's text. */
export class Inflation implements Inflater {
  readonly #socket: Inflating;
  readonly #bytesMax: number;
  readonly #failed: (code: 1007 | 1009) => Error;
  /** The message as far as it came. */
  #pieces: Buffer[] = [];
  /** Set while a whole message waits. */
  #done: Done | null = null;

  /**
   * @param bytesMax The longest message.
   * @param failed Makes the error that ends the connection with a code.
   */
  constructor(socket: Inflating, bytesMax: number, failed: (code: 1007 | 1009) => Error) {
    this.#socket = socket;
    this.#bytesMax = bytesMax;
    this.#failed = failed;
  }

  decompress(data: Buffer, isLast: boolean, done: Done): void {
    this.#pieces.push(data);
    if (isLast) this.#done = done;
    queueMicrotask(isLast ? () => this.goOn() : () => done(null, NOTHING));
  }

  /** Hands over the message that waits, if there is one and its turn has come. */
  goOn(): void {
    const done = this.#done;
    if (done === null || (this.#socket.isHeld && this.#socket.isOpen)) return;
    const message = Buffer.concat([...this.#pieces, TAIL]);
    this.#pieces = [];
    this.#done = null;
    if (!this.#socket.isOpen) return done(null, NOTHING);
    let inflated: Uint8Array;
    try {
      inflated = inflateRawSync(message, {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: this.#bytesMax,
      });
    } catch (error) {
      const isTooLong = (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE";
      return done(this.#failed(isTooLong ? 1009 : 1007));
    }
    done(null, inflated);
  }

  /** `ws` calls it when the connection is over. */
  cleanup(): void {
    this.#pieces = [];
    this.#done = null;
  }
}

/** Has the messages of a `WebSocket` of `ws` inflated here. Null: it was not agreed on that they may be deflated. */
export function takeInflation(
  connection: object,
  socket: Inflating,
  bytesMax: number,
): Inflation | null {
  const { _extensions: extensions, _receiver: receiver } = connection as WsInternals;
  if (extensions["permessage-deflate"] === undefined) return null;
  const inflation = new Inflation(socket, bytesMax, (code) => {
    const why = code === 1009 ? "the message is too long" : "the message does not inflate";
    return receiver.createError(RangeError, why, false, code, "WS_ERR_INFLATE");
  });
  Object.assign(extensions, { "permessage-deflate": inflation });
  return inflation;
}
