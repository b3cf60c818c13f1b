/**
 * `FORWARD_TCP_PORT`: whoever connects says in one line what it wants, `{"after":SEQ,"filter":{…},"token":"…"}`, or
 * nothing, and gets events, one a line. Connections from this machine are served; others need `API_TOKEN`.
 * Runs on the router's thread, which owns it.
 *
 * @module
 */
import { ConsumerRequestError, readLineRequest } from "../../lib/forward/consumer_request.ts";
import { hasSameSecret } from "../../lib/nostr/same_secret.ts";
import {
  FORWARD_HELLO_BYTES_MAX,
  FORWARD_HELLO_MS_MAX,
  FORWARD_STRANGERS_MAX,
  LISTEN_AGAIN_MS,
} from "../../lib/limits.ts";
import { linesOf, LineTooLongError } from "../../lib/lines.ts";
import { Consumer, type ConsumerReport } from "./consumer.ts";
import { ConsumerRoom } from "./consumer_room.ts";
import type { LogFeed } from "./log_feed.ts";
import { chunksOf, closeQuietly, writeLines } from "./tcp_stream.ts";

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/** Whether an address is this machine's own, which no token is asked of. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address);
}

/** What it works with. */
interface TcpPortParts {
  readonly hostname: string;
  readonly port: number;
  /** `API_TOKEN`; null: nobody from elsewhere is served. */
  readonly token: string | null;
  /** Whether who connects from an address is served without a token. */
  readonly isLocal: (address: string) => boolean;
  readonly feed: LogFeed;
  /** So many events were delivered. */
  readonly delivered: (events: number) => void;
}

/** See the module's text. */
export class TcpPort {
  readonly #parts: TcpPortParts;
  readonly #listener: Deno.TcpListener;
  readonly #room = new ConsumerRoom("tcp");
  readonly #open = new Map<Deno.TcpConn, AbortController>();
  #strangers = 0;

  /** @throws {Error} if the port is taken. */
  constructor(parts: TcpPortParts) {
    this.#parts = parts;
    // A relay that takes over listens beside the one that ends.
    this.#listener = Deno.listen({ hostname: parts.hostname, port: parts.port, reusePort: true });
  }

  /** Events that wait for its consumers. */
  get waiting(): number {
    return this.#room.waiting;
  }

  /** How many there are. */
  get size(): number {
    return this.#room.size;
  }

  /** As `GET /api/forward` shows them. */
  report(most: number): ConsumerReport[] {
    return this.#room.report(most);
  }

  /** Serves until it is closed. */
  async run(): Promise<void> {
    const serving = new Set<Promise<void>>();
    for (let connection; (connection = await this.#accept()) !== null;) {
      const served = this.#serve(connection).finally(() => serving.delete(served));
      serving.add(served);
    }
    await Promise.all(serving);
  }

  /** Ends all connections. */
  close(): void {
    closeQuietly(this.#listener);
    for (const [connection, end] of this.#open) {
      end.abort();
      closeQuietly(connection);
    }
  }

  /** The next connection; null: the port was closed. */
  async #accept(): Promise<Deno.TcpConn | null> {
    while (true) {
      try {
        return await this.#listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return null;
        // No descriptor is left for one more, or the peer was gone before its turn.
        await new Promise((resolve) => setTimeout(resolve, LISTEN_AGAIN_MS));
      }
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const end = new AbortController();
    this.#open.set(connection, end);
    try {
      const refusal = await this.#answer(connection, end);
      if (refusal !== null) await writeLines(connection, [JSON.stringify({ error: refusal })]);
    } catch {
      // The peer is gone, or reads no answer.
    } finally {
      end.abort();
      this.#open.delete(connection);
      closeQuietly(connection);
    }
  }

  /** Serves a connection until its end. Returns why it is not served, or not any longer, or null. */
  async #answer(connection: Deno.TcpConn, end: AbortController): Promise<string | null> {
    const { feed, token, delivered } = this.#parts;
    const start = feed.end;
    const { hostname } = connection.remoteAddr;
    const isStranger = !this.#parts.isLocal(hostname);
    if (isStranger && token === null) return "Cannot serve consumer: it needs API_TOKEN, which is not set";
    connection.setKeepAlive(true);
    const lines = linesOf(chunksOf(connection), { bytesMax: FORWARD_HELLO_BYTES_MAX });
    try {
      const first = lines.next();
      // Who is refused before it has said anything leaves a read that ends with its connection, and that nobody awaits.
      first.catch(() => {});
      const line = await this.#firstLine(first, isStranger);
      const request = readLineRequest(line ?? "");
      if (isStranger && !hasSameSecret(request.token ?? "", token!)) {
        return "Cannot serve consumer: the line names no valid token";
      }
      const consumer = new Consumer(request, feed, start);
      const full = this.#room.enter(consumer, hostname);
      if (full !== null) return full;
      const sink = {
        ended: end.signal,
        send: async (texts: readonly string[]) => void await writeLines(connection, texts),
      };
      this.#refuseFurther(line === null ? first : lines.next(), connection);
      await consumer.run(sink, delivered).finally(() => this.#room.leave(consumer));
      return null;
    } catch (error) {
      if (error instanceof ConsumerRequestError || error instanceof LineTooLongError) return error.message;
      throw error;
    }
  }

  /** What it wants; null: it has said nothing within the time, and gets new events. */
  async #firstLine(first: Promise<IteratorResult<string>>, isStranger: boolean): Promise<string | null> {
    if (isStranger && this.#strangers >= FORWARD_STRANGERS_MAX) {
      throw new ConsumerRequestError("Cannot serve consumer: too many wait to be served");
    }
    if (isStranger) this.#strangers++;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) =>
      timer = setTimeout(() => resolve(null), FORWARD_HELLO_MS_MAX)
    );
    try {
      return await Promise.race([first.then(({ value }) => value as string ?? ""), late]);
    } finally {
      clearTimeout(timer);
      if (isStranger) this.#strangers--;
    }
  }

  /** Nobody has anything to say after the first line: what comes ends the connection, its own end does not. */
  async #refuseFurther(next: Promise<IteratorResult<string>>, connection: Deno.TcpConn): Promise<void> {
    try {
      if ((await next).done) return;
    } catch {
      // The connection is broken, or the line is too long.
    }
    this.#open.get(connection)?.abort();
    closeQuietly(connection);
  }
}
