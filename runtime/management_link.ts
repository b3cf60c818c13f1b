/**
 * How a gateway reaches management: requests go to main by `postMessage`, answers come back as notices.
 * The gateway's thread owns it. Main outlives every gateway, so that each request is answered.
 *
 * @module
 */
import type { ManagementReply } from "../lib/management/rpc.ts";
import { report } from "./actor.ts";
import type { InviteAnswer } from "../wire/notices.ts";

/** Requests of one gateway that are not answered yet. */
export class ManagementLink {
  readonly #waiting = new Map<number, (reply: ManagementReply) => void>();
  readonly #invited = new Map<number, (answer: InviteAnswer) => void>();
  #lastNumber = 0;

  /** Passes on the body of a request of somebody who may ask. */
  ask(body: string): Promise<ManagementReply> {
    const { promise, resolve } = Promise.withResolvers<ManagementReply>();
    this.#waiting.set(++this.#lastNumber, resolve);
    report({ type: "manage", number: this.#lastNumber, body });
    return promise;
  }

  /** Asks for an invite code (NIP-43) for somebody who has proved these keys. */
  invite(keys: readonly string[]): Promise<InviteAnswer> {
    const { promise, resolve } = Promise.withResolvers<InviteAnswer>();
    this.#invited.set(++this.#lastNumber, resolve);
    report({ type: "invite", number: this.#lastNumber, keys });
    return promise;
  }

  /** Takes the answer. */
  invited(number: number, answer: InviteAnswer): void {
    this.#invited.get(number)?.(answer);
    this.#invited.delete(number);
  }

  /** Takes an answer. */
  answered(number: number, reply: ManagementReply): void {
    this.#waiting.get(number)?.(reply);
    this.#waiting.delete(number);
  }
}
