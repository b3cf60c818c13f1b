/**
 * What the relay tells a service manager: datagrams to `NOTIFY_SOCKET`, as sd_notify(3) says. systemd learns from them
 * when the relay serves, that another process takes over, that it stops, and that it still turns.
 * Runs on the main thread, which owns the socket.
 *
 * @module
 */
import type { Logger } from "./logger.ts";

/** What can be told. */
type ServiceNotice = "READY=1" | "RELOADING=1" | "STOPPING=1" | "WATCHDOG=1";

/** See the module's text. */
export class ServiceNotices {
  readonly #socket: Deno.DatagramConn | null;
  readonly #to: Deno.UnixAddr;
  readonly #log: Logger;

  /**
   * @param path `NOTIFY_SOCKET`; undefined: nobody listens, and notices go nowhere.
   * @param ownPath A name in a directory that may be written; it is gone again when this returns.
   */
  constructor(path: string | undefined, ownPath: string, log: Logger) {
    this.#log = log;
    this.#to = { transport: "unixpacket", path: path ?? "" };
    this.#socket = path === undefined ? null : this.#open(ownPath);
  }

  /** Resolves when it was told; never rejects. */
  async tell(notice: ServiceNotice): Promise<void> {
    try {
      await this.#socket?.send(new TextEncoder().encode(notice), this.#to);
    } catch (error) {
      this.#log.warn(`the service was not said to be ${notice}: ${(error as Error).message}`);
    }
  }

  /**
   * Tells twice in the manager's interval that this thread still turns.
   *
   * @param intervalUs `WATCHDOG_USEC`, µs; undefined: nobody waits for it.
   */
  keepTelling(intervalUs: string | undefined): void {
    const us = Number(intervalUs ?? 0);
    if (this.#socket !== null && us > 0) setInterval(() => this.tell("WATCHDOG=1"), us / 2_000);
  }

  #open(ownPath: string): Deno.DatagramConn | null {
    if (!this.#to.path.startsWith("/")) {
      this.#log.warn(`NOTIFY_SOCKET "${this.#to.path}" is no path: the service manager is told nothing`);
      return null;
    }
    try {
      Deno.removeSync(ownPath);
    } catch {
      // Only a process that died within the next two lines leaves it behind.
    }
    const socket = Deno.listenDatagram({ transport: "unixpacket", path: ownPath });
    // A socket sends without its name.
    Deno.removeSync(ownPath);
    return socket;
  }
}
