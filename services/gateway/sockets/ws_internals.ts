/**
 * What is used of `ws` 8 that its types leave out: by it, messages are inflated one by one (`inflation.ts`).
 * Types only; the gateway's thread owns what they describe.
 *
 * @module
 */
import type { Buffer } from "node:buffer";

/** Members of a `WebSocket` that are private to `ws`. */
export interface WsInternals {
  /** The extensions that were agreed on. */
  readonly _extensions: { readonly "permessage-deflate"?: Inflater };
  readonly _receiver: {
    /** An error that ends the connection with `code`. */
    createError(
      type: typeof RangeError,
      message: string,
      isFrameFault: boolean,
      code: number,
      name: string,
    ): Error;
  };
}

/** Takes the payload of a frame, unmasked. `done` is called later, once for each. */
export interface Inflater {
  decompress(
    data: Buffer,
    isLast: boolean,
    done: (error: Error | null, inflated?: Uint8Array) => void,
  ): void;
}
