/**
 * Senders that do not wait: over several connections they send events at a rate of their own, whatever is answered, and
 * hold the relay to exactly one answer for each frame. What was refused is sent again later, so that a flood of minutes
 * needs no more signatures than the relay takes events.
 *
 * Runs in the process of whoever calls it, which owns the sockets.
 *
 * @module
 */
import { OPCODE, openRawSocket, type RawSocket, textFrame } from "../protocol/raw_socket.ts";
import { signEvent, testKey } from "../support/sign.ts";

/** How often the senders look at what is due, ms. */
const TICK_MS = 10;
/** What a sender that was held back makes up for at most, ms: a client does not save its frames for hours. */
const CATCH_UP_MS_MAX = 250;
/** The time after which what was taken tells how much is taken, ms. */
const SETTLED_MS = 1_000;
/** Bytes of one write, and of a frame at most. */
const WRITE_BYTES_MAX = 256 * 1024;
const FRAME_BYTES_MAX = 4 * 1024;
const KEYS = 100;
const CONTENT = "An event of a flood, about as long as people's events are in the mean. ".repeat(3);
const decoder = new TextDecoder();

/** An event on its way. */
interface Sent {
  readonly frame: Uint8Array<ArrayBuffer>;
  atMs: number;
}

/** What the senders count; a phase begins with {@linkcode OpenLoop.begin}. */
export interface Tally {
  sent: number;
  accepted: number;
  refused: number;
  /** How long each accepted event took from its write to its `OK`, ms. */
  readonly acceptedMs: number[];
  /** Accepted events of each connection. */
  readonly acceptedOf: number[];
}

/** All senders; see the module's text. */
export class OpenLoop implements Disposable {
  readonly #senders: Sender[];
  /** What went wrong: a frame answered twice, a refusal for another reason, a connection that ended. */
  readonly faults: string[] = [];
  tally: Tally = emptyTally();

  private constructor(sockets: readonly RawSocket[]) {
    this.#senders = sockets.map((socket, n) => new Sender(socket, n, this));
  }

  static async open(url: string, connections: number): Promise<OpenLoop> {
    return new OpenLoop(await Promise.all(Array.from({ length: connections }, () => openRawSocket(url))));
  }

  /** Events that have no answer yet. */
  get unanswered(): number {
    return this.#senders.reduce((sum, sender) => sum + sender.unanswered, 0);
  }

  /** Signs so many events before they are due: a sender that signs meanwhile uses the processor that the relay needs. */
  prepare(events: number): void {
    for (let n = 0; n < events; n++) this.#senders[n % this.#senders.length]!.prepare();
  }

  /** Sends for so long, ms, with at most `window` unanswered events a connection: what the relay can take. */
  async sendInWindow(window: number, forMs: number): Promise<Tally> {
    return await this.#phase(forMs, (sender) => () => window - sender.unanswered);
  }

  /**
   * Sends so many times what the relay takes, for so long, ms, and waits for nothing but the system's own buffers. What
   * it takes a second is known from before, and grows when it takes more.
   */
  async sendTimes(times: number, knownPerSecond: number, forMs: number): Promise<Tally> {
    const startedMs = performance.now();
    return await this.#phase(forMs, () => {
      let paidMs = startedMs;
      return () => {
        const nowMs = performance.now();
        const takenPerMs = Math.max(
          knownPerSecond / 1_000,
          this.tally.accepted / Math.max(SETTLED_MS, nowMs - startedMs),
        );
        const perMs = times * takenPerMs / this.#senders.length;
        paidMs = Math.max(paidMs, nowMs - CATCH_UP_MS_MAX);
        const due = Math.floor((nowMs - paidMs) * perMs);
        paidMs += due / perMs;
        return due;
      };
    });
  }

  [Symbol.dispose](): void {
    for (const sender of this.#senders) sender.end();
  }

  async #phase(forMs: number, dueOf: (sender: Sender) => () => number): Promise<Tally> {
    this.tally = emptyTally();
    const untilMs = performance.now() + forMs;
    await Promise.all(this.#senders.map((sender) => sender.send(untilMs, dueOf(sender))));
    return this.tally;
  }
}

