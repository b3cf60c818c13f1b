/**
 * What crosses between main, which decides who is a member (NIP-43), and the threads where members are met: requests
 * from the store, invite codes for gateways, the relay's own events for control. By `postMessage`: all of it is rare.
 *
 * @module
 */
import type { MemberAnswer } from "../lib/management/membership.ts";

/** A verified event of kind 28934 or 28936, from the store; the answer goes to the gateway that it came from. */
export interface MemberRequest {
  readonly type: "member-request";
  /** The event. */
  readonly text: string;
  /** The gateway. */
  readonly gateway: number;
  /** Which life of the gateway. */
  readonly epoch: number;
  readonly connection: number;
  readonly receivedAtMs: number;
}

/** The answer, to the gateway. */
export interface MemberNotice extends Omit<MemberRequest, "type" | "text" | "gateway">, MemberAnswer {
  readonly type: "member-answer";
  /** Of the event, hex. */
  readonly id: string;
}

/** The text of the event with the code, or why there is none: the message of a CLOSED. */
export type InviteAnswer = { readonly event: string } | { readonly refusal: string };

/** Main to control: events that the relay itself has signed. */
export interface PublishNotice {
  readonly type: "publish";
  readonly events: readonly string[];
}
