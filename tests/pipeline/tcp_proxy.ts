/**
 * A TCP proxy in front of a real service, so that a test decides when the service is away, and what gets lost.
 * Runs on a test's thread; a proxy belongs to the test that made it.
 *
 * @module
 */

/** What a proxy does with connections: pass them on, refuse them, or take them and stay silent. */
type ProxyMode = "pass" | "refuse" | "stall";

/** Looks at what passes. `true` keeps it from passing; the connection stays open. */
type Inspect = (direction: "request" | "answer", bytes: Uint8Array) => boolean;

/** See the module's text. `await using` ends it. */
export class TcpProxy implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  inspect: Inspect = () => false;
  /** Connections that were opened. */
  accepted = 0;
  #mode: ProxyMode = "pass";
  readonly #target: URL;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.Conn>();
  readonly #pumps = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  /** @param target The service, e.g. `http://127.0.0.1:9200`. */
  constructor(target: string, port = 0) {
    this.#target = new URL(target);
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.port = this.#listener.addr.port;
    this.url = `http://127.0.0.1:${this.port}`;
    this.#accepting = this.#accept();
  }

  /** Changes the mode; every open connection breaks. */
  set mode(mode: ProxyMode) {
    this.#mode = mode;
    this.breakAll();
  }

  breakAll(): void {
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.breakAll();
    await this.#accepting;
    while (this.#pumps.size > 0) await Promise.all(this.#pumps);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.accepted++;
      if (this.#mode === "refuse") close(connection);
      else this.#track(this.#serve(connection));
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    if (this.#mode === "stall") return;
    try {
      const service = await Deno.connect({
        hostname: this.#target.hostname,
        port: Number(this.#target.port),
      });
      if (!this.#open.has(client)) return close(service);
      this.#open.add(service);
      this.#track(this.#pump(service, client, "answer"));
      await this.#pump(client, service, "request");
    } catch {
      close(client);
    }
  }

  async #pump(from: Deno.Conn, to: Deno.Conn, direction: "request" | "answer"): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      while (true) {
        const bytes = await from.read(buffer);
        if (bytes === null) break;
        const chunk = buffer.subarray(0, bytes);
        if (this.inspect(direction, chunk)) continue;
        for (let at = 0; at < chunk.length;) at += await to.write(chunk.subarray(at));
      }
    } catch {
      // Either side is gone; so is the other, below.
    }
    close(from);
    close(to);
    this.#open.delete(from);
    this.#open.delete(to);
  }

  #track(work: Promise<void>): void {
    this.#pumps.add(work);
    work.finally(() => this.#pumps.delete(work));
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed already.
  }
}
