/**
 * How a gateway reaches management: requests go to main by `postMessage`, answers come back as notices.
 * The gateway's thread owns it. Main outlives every gateway, so that each request is answered.
 *
 * @module
 */
import type { Config } from "../../lib/config.ts";
import type { ManagementReply } from "../../lib/management/rpc.ts";
import { report } from "../actor.ts";

/** Requests of one gateway that are not answered yet. */
export class ManagementLink {
  readonly #waiting = new Map<number, (reply: ManagementReply) => void>();
  #lastNumber = 0;

  /** Passes on the body of a request of somebody who may ask. */
  ask(body: string): Promise<ManagementReply> {
    const { promise, resolve } = Promise.withResolvers<ManagementReply>();
    this.#waiting.set(++this.#lastNumber, resolve);
    report({ type: "manage", number: this.#lastNumber, body });
    return promise;
  }

  /** Takes an answer. */
  answered(number: number, reply: ManagementReply): void {
    this.#waiting.get(number)?.(reply);
    this.#waiting.delete(number);
  }
}

/** The keys that may manage: the operator's own, and those of `RELAY_ADMINS`. */
export function adminsOf(config: Config): ReadonlySet<string> {
  const operator = config.RELAY_PUBKEY === null ? [] : [config.RELAY_PUBKEY];
  return new Set([...operator, ...config.RELAY_ADMINS ?? []]);
}
