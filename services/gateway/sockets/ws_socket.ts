/**
 * One client's socket of the `ws` engine. Handshake, reading, pings and closing are `ws`'s; text frames are written past
 * it, by the gateway's outbox, because `ws` makes two buffers and two writes of each.
 * The gateway's thread owns it.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { constants, deflateRawSync } from "node:zlib";
// @ts-types="@types/ws"
import { type ServerOptions, WebSocket } from "ws";
import {
  DEFLATE_CHARS_MIN,
  SOCKET_TURN_CHARS_MAX,
  SOCKET_TURN_MESSAGES_MAX,
  SOCKET_TURN_PINGS_MAX,
} from "../../../lib/limits.ts";
import type { CachedText } from "../../../lib/store/read/text_cache.ts";
import { compressedFrame } from "../../../lib/websocket/frame.ts";
import { type Inflating, type Inflation, takeInflation } from "./inflation.ts";
import type { PathEvents, Socket } from "./listener.ts";
import { type Outbox, PendingFrames } from "./outbox.ts";
import type { Guest, Turns } from "./turns.ts";

// `ws` has found the bytes to be UTF-8 already: a decoder that checks them again costs three times as much.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** What RFC 7692 leaves away behind each message. */
const DEFLATE_TAIL_BYTES = 4;
// Most of the cost is to begin, which less memory makes cheaper; a lower level saves nothing.
const DEFLATE = { finishFlush: constants.Z_SYNC_FLUSH, level: 6, memLevel: 6, windowBits: 13 } as const;

/** `ws`'s own socket, which knows the one that the gateway sees: so no socket needs closures of its own. */
export class WsConnection extends WebSocket {
  owner: WsSocket<unknown> | null = null;
  readonly frameBytesMax: number;

  constructor(address: null, protocols: undefined, options: ServerOptions) {
    // So `ws` makes the sockets of a server; its types know the address alone.
    super(...[address, protocols, options] as unknown as [address: null]);
    this.frameBytesMax = options.maxPayload!;
  }

  /** Closes; where `ws` itself closes because of a long message, the client is told the bound. */
  override close(code?: number, reason?: string | Buffer): void {
    // Nothing may follow the closing frame: what waits goes out before it.
    this.owner?.flush();
    const isSilent = code === 1009 && reason === undefined;
    super.close(code, isSilent ? `a message is longer than ${this.frameBytesMax} bytes` : reason);
  }
}

/** See the module's text. */
export class WsSocket<Client> implements Socket, Inflating, Guest {
  readonly #connection: WsConnection;
  readonly #stream: Duplex;
  readonly #pending: PendingFrames;
  readonly #outbox: Outbox;
  readonly #events: PathEvents<Client>;
  /** Null: messages are not deflated, either way. */
  readonly #inflation: Inflation | null;
  readonly #turns: Turns;
  used = 0;
  usedMs = 0;
  visitMs = 0;
  visitTurn = 0;
  isHeldBack = false;
  #client: Client | null = null;
  #isPaused = false;
  /** Frames, and characters of them, since its last rest. */
  #frames = 0;
  #chars = 0;
  /** Not read until others have had their turn: Deno reads on in microtasks while more is there. */
  #isResting = false;
  /** Texts that had been read when a pause or a rest began: at most those of one read. */
  #held: string[] | null = null;
  /** Whether a pong is being written, and the newest ping that came meanwhile. */
  #isPonging = false;
  #ping: Buffer | null = null;
  /** Pings since its last rest. */
  #pings = 0;
  /** Heartbeats since anything came from the client. */
  silentBeats = 0;
  /** Where the heartbeat keeps it. */
  beatSlot = 0;

