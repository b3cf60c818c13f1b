/**
 * A thin WebSocket client for tests: it sends what it is told, and keeps what it receives until somebody asks.
 * Runs on a test's thread; a client belongs to the test that made it.
 *
 * @module
 */
import type { TestEvent } from "./sign.ts";

/** A message of the relay: `["OK", …]`, `["EVENT", …]` and so on. */
export type Message = [type: string, ...rest: unknown[]];

/** A NIP-01 filter; wrong ones are welcome. */
export type TestFilter = Record<string, unknown>;

/** `["OK", id, accepted, reason]`. */
export type OkMessage = ["OK", id: string, accepted: boolean, reason: string];

/** How a REQ ended: with `eose` or with `closed`, never with both. */
export interface QueryResult {
  /** In the order of arrival. */
  readonly events: TestEvent[];
  readonly eose?: Message;
  readonly closed?: Message;
}

/** How a connection ended. */
interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** Settings of a connection. */
interface ConnectOptions {
  /** HTTP headers of the upgrade request. */
  readonly headers?: Record<string, string>;
  /** The longest wait for a message, ms, where a call gives none. */
  readonly timeoutMs?: number;
  /** Takes each message as it came, in place of the inbox: for who counts very many. */
  readonly onText?: (text: string) => void;
}

interface Waiter {
  readonly predicate: (message: Message) => boolean;
  readonly resolve: (message: Message) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens a connection.
 *
 * @throws {Error} if the relay does not accept it.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<TestClient> {
  const socket = new WebSocket(url, { headers: options.headers ?? {} });
  const client = new TestClient(socket, options);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener("open", () => resolve(), { once: true });
  client.closed.then(({ code }) => reject(new Error(`Cannot connect to "${url}": closed with ${code}`)));
  await promise;
  return client;
}

/** One connection. `await using` closes it. */
export class TestClient implements AsyncDisposable {
  /** Messages that nobody took, oldest first. */
  readonly inbox: Message[] = [];
  /** Resolves when the connection has ended; never rejects. */
  readonly closed: Promise<Closed>;
  readonly socket: WebSocket;
  readonly #timeoutMs: number;
  readonly #waiters = new Set<Waiter>();
  /** Who waits for the OK of an id, in the order of publishing: a map, so that thousands may wait at once. */
  readonly #publishers = new Map<string, Waiter[]>();
  /** Subscriptions of `query()` that are over: what still arrives for them is dropped. */
  readonly #finished = new Set<unknown>();
  #queries = 0;
  #ended: Closed | undefined;

