/**
 * A link to a relay that a test can cut and mend: a TCP proxy in front of it. While it is cut, connections break and new
 * ones are closed at once.
 * Runs on a test's thread; a link belongs to the test that made it.
 *
 * @module
 */

/** See the module's text. */
export class CuttableLink implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: { readonly hostname: string; readonly port: number };
  readonly #open = new Set<Deno.Conn>();
  readonly #accepting: Promise<void>;
  #isCut = false;

  /** @param url Of the relay: `ws://127.0.0.1:PORT`. */
  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#target = { hostname, port: Number(port) };
    this.#accepting = this.#accept();
  }

  /** The URL of the relay by way of this link. */
  get url(): string {
    return `ws://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const connection of this.#open) close(connection);
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const ends: Promise<void>[] = [];
    for await (const near of this.#listener) {
      if (this.#isCut) close(near);
      else ends.push(this.#join(near));
    }
    await Promise.all(ends);
  }

  async #join(near: Deno.Conn): Promise<void> {
    this.#open.add(near);
    let far: Deno.Conn | null = null;
    try {
      far = await Deno.connect(this.#target);
      this.#open.add(far);
      if (this.#isCut) return;
      await Promise.race([pass(near, far), pass(far, near)]);
    } catch {
      // Whoever is cut off finds out by itself.
    } finally {
      for (const end of [near, far]) {
        if (end === null) continue;
        this.#open.delete(end);
        close(end);
      }
    }
  }
}

async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const room = new Uint8Array(64 * 1024);
  for (let bytes = await from.read(room); bytes !== null; bytes = await from.read(room)) {
    for (let sent = 0; sent < bytes;) sent += await to.write(room.subarray(sent, bytes));
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed before.
  }
}
