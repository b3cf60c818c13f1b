/**
 * A WebSocket to the relay under test. It takes whatever comes: silence and nonsense are findings, not failures of
 * the checker. Runs in the process of the checker; a connection belongs to the rule that opened it.
 *
 * @module
 */
import { INBOX_MESSAGES_MAX } from "./bounds.ts";
import { Breach, brief } from "./rule.ts";
import type { Event } from "./signer.ts";

/** A message of the relay: `["OK", …]`; what is no JSON array comes as `["?", data]`. */
export type Message = [type: string, ...rest: unknown[]];

/** A NIP-01 filter; wrong ones are sent too. */
export type Filter = Record<string, unknown>;

/** How a REQ ended. */
export interface Answer {
  /** In the order of arrival. */
  readonly events: Event[];
  /** The EOSE or the CLOSED. */
  readonly end: Message;
}

/** What all connections of a run have seen; some rules judge that at the end. */
export interface Sightings {
  /** `["OK", id, false, …]` of all kinds. */
  readonly refusals: Message[];
  readonly acceptances: Message[];
  readonly closeds: Message[];
  /** EVENT, EOSE and CLOSED for subscriptions that were never opened on their connection. */
  readonly strays: Message[];
  /** Whatever is no message of a known type. */
  readonly unknown: Message[];
}

const KNOWN = ["EVENT", "OK", "EOSE", "CLOSED", "NOTICE", "AUTH", "COUNT", "NEG-MSG", "NEG-ERR"];

/** The subscription that a frame opens, as JSON. */
const OPENING = /^\["REQ",("(?:[^"\\]|\\.)*"|[0-9]+|null)/;

interface Waiter {
  readonly predicate: (message: Message) => boolean;
  readonly resolve: (message: Message | null) => void;
}

/** What a connection needs to know. */
interface ConnectionOptions {
  readonly answerMs: number;
  readonly sightings: Sightings;
}

/**
 * Opens a connection.
 *
 * @throws {Breach} if the relay refuses it or takes longer than an answer may.
 */
export async function open(url: string, options: ConnectionOptions): Promise<RelayConnection> {
  const socket = new WebSocket(url);
  const connection = new RelayConnection(socket, options);
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const timer = setTimeout(() => resolve(`within ${options.answerMs} ms`), options.answerMs);
  socket.addEventListener("open", () => resolve(null), { once: true });
  connection.ended.then(() => resolve("was accepted"));
  const fault = await promise;
  clearTimeout(timer);
  if (fault === null) return connection;
  await connection.close();
  throw new Breach(`no connection ${fault}`);
}

/** One connection. `await using` closes it. */
export class RelayConnection implements AsyncDisposable {
  /** Messages that nobody took, oldest first. */
  readonly inbox: Message[] = [];
  /** Resolves with the close code when the connection has ended. */
  readonly ended: Promise<number>;
  /** The newest challenge (NIP-42). */
  challenge: string | undefined;
  /** Keys that the relay has accepted on this connection. */
  readonly authenticated = new Set<string>();
  readonly answerMs: number;
  readonly #socket: WebSocket;
  readonly #sightings: Sightings;
  readonly #waiters = new Set<Waiter>();
  readonly #subscriptions = new Set<unknown>();
  #names = 0;
  #isOver = false;

