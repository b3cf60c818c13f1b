/**
 * What gateways ask of management by their ports, and what it answers. By `postMessage`: all of it is rare.
 * Each request has a number that its gateway has chosen, and its answer carries it.
 *
 * @module
 */
import type { ManagementReply } from "../lib/management/rpc.ts";

/** What is asked. */
export type ManagementRequest =
  /** The body of a request of somebody who may manage the relay (NIP-86). */
  | { readonly type: "manage"; readonly number: number; readonly body: string }
  /** An invite code (NIP-43) for somebody who has proved these keys. */
  | { readonly type: "invite"; readonly number: number; readonly keys: readonly string[] };

/** The answer to the request with this number. */
export interface ManagementAnswer {
  readonly number: number;
  readonly answer: ManagementReply | InviteAnswer;
}

/** The text of the event with the code, or why there is none: the message of a CLOSED. */
export type InviteAnswer = { readonly event: string } | { readonly refusal: string };
