/**
 * One connection of an attack: it sends what it is told to, and counts what it is answered, or never reads.
 * Whatever ends it is no fault: the relay may end a connection that misuses it.
 * Runs in the process of whoever calls the trial; its stage owns it.
 *
 * @module
 */
import { type FrameOptions, OPCODE, openRawSocket, type RawSocket } from "../../protocol/raw_socket.ts";
import type { Stage } from "./attack.ts";

/** How a connection is opened. */
export interface AssailantOptions {
  /** Whether it reads what it is sent; it does by default. */
  readonly reads?: boolean;
  readonly headers?: Record<string, string>;
  /** Is given each message, besides that it is counted. */
  readonly heard?: (text: string) => void;
}

/** The longest wait for the answer to a handshake, ms. */
const HANDSHAKE_MS_MAX = 10_000;
/** The code by which a reason begins: `rate-limited: …`. */
const REASON = /^\["(?:OK|CLOSED|NEG-ERR)","[^"]*",(?:(true)|(?:false,)?"([a-z-]+):)/;
const decoder = new TextDecoder();

/** See the module's text. */
export class Assailant implements Disposable {
  readonly #socket: RawSocket;
  #isGone = false;
  /** Messages that it has been sent, where it reads. */
  heard = 0;

  private constructor(socket: RawSocket) {
    this.#socket = socket;
  }

  /** Connects, or returns null where the relay does not want it. */
  static async open(
    stage: Stage,
    { reads = true, headers, heard }: AssailantOptions,
  ): Promise<Assailant | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const opening = openRawSocket(stage.relay.url, headers).catch(() => null);
    const late = new Promise<null>((resolve) => timer = setTimeout(() => resolve(null), HANDSHAKE_MS_MAX));
    const socket = await Promise.race([opening, late, stage.over.then(() => null)]);
    clearTimeout(timer);
    if (socket === null) {
      opening.then((socket) => socket?.[Symbol.dispose]());
      return null;
    }
    const assailant = new Assailant(socket);
    if (reads) assailant.#read(stage, heard ?? (() => {}));
    return assailant;
  }

  /** Whether the connection has ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Sends a message. Resolves when the system has taken it, with whether the connection is still there. */
  say(message: readonly unknown[] | string): Promise<boolean> {
    return this.send(OPCODE.text, typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Sends a frame. */
  async send(opcode: number, payload: Uint8Array | string, options?: FrameOptions): Promise<boolean> {
    if (this.#isGone) return false;
    await this.#socket.send(opcode, payload, options).catch(() => this.#end());
    return !this.#isGone;
  }

  /** Sends bytes as they are. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.#isGone) return false;
    await this.#socket.write(bytes).catch(() => this.#end());
    return !this.#isGone;
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #end(): void {
    this.#isGone = true;
    this.#socket[Symbol.dispose]();
  }

  async #read(stage: Stage, heard: (text: string) => void): Promise<void> {
    const take = (opcode: number, payload: Uint8Array<ArrayBuffer>) => {
      if (opcode !== OPCODE.text) return;
      this.heard++;
      const text = decoder.decode(payload);
      stage.count(kindOf(text));
      if (isFault(text)) stage.fault(`an attack was answered ${text.slice(0, 300)}`);
      heard(text);
    };
    try {
      while (await this.#socket.readFrames(take));
    } catch {
      // An end, too.
    }
    this.#end();
  }
}

/** `OK`, or `CLOSED rate-limited`. */
function kindOf(text: string): string {
  const type = text.slice(2, text.indexOf('"', 2));
  const [, accepted, reason] = REASON.exec(text) ?? [];
  return accepted !== undefined || reason === undefined ? type : `${type} ${reason}`;
}

/** A refusal is an answer; that something failed within the relay is none. */
function isFault(text: string): boolean {
  return /^\["(?:OK|CLOSED|NEG-ERR)","[^"]*",(?:false,)?"error: [^"]*(?:failed|could not|internal)/.test(
    text,
  );
}
