/**
 * Has what a socket is sent in one turn leave the machine together, where the engine writes each message by itself.
 * Runs on its gateway's thread; the kernel keeps the state with the socket.
 *
 * DESIGN: a write to a socket is cheap as long as nothing is sent: it is the segment, its way to the client and the
 * client's waking that cost. A socket that is _corked_ (`TCP_CORK`) takes writes and sends whole segments only. So a
 * socket is corked when a second message comes while the first still waits for its turn to be written, and uncorked
 * when all are written, or nothing more is. A lone message goes its way without any of this. Whatever goes wrong, the
 * kernel sends after 200 ms.
 *
 * Deno does not tell a socket's descriptor; the native library (`native/sockets.c`) finds it by the client's address.
 * Where there is no library, and where the descriptor is not found, messages are sent one by one.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type NativeLibrary, openNativeLibrary } from "../../../lib/native/library.ts";

/** A client's end of a connection. */
interface RemoteAddress {
  readonly hostname: string;
  readonly port: number;
}

/** The corks of one gateway; see the module's text. */
export class Corks {
  readonly #library: NativeLibrary;
  #corked: Cork[] = [];
  readonly #look = () => this.#lookAtAll();

  private constructor(library: NativeLibrary) {
    this.#library = library;
  }

  /** @param libraryPath The native library; null, or one that does not load: there are no corks. */
  static open(libraryPath: string | null): Corks | null {
    if (libraryPath === null) return null;
    try {
      return new Corks(openNativeLibrary(libraryPath));
    } catch {
      return null;
    }
  }

  /**
   * The cork of a connection, or null if its descriptor is not found.
   *
   * @param socket What the connection's messages go through.
   */
  claim(socket: WebSocket, remote: RemoteAddress, localPort: number): Cork | null {
    const ip = new TextEncoder().encode(`${remote.hostname}\0`);
    const fd = this.#library.symbols.sluice_claim_connection(ip, remote.port, localPort);
    return fd < 0 ? null : new Cork(this, socket, fd);
  }

  /** Nobody corks any more. */
  close(): void {
    this.#library.close();
  }

  release(fd: number): void {
    this.#library.symbols.sluice_release_connection(fd);
  }

  cork(cork: Cork): void {
    this.#library.symbols.sluice_cork_connection(cork.fd, 1);
    if (this.#corked.push(cork) === 1) setImmediate(this.#look);
  }

  #lookAtAll(): void {
    const corked = this.#corked;
    this.#corked = [];
    for (const cork of corked) {
      if (cork.isBeingWritten()) {
        if (this.#corked.push(cork) === 1) setImmediate(this.#look);
      } else {
        // Also where the connection has ended: its descriptor may have had another owner when it was corked.
        cork.isIn = false;
        this.#library.symbols.sluice_cork_connection(cork.fd, 0);
      }
    }
  }
}

/** One connection's. */
export class Cork {
  readonly #corks: Corks;
  readonly #socket: WebSocket;
  /** Whether the kernel holds back what is not a whole segment. */
  isIn = false;
  #isReleased = false;
  /** Bytes that waited when it was last looked at. */
  #waited = 0;

  constructor(corks: Corks, socket: WebSocket, readonly fd: number) {
    this.#corks = corks;
    this.#socket = socket;
  }

  /** To be called before each message. */
  gather(): void {
    if (this.isIn || this.#isReleased || this.#socket.bufferedAmount === 0) return;
    this.isIn = true;
    this.#waited = Infinity;
    this.#corks.cork(this);
  }

  /** Whether fewer bytes wait than before, but some. */
  isBeingWritten(): boolean {
    const waits = this.#socket.bufferedAmount;
    const isLess = waits > 0 && waits < this.#waited;
    this.#waited = waits;
    return isLess;
  }

  /** The connection has ended. */
  release(): void {
    this.#isReleased = true;
    this.#corks.release(this.fd);
  }
}
