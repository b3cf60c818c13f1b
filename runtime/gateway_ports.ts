/**
 * An actor's ports to the gateways: what they ask goes to its pages and its sockets. A port that comes before the actor is
 * ready keeps what it brings until then.
 * The actor's thread owns it.
 *
 * @example A worker
 * ```ts ignore
 * const ports = new GatewayPorts();
 * onStart((start) => {
 *   ports.open({ pages: new PageServer([…], failed), sockets: new PipedSockets({…}) });
 *   report({ type: "ready", facts: {} });
 * }, (notice) => {
 *   if (notice.type === "port") ports.connect(notice);
 * });
 * ```
 *
 * @module
 */
import type { PageAsked } from "../wire/pages.ts";
import type { SocketNotice } from "../wire/piped_sockets.ts";
import type { PortNotice } from "./actor.ts";
import type { PageServer } from "./page_server.ts";
import type { PipedSockets } from "./piped_sockets.ts";

/** Who answers. */
interface PortAnswers {
  readonly pages: PageServer;
  /** Null: the actor serves no sockets. */
  readonly sockets: PipedSockets | null;
}

/** See the module's text. */
export class GatewayPorts {
  /** `[gateway]` */
  readonly #ports: (MessagePort | undefined)[] = [];
  #answers: PortAnswers | null = null;

  /** From now on these answer. */
  open(answers: PortAnswers): void {
    this.#answers = answers;
    for (const port of this.#ports) if (port !== undefined) this.#listen(port, answers);
  }

  /** A gateway was started; the port of the one before it leads nowhere. */
  connect({ index, port }: Pick<PortNotice, "index" | "port">): void {
    const before = this.#ports[index];
    this.#ports[index] = port;
    if (this.#answers !== null) this.#listen(port, this.#answers);
    if (before === undefined) return;
    before.close();
    this.#answers?.sockets?.lost(before);
  }

  /** Answers nothing more. */
  close(): void {
    for (const port of this.#ports) port?.close();
  }

  #listen(port: MessagePort, { pages, sockets }: PortAnswers): void {
    port.onmessage = ({ data }) => {
      const message = data as PageAsked | SocketNotice;
      if (message.type === "page") pages.receive(port, message);
      else sockets?.receive(port, message);
    };
  }
}