  constructor(
    connection: WsConnection,
    stream: Duplex,
    outbox: Outbox,
    events: PathEvents<Client>,
    turns: Turns,
  ) {
    this.#turns = turns;
    this.#connection = connection;
    this.#stream = stream;
    this.#pending = new PendingFrames(stream);
    this.#outbox = outbox;
    this.#events = events;
    this.#inflation = takeInflation(connection, this, connection.frameBytesMax);
    // A message that waits would keep `ws` from telling that the connection is over.
    if (this.#inflation !== null) stream.once("close", () => this.#inflation!.goOn());
    connection.owner = this as WsSocket<unknown>;
    connection.on("message", onMessage);
    connection.on("pong", onPong);
    connection.on("ping", onPing);
    connection.on("close", onClose);
    // What is wrong ends the connection; without a listener the error would be uncaught.
    connection.on("error", onError);
  }

  /** The gateway takes the socket, which is open, or does not. */
  open(client: Client | null): void {
    this.#client = client;
    if (client === null) this.close(1013, "the relay takes no more connections now");
  }

  get isOpen(): boolean {
    return this.#connection.readyState === WebSocket.OPEN;
  }

  get bufferedBytes(): number {
    return this.#pending.chars + this.#stream.writableLength;
  }

  send(text: string): void {
    if (!this.isOpen) return;
    if (this.#inflation !== null && text.length >= DEFLATE_CHARS_MIN) this.#sendDeflated(text);
    else this.#outbox.send(this.#pending, text);
  }

  sendEvent(prefix: string, text: CachedText): void {
    if (this.#inflation !== null) this.send(`${prefix}${text}]`);
    else if (this.isOpen) this.#outbox.sendEvent(this.#pending, prefix, text);
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#held = null;
    this.#connection.close(code, reason);
    // The client's part of closing has to be read.
    if (this.#isPaused) this.resume();
  }

  /** Writes what waits for the end of the turn now. */
  flush(): void {
    if (this.#pending.chars > 0) this.#outbox.flush(this.#pending);
  }

  get flow(): this {
    return this;
  }

  pause(): void {
    this.#isPaused = true;
    this.#connection.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isResting) this.#goOn();
  }

  /** A frame has come. */
  heard(): void {
    this.silentBeats = 0;
    if (++this.#frames >= SOCKET_TURN_MESSAGES_MAX || this.#chars >= SOCKET_TURN_CHARS_MAX) this.#rest();
  }

  /** Is not read until others have had their turn; `isHeldBack` where a message that was read waits for that. */
  #rest(isHeldBack = false): void {
    if (this.#isResting) return;
    this.#isResting = true;
    this.#connection.pause();
    this.#turns.rest(this, isHeldBack);
  }

  rested(): void {
    this.#isResting = false;
    this.#frames = this.#chars = this.#pings = 0;
    if (!this.#isPaused) this.#goOn();
  }

  /**
   * Answers a ping. While its pong is not written, only the newest of those that follow is kept (RFC 6455, 5.5.3): so that
   * a client that sends them and reads nothing has one answer waiting. One that sends them without end is left.
   */
  pinged(data: Buffer): void {
    if (++this.#pings > SOCKET_TURN_PINGS_MAX) return this.#endPings();
    if (this.#isPonging) this.#ping = data;
    else this.#pong(data);
    this.heard();
  }

  #endPings(): void {
    if (!this.isOpen) return;
    this.close(1008, `more than ${SOCKET_TURN_PINGS_MAX} pings at once`);
    // Whatever else it sends is not read; its part of closing has a bound of time.
    this.pause();
  }

  #pong(data: Buffer): void {
    if (!this.isOpen) return;
    this.#isPonging = true;
    this.#connection.pong(data, false, () => {
      this.#isPonging = false;
      const next = this.#ping;
      this.#ping = null;
      if (next !== null) this.#pong(next);
    });
  }

  /** Whether the sender has to wait. */
  get isHeld(): boolean {
    return this.#isPaused || this.#isResting;
  }

  /** Brings what had been read, and reads on. */
  #goOn(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (let at = 0; at < held.length; at++) {
      if (this.isHeld) {
        this.#held = held.slice(at);
        return;
      }
      this.#text(held[at]!);
    }
    if (this.isHeld) return;
    this.#connection.resume();
    this.#inflation?.goOn();
  }

  /** One heartbeat: a client that was silent since the last is asked for a sign, one that gives none is left. */
  beat(): void {
    // Nobody is to blame for what we do not read.
    const silent = this.#isPaused ? 0 : this.silentBeats;
    this.silentBeats = silent + 1;
    if (silent === 1 && this.isOpen) this.#connection.ping();
    else if (silent > 1) this.close(1001, "the client was silent for too long");
  }

  message(data: Buffer, isBinary: boolean): void {
    this.silentBeats = 0;
    if (this.#client === null || !this.isOpen) return;
    if (isBinary) {
      this.heard();
      return this.#events.fault(this.#client, "invalid: binary frames are not part of this protocol");
    }
    const text = decoder.decode(data);
    if (!this.isHeld && !this.#turns.hasRoom(this)) this.#rest(true);
    if (this.isHeld) (this.#held ??= []).push(text);
    else this.#text(text);
  }

  closed(): void {
    const client = this.#client;
    this.#client = null;
    this.#held = null;
    if (client !== null) this.#events.closed(client);
  }

  #text(text: string): void {
    const client = this.#client;
    if (client === null) return;
    const hasTurn = this.#turns.serve(this, text.length, () => this.#events.text(client, text));
    this.#chars += text.length;
    this.heard();
    if (!hasTurn) this.#rest();
  }

  /** Deflates at once and without a context, so that a connection keeps no memory for it and frames keep their order. */
  #sendDeflated(text: string): void {
    this.flush();
    const deflated = deflateRawSync(text, DEFLATE);
    this.#stream.write(compressedFrame(deflated.subarray(0, deflated.length - DEFLATE_TAIL_BYTES)));
  }
}

function ownerOf(connection: WebSocket): WsSocket<unknown> | null {
  return (connection as WsConnection).owner;
}

function onMessage(this: WebSocket, data: Buffer, isBinary: boolean): void {
  ownerOf(this)?.message(data, isBinary);
}

function onPong(this: WebSocket): void {
  ownerOf(this)?.heard();
}

function onPing(this: WebSocket, data: Buffer): void {
  ownerOf(this)?.pinged(data);
}

function onClose(this: WebSocket): void {
  ownerOf(this)?.closed();
}

function onError(): void {}