  constructor(socket: WebSocket, { answerMs, sightings }: ConnectionOptions) {
    this.#socket = socket;
    this.answerMs = answerMs;
    this.#sightings = sightings;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    socket.addEventListener("message", ({ data }) => this.#receive(parse(data)));
    socket.addEventListener("error", (event) => event.preventDefault());
    socket.addEventListener("close", ({ code }) => {
      this.#isOver = true;
      for (const waiter of this.#waiters) waiter.resolve(null);
      resolve(code);
    });
  }

  /** Whether the relay has ended the connection. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** A subscription id that this connection has not used. */
  name(): string {
    return `check-${++this.#names}`;
  }

  /** Sends one message. */
  send(message: readonly unknown[]): void {
    this.sendRaw(JSON.stringify(message));
  }

  /** Sends a frame as it is. */
  sendRaw(data: string | Uint8Array<ArrayBuffer>): void {
    // Wrong frames open subscriptions too, if the relay thinks so.
    const opened = typeof data === "string" ? OPENING.exec(data)?.[1] : undefined;
    if (opened !== undefined) this.#subscriptions.add(JSON.parse(opened));
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  /** The first message, there or still to come, that fits; null if none comes in time or the connection ends. */
  next(predicate: (message: Message) => boolean, waitMs = this.answerMs): Promise<Message | null> {
    const at = this.inbox.findIndex(predicate);
    if (at >= 0) return Promise.resolve(this.inbox.splice(at, 1)[0]!);
    if (this.#isOver) return Promise.resolve(null);
    const { promise, resolve } = Promise.withResolvers<Message | null>();
    const waiter: Waiter = { predicate, resolve };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => resolve(null), waitMs);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  /** As {@linkcode next}, but an absent message breaks the rule. @throws {Breach} */
  async expect(
    what: string,
    predicate: (message: Message) => boolean,
    waitMs = this.answerMs,
  ): Promise<Message> {
    const message = await this.next(predicate, waitMs);
    if (message !== null) return message;
    const rest = this.inbox.length > 0 ? `; instead: ${brief(this.inbox.at(-1))}` : "";
    throw new Breach(
      this.#isOver ? `connection closed, no ${what}` : `no ${what} within ${waitMs} ms${rest}`,
    );
  }

  /** Offers an event and resolves with its OK. @throws {Breach} if there is none. */
  async offer(event: Event | Record<string, unknown>, verb = "EVENT"): Promise<Message> {
    this.send([verb, event]);
    return await this.expect(`OK for ${verb}`, ([type, id]) => type === "OK" && id === event.id);
  }

  /** Asks for stored events until EOSE or CLOSED; ends the subscription. @throws {Breach} if neither comes. */
  async ask(...filters: Filter[]): Promise<Answer> {
    const id = this.name();
    const answer = await this.subscribe(id, ...filters);
    if (answer.end[0] === "EOSE") this.send(["CLOSE", id]);
    return answer;
  }

  /** Opens a subscription and collects until EOSE or CLOSED. @throws {Breach} if neither comes. */
  async subscribe(id: string, ...filters: Filter[]): Promise<Answer> {
    this.send(["REQ", id, ...filters]);
    const end = await this.expect(
      "EOSE or CLOSED",
      ([type, name]) => (type === "EOSE" || type === "CLOSED") && name === id,
    );
    return { events: this.drain(id), end };
  }

  /** Takes the events of a subscription that have arrived. */
  drain(id: string): Event[] {
    const mine = this.inbox.filter(([type, name]) => type === "EVENT" && name === id);
    if (mine.length === 0) return [];
    const rest = this.inbox.filter((message) => !mine.includes(message));
    this.inbox.splice(0, this.inbox.length, ...rest);
    return mine.map((message) => message[2] as Event);
  }

  /** The next event of a subscription. @throws {Breach} if none comes. */
  async live(id: string, eventId: string): Promise<Event> {
    const fits = ([type, name, event]: Message) =>
      type === "EVENT" && name === id && (event as Event | undefined)?.id === eventId;
    return (await this.expect("live event", fits))[2] as Event;
  }

  /**
   * Waits until the relay has answered something that was sent after everything else: what has not come by then is
   * taken not to come.
   */
  async settled(): Promise<void> {
    const { end } = await this.ask({ kinds: [1], ids: ["0".repeat(64)], limit: 1 });
    if (end[0] === "CLOSED") await this.ask({ kinds: [1], limit: 1 });
  }

  /** Ends the connection and waits for its end, not longer than for an answer. */
  async close(): Promise<void> {
    if (this.#socket.readyState <= WebSocket.OPEN) this.#socket.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.answerMs);
    await Promise.race([this.ended, promise]);
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #receive(message: Message): void {
    this.#sight(message);
    if (message[0] === "AUTH") this.challenge = String(message[1]);
    for (const waiter of this.#waiters) {
      if (!waiter.predicate(message)) continue;
      this.#waiters.delete(waiter);
      return waiter.resolve(message);
    }
    if (this.inbox.length < INBOX_MESSAGES_MAX) this.inbox.push(message);
  }

  #sight(message: Message): void {
    const { refusals, acceptances, closeds, strays, unknown } = this.#sightings;
    const [type, id] = message;
    if (type === "OK") (message[2] === false ? refusals : acceptances).push(message);
    if (type === "CLOSED") closeds.push(message);
    if (!KNOWN.includes(type)) unknown.push(message);
    if ((type === "EVENT" || type === "EOSE") && !this.#subscriptions.has(id)) strays.push(message);
  }
}

function parse(data: unknown): Message {
  try {
    const value: unknown = JSON.parse(data as string);
    if (Array.isArray(value)) return value as Message;
  } catch {
    // Falls through to the marked form.
  }
  return ["?", data];
}
