/**
 * How a gateway asks management: by a port, which main makes anew whenever management is started.
 * The gateway's thread owns it. What a management that died has not answered is answered here with an error, for nobody
 * knows whether it was done.
 *
 * @module
 */
import type { ManagementReply } from "../lib/management/rpc.ts";
import type { InviteAnswer, ManagementAnswer, ManagementRequest } from "../wire/management_requests.ts";

const LOST_REPLY: ManagementReply = {
  status: 200,
  body: JSON.stringify({ error: "Cannot answer: management was started again, look whether it was done" }),
  method: null,
};
const LOST_INVITE: InviteAnswer = { refusal: "error: the relay could not decide, try again later" };

/** A request that is not answered yet. */
interface Waiting {
  readonly resolve: (answer: ManagementReply | InviteAnswer) => void;
  readonly lost: ManagementReply | InviteAnswer;
}

/** Requests of one gateway; see the module's text. */
export class ManagementLink {
  readonly #waiting = new Map<number, Waiting>();
  #port: MessagePort | null = null;
  #lastNumber = 0;

  /** Management was started, or started again, and this port leads to it. */
  connect(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    port.onmessage = ({ data }) => this.#receive(data as ManagementAnswer);
    for (const [number, { lost }] of [...this.#waiting]) this.#receive({ number, answer: lost });
  }

  /** Passes on the body of a request of somebody who may ask. */
  async ask(body: string): Promise<ManagementReply> {
    return await this.#ask(
      { type: "manage", number: ++this.#lastNumber, body },
      LOST_REPLY,
    ) as ManagementReply;
  }

  /** Asks for an invite code (NIP-43) for somebody who has proved these keys. */
  async invite(keys: readonly string[]): Promise<InviteAnswer> {
    return await this.#ask({ type: "invite", number: ++this.#lastNumber, keys }, LOST_INVITE) as InviteAnswer;
  }

  #ask(request: ManagementRequest, lost: Waiting["lost"]): Promise<ManagementReply | InviteAnswer> {
    const { promise, resolve } = Promise.withResolvers<ManagementReply | InviteAnswer>();
    this.#waiting.set(request.number, { resolve, lost });
    this.#port?.postMessage(request);
    return promise;
  }

  #receive({ number, answer }: ManagementAnswer): void {
    this.#waiting.get(number)?.resolve(answer);
    this.#waiting.delete(number);
  }
}