function emptyTally(): Tally {
  return { sent: 0, accepted: 0, refused: 0, acceptedMs: [], acceptedOf: [] };
}

/** One connection. */
class Sender {
  readonly #socket: RawSocket;
  readonly #number: number;
  readonly #loop: OpenLoop;
  readonly #unanswered = new Map<string, Sent>();
  readonly #block = new Uint8Array(WRITE_BYTES_MAX + FRAME_BYTES_MAX);
  /** What may be sent: was refused, or made before. */
  readonly #ready: { readonly id: string; readonly frame: Uint8Array<ArrayBuffer> }[] = [];
  #made = 0;
  #isOver = false;

  constructor(socket: RawSocket, number: number, loop: OpenLoop) {
    this.#socket = socket;
    this.#number = number;
    this.#loop = loop;
    this.#read().catch((error) => {
      if (!this.#isOver) {
        loop.faults.push(`connection ${number} with ${this.unanswered} unanswered: ${error}`);
      }
      this.#isOver = true;
    });
  }

  get unanswered(): number {
    return this.#unanswered.size;
  }

  end(): void {
    this.#isOver = true;
    this.#socket[Symbol.dispose]();
  }

  async send(untilMs: number, due: () => number): Promise<void> {
    while (performance.now() < untilMs && !this.#isOver) {
      for (let left = due(); left > 0;) {
        let bytes = 0;
        for (; left > 0 && bytes < WRITE_BYTES_MAX; left--) {
          const frame = this.#next();
          this.#block.set(frame, bytes);
          bytes += frame.length;
        }
        try {
          await this.#socket.write(this.#block.subarray(0, bytes));
        } catch (error) {
          if (!this.#isOver) this.#loop.faults.push(`connection ${this.#number} takes no more: ${error}`);
          return;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  }

  prepare(): void {
    this.#ready.push(this.#make());
  }

  #next(): Uint8Array<ArrayBuffer> {
    const { id, frame } = this.#ready.pop() ?? this.#make();
    this.#unanswered.set(id, { frame, atMs: performance.now() });
    this.#loop.tally.sent++;
    return frame;
  }

  #make() {
    const content = `${CONTENT}${this.#number} ${this.#made}`;
    const event = signEvent(testKey(this.#made++ % KEYS), { content });
    return { id: event.id, frame: textFrame(JSON.stringify(["EVENT", event])) };
  }

  async #read(): Promise<void> {
    let isClosing = false;
    let pinged = false;
    const take = (opcode: number, payload: Uint8Array<ArrayBuffer>) => {
      if (opcode === OPCODE.text) this.#receive(JSON.parse(decoder.decode(payload)));
      isClosing ||= opcode === OPCODE.close;
      pinged ||= opcode === OPCODE.ping;
    };
    while (await this.#socket.readFrames(take) && !isClosing) {
      if (pinged) await this.#socket.send(OPCODE.pong, "");
      pinged = false;
    }
    throw new Error("the relay has ended it");
  }

  #receive(message: unknown[]): void {
    const [type, id, isAccepted, reason] = message as [string, string, boolean, string];
    // The challenge is no answer.
    if (type === "AUTH") return;
    const sent = this.#unanswered.get(id);
    if (type !== "OK" || sent === undefined) {
      this.#loop.faults.push(`nobody waits for ${JSON.stringify(message).slice(0, 200)}`);
      return;
    }
    this.#unanswered.delete(id);
    const { tally } = this.#loop;
    if (isAccepted) {
      tally.accepted++;
      tally.acceptedMs.push(performance.now() - sent.atMs);
      tally.acceptedOf[this.#number] = (tally.acceptedOf[this.#number] ?? 0) + 1;
      return;
    }
    tally.refused++;
    if (!reason.startsWith("rate-limited: ")) this.#loop.faults.push(`refused with "${reason}"`);
    this.#ready.push({ id, frame: sent.frame });
  }
}
