/**
 * An actor's end of WebSockets that gateways serve for it (`wire/piped_sockets.ts`): who is connected, what each has sent,
 * and how much it may be sent before its gateway has reported that something has left.
 * The actor's thread owns it.
 *
 * @module
 */
import { PIPED_SOCKET_BYTES_MAX } from "../lib/limits.ts";
import type { Proof } from "../wire/pages.ts";
import type { SocketNotice, SocketOrder } from "../wire/piped_sockets.ts";

/** What an actor is told of its sockets. */
interface PipedSocketEvents {
  opened(socket: PipedSocket): void;
  /** The client has sent a text, of at most `PIPED_TEXT_CHARS_MAX`; its next one comes after this returns. */
  text(socket: PipedSocket, text: string): void;
  /** There is room again for a socket that had less than it was to be sent. */
  room(socket: PipedSocket): void;
  /** The socket is gone, whoever ended it. */
  closed(socket: PipedSocket): void;
}

/** Room below which a socket is not yet told of it: so that there is some for more than one text. */
const ROOM_CHARS_MIN = PIPED_SOCKET_BYTES_MAX / 2;

/** One client's socket. */
export class PipedSocket {
  readonly #post: (order: SocketOrder) => void;
  readonly #number: number;
  #waitingChars = 0;
  #isOpen = true;
  #wantsRoom = false;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly address: string;
  readonly host: string;
  /** What the request for the socket proved. */
  readonly proof: Proof;

  constructor(opened: Extract<SocketNotice, { type: "opened" }>, post: (order: SocketOrder) => void) {
    this.#post = post;
    this.#number = opened.number;
    this.path = opened.path;
    this.query = opened.query;
    this.address = opened.address;
    this.host = opened.host;
    this.proof = opened.proof;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Characters that it was sent and that have not left its gateway's process, as far as that has been reported. */
  get waitingChars(): number {
    return this.#waitingChars;
  }

  /** Whether it may be sent a text now. */
  get hasRoom(): boolean {
    return this.#isOpen && this.#waitingChars < PIPED_SOCKET_BYTES_MAX;
  }

  /**
   * Sends texts, one frame each, while there is room; the last of them may exceed it. Returns how many it has sent: of the
   * rest the caller hears again by `room`, unless the socket has closed.
   */
  send(texts: readonly string[]): number {
    let many = 0;
    while (many < texts.length && this.hasRoom) this.#waitingChars += texts[many++]!.length;
    if (many < texts.length || !this.hasRoom) this.#wantsRoom = true;
    if (many > 0) this.#post({ type: "send", number: this.#number, texts: texts.slice(0, many) });
    return many;
  }

  /** Closes it, behind what it was sent; `closed` is called when it is gone. */
  close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#post({ type: "close", number: this.#number, code, reason });
  }

  /** So much has left. Returns whether the actor is to be told that there is room. */
  written(chars: number): boolean {
    this.#waitingChars -= chars;
    if (!this.#wantsRoom || !this.#isOpen || this.#waitingChars > ROOM_CHARS_MIN) return false;
    this.#wantsRoom = false;
    return true;
  }

  /** Its next text may come. */
  taken(): void {
    this.#post({ type: "taken", number: this.#number });
  }

  /** It is gone. */
  gone(): void {
    this.#isOpen = false;
  }
}

/** See the module's text. */
export class PipedSockets {
  readonly #events: PipedSocketEvents;
  /** By the port of its gateway, and its number there. */
  readonly #sockets = new Map<MessagePort, Map<number, PipedSocket>>();

  constructor(events: PipedSocketEvents) {
    this.#events = events;
  }

  /** A gateway has told something. */
  receive(port: MessagePort, notice: SocketNotice): void {
    if (notice.type === "opened") return this.#opened(port, notice);
    const ofPort = this.#sockets.get(port);
    const socket = ofPort?.get(notice.number);
    if (socket === undefined) return;
    if (notice.type === "written") {
      if (socket.written(notice.chars)) this.#events.room(socket);
    } else if (notice.type === "closed") {
      ofPort!.delete(notice.number);
      socket.gone();
      this.#events.closed(socket);
    } else if (socket.isOpen) {
      this.#events.text(socket, notice.text);
      socket.taken();
    }
  }

  /** The gateway of a port is gone, and its sockets with it. */
  lost(port: MessagePort): void {
    const sockets = [...this.#sockets.get(port)?.values() ?? []];
    this.#sockets.delete(port);
    for (const socket of sockets) {
      socket.gone();
      this.#events.closed(socket);
    }
  }

  /** The sockets of all gateways, those that are closing among them. */
  *[Symbol.iterator](): Generator<PipedSocket> {
    for (const sockets of this.#sockets.values()) yield* sockets.values();
  }

  #opened(port: MessagePort, notice: Extract<SocketNotice, { type: "opened" }>): void {
    let ofPort = this.#sockets.get(port);
    if (ofPort === undefined) this.#sockets.set(port, ofPort = new Map());
    const socket = new PipedSocket(notice, (order) => port.postMessage(order));
    ofPort.set(notice.number, socket);
    this.#events.opened(socket);
  }
}
