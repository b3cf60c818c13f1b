/** Types of what is used of `ws` 8, which has none of its own. */
import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Buffer } from "node:buffer";

/** One WebSocket; emits `message` (data, isBinary), `pong`, `ping`, `error` and `close`. */
export class WebSocket extends EventEmitter {
  /** As the handshake makes it: `null`, and the options of the server. */
  constructor(address: null, protocols: undefined, options: ServerOptions);
  static readonly OPEN: 1;
  readonly readyState: 0 | 1 | 2 | 3;
  /** The names of the extensions that were agreed on, separated by commas. */
  readonly extensions: string;
  close(code?: number, reason?: string | Buffer): void;
  /** Destroys the connection. */
  terminate(): void;
  ping(): void;
  /** `done` is called when the frame has been written, or cannot be. */
  pong(data: Buffer, mask: boolean, done: () => void): void;
  pause(): void;
  resume(): void;
  /** Private to `ws`, like the next: by it, messages are inflated one by one (`inflation.ts`). */
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

/** Of the options, those used here; sizes in bytes, times in ms. */
export interface ServerOptions {
  readonly path: string;
  readonly noServer: true;
  readonly clientTracking: boolean;
  readonly autoPong: false;
  readonly maxPayload: number;
  readonly maxBufferedChunks: number;
  readonly maxFragments: number;
  readonly closeTimeout: number;
  readonly perMessageDeflate: false | {
    readonly serverNoContextTakeover: boolean;
    readonly clientNoContextTakeover: boolean;
  };
  readonly WebSocket: typeof WebSocket;
}

/** Shakes hands. */
export class WebSocketServer extends EventEmitter {
  constructor(options: ServerOptions);
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    done: (webSocket: WebSocket) => void,
  ): void;
}
