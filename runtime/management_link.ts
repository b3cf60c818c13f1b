/**
 * How a gateway asks management: by a port, which main makes anew whenever management is started.
 * The gateway's thread owns it. What a management that died has not answered is answered here with an error, for nobody
 * knows whether it was done.
 *
 * @module
 */
import type { ManagementReply } from "../lib/management/rpc.ts";
import type { InviteAnswer, ManagementAnswer, ManagementRequest } from "../wire/management_requests.ts";
import { OpenQuestions } from "./open_questions.ts";

const LOST_REPLY: ManagementReply = {
  status: 200,
  body: JSON.stringify({ error: "Cannot answer: management was started again, look whether it was done" }),
  method: null,
};
const LOST_INVITE: InviteAnswer = { refusal: "error: the relay could not decide, try again later" };

/** Requests of one gateway; see the module's text. */
export class ManagementLink {
  readonly #questions = new OpenQuestions<ManagementReply | InviteAnswer>();
  #port: MessagePort | null = null;

  /** Management was started, or started again, and this port leads to it. */
  connect(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    port.onmessage = ({ data }) => {
      const { number, answer } = data as ManagementAnswer;
      this.#questions.settle(number, answer);
    };
    this.#questions.loseAll();
  }

  /** Passes on the body of a request of somebody who may ask. */
  async ask(body: string): Promise<ManagementReply> {
    const { number, answer } = this.#questions.open(LOST_REPLY);
    this.#post({ type: "manage", number, body });
    return await answer as ManagementReply;
  }

  /** Asks for an invite code (NIP-43) for somebody who has proved these keys. */
  async invite(keys: readonly string[]): Promise<InviteAnswer> {
    const { number, answer } = this.#questions.open(LOST_INVITE);
    this.#post({ type: "invite", number, keys });
    return await answer as InviteAnswer;
  }

  #post(request: ManagementRequest): void {
    this.#port?.postMessage(request);
  }
}
