/**
 * A peer of a TCP connection that carries lines of JSON, for tests: the side that listens, or the one that connects.
 * Runs on the test's thread; belongs to the test that made it.
 *
 * @module
 */
import type { TestEvent } from "../support/sign.ts";

/** A line as the router writes it. */
interface Line {
  readonly seq: number;
  readonly event: TestEvent;
  readonly error?: string;
}

const encoder = new TextEncoder();

/** One connection, whose lines are kept. */
class LinePeer implements AsyncDisposable {
  readonly lines: Line[] = [];
  readonly #connection: Deno.Conn;
  readonly #reading: Promise<void>;
  isEnded = false;

  constructor(connection: Deno.Conn, onLine: (line: Line, peer: LinePeer) => void = () => {}) {
    this.#connection = connection;
    this.#reading = this.#read(onLine);
  }

  /** Ids of the events that came, repeats included. */
  get ids(): string[] {
    return this.lines.map(({ event }) => event.id);
  }

  async send(value: unknown): Promise<void> {
    await this.#connection.write(encoder.encode(JSON.stringify(value) + "\n"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#connection.close();
    } catch {
      // The other side has closed it.
    }
    await this.#reading;
  }

  async #read(onLine: (line: Line, peer: LinePeer) => void): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(64 * 1024);
    try {
      for (let bytes; (bytes = await this.#connection.read(chunk)) !== null;) {
        const parts = (rest + decoder.decode(chunk.subarray(0, bytes), { stream: true })).split("\n");
        rest = parts.pop()!;
        for (const part of parts) {
          const line = JSON.parse(part) as Line;
          this.lines.push(line);
          onLine(line, this);
        }
      }
    } catch {
      // It was closed.
    }
    this.isEnded = true;
  }
}

/** Connects to a port of this machine. */
export async function connectLines(port: number): Promise<LinePeer> {
  return new LinePeer(await Deno.connect({ hostname: "127.0.0.1", port }));
}

/** A target that listens. It can acknowledge every so many events. */
export class LineTarget implements AsyncDisposable {
  readonly port: number;
  readonly peers: LinePeer[] = [];
  readonly #acknowledgesEvery: number;
  #listener: Deno.TcpListener | null = null;
  #accepting: Promise<void> = Promise.resolve();

  constructor(port: number, acknowledgesEvery = Infinity) {
    this.port = port;
    this.#acknowledgesEvery = acknowledgesEvery;
    this.start();
  }

  /** Ids of the events of all connections in the order of arrival, repeats included. */
  get ids(): string[] {
    return this.peers.flatMap(({ ids }) => ids);
  }

  start(): void {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
    this.#accepting = this.#accept(this.#listener);
  }

  async stop(): Promise<void> {
    this.#listener?.close();
    this.#listener = null;
    await this.#accepting;
    for (const peer of this.peers) await peer[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    for await (const connection of listener) {
      this.peers.push(
        new LinePeer(connection, ({ seq }, peer) => {
          if (peer.lines.length % this.#acknowledgesEvery === 0) peer.send({ ack: seq }).catch(() => {});
        }),
      );
    }
  }
}