  constructor(
    socket: WebSocket,
    { timeoutMs = 10_000, onText }: Pick<ConnectOptions, "timeoutMs" | "onText">,
  ) {
    this.socket = socket;
    this.#timeoutMs = timeoutMs;
    const { promise, resolve } = Promise.withResolvers<Closed>();
    this.closed = promise;
    socket.addEventListener(
      "message",
      ({ data }) => onText === undefined ? this.#receive(data) : onText(data),
    );
    socket.addEventListener("error", (event) => event.preventDefault());
    socket.addEventListener("close", ({ code, reason }) => {
      this.#ended = { code, reason };
      for (const waiter of this.#waiters) waiter.reject(this.#endedError());
      for (const waiters of this.#publishers.values()) {
        for (const waiter of waiters) waiter.reject(this.#endedError());
      }
      resolve(this.#ended);
    });
  }

  /** Whether it can still send. */
  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Sends one message as JSON. */
  send(message: readonly unknown[]): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Sends a text or binary frame as it is. */
  sendRaw(data: string | Uint8Array<ArrayBuffer>): void {
    this.socket.send(data);
  }

  /**
   * Takes the first message, already there or still to come, that satisfies `predicate`. Others stay in the inbox.
   *
   * @throws {Error} if none came within `timeoutMs`, or the connection ended before.
   */
  next(
    predicate: (message: Message) => boolean = () => true,
    timeoutMs = this.#timeoutMs,
  ): Promise<Message> {
    const position = this.inbox.findIndex(predicate);
    if (position >= 0) return Promise.resolve(this.inbox.splice(position, 1)[0]!);
    if (this.#ended) return Promise.reject(this.#endedError());
    const { promise, waiter } = this.#wait(predicate, timeoutMs, "receive message");
    this.#waiters.add(waiter);
    return promise.finally(() => this.#waiters.delete(waiter));
  }

  /** Takes the next message of a type, e.g. `NOTICE`. */
  nextOfType(type: string, timeoutMs = this.#timeoutMs): Promise<Message> {
    return this.next((message) => message[0] === type, timeoutMs);
  }

  /** Sends an event and resolves with its OK. Thousands may be under way at once. */
  publish(event: TestEvent, timeoutMs = this.#timeoutMs): Promise<OkMessage> {
    return this.#awaitOk("EVENT", event, timeoutMs);
  }

  /** Answers a challenge (NIP-42) with a signed event and resolves with its OK. */
  authenticate(event: TestEvent, timeoutMs = this.#timeoutMs): Promise<OkMessage> {
    return this.#awaitOk("AUTH", event, timeoutMs);
  }

  /** Asks for stored events, waits for EOSE or CLOSED, and closes the subscription. */
  async query(...filters: TestFilter[]): Promise<QueryResult> {
    this.#queries += 1;
    const id = `query-${this.#queries}`;
    const events: TestEvent[] = [];
    this.send(["REQ", id, ...filters]);
    while (true) {
      const message = await this.next((message) => message[1] === id && message[0] !== "OK");
      if (message[0] === "EVENT") {
        events.push(message[2] as TestEvent);
      } else if (message[0] === "EOSE") {
        this.send(["CLOSE", id]);
        this.#drop(id);
        return { events, eose: message };
      } else if (message[0] === "CLOSED") {
        return { events, closed: message };
      }
    }
  }

  /** Ends the connection and waits until it has ended. */
  async close(code = 1000): Promise<Closed> {
    if (this.socket.readyState <= WebSocket.OPEN) this.socket.close(code);
    return await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #awaitOk(type: string, event: TestEvent, timeoutMs: number): Promise<OkMessage> {
    if (this.#ended) return Promise.reject(this.#endedError());
    const { promise, waiter } = this.#wait(() => true, timeoutMs, `publish event "${event.id}"`);
    const waiters = this.#publishers.get(event.id);
    if (waiters) waiters.push(waiter);
    else this.#publishers.set(event.id, [waiter]);
    this.send([type, event]);
    return promise as Promise<Message> as Promise<OkMessage>;
  }

  #wait(predicate: Waiter["predicate"], timeoutMs: number, what: string) {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const timer = setTimeout(() => {
      const held = this.inbox.slice(-5).map((message) => JSON.stringify(message).slice(0, 200)).join(" ");
      reject(
        new Error(`Cannot ${what}: none came within ${timeoutMs} ms; newest in the inbox: ${held || "none"}`),
      );
    }, timeoutMs);
    const waiter: Waiter = { predicate, resolve, reject };
    return { promise: promise.finally(() => clearTimeout(timer)), waiter };
  }

  #receive(data: unknown): void {
    const message = parse(data);
    if (message[0] === "OK") {
      const waiters = this.#publishers.get(message[1] as string);
      const first = waiters?.shift();
      if (waiters?.length === 0) this.#publishers.delete(message[1] as string);
      if (first) return first.resolve(message);
    }
    for (const waiter of this.#waiters) {
      if (!waiter.predicate(message)) continue;
      this.#waiters.delete(waiter);
      return waiter.resolve(message);
    }
    if (!this.#finished.has(message[1])) this.inbox.push(message);
  }

  /** Live events may have arrived behind the EOSE already, and may still come until the relay reads the CLOSE. */
  #drop(subscription: string): void {
    this.#finished.add(subscription);
    for (let i = this.inbox.length - 1; i >= 0; i--) {
      if (this.inbox[i]![1] === subscription) this.inbox.splice(i, 1);
    }
  }

  #endedError(): Error {
    return new Error(`Cannot receive message: connection closed with ${this.#ended?.code}`);
  }
}

/** What is not a JSON array becomes `["?", data]`, so that a test sees it. */
function parse(data: unknown): Message {
  try {
    const value: unknown = JSON.parse(data as string);
    if (Array.isArray(value)) return value as Message;
  } catch {
    // Falls through to the marked form.
  }
  return ["?", data];
}
