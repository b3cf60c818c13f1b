/**
 * What the relay says (NIP-01, NIP-42, NIP-45, NIP-67), as texts.
 * Runs on any thread; no state.
 *
 * @module
 */

/** The beginning of every EVENT of a subscription; the event's text and `]` complete it. */
export function eventPrefix(subscriptionId: string): string {
  return `["EVENT",${JSON.stringify(subscriptionId)},`;
}

/** What an EOSE says of the stored events (NIP-67): all were sent, or more are held; null: that is not known. */
export type Completeness = "finish" | "more" | null;

/** The stored part of a subscription has ended. */
export function eoseText(subscriptionId: string, completeness: Completeness): string {
  const hints = completeness === null ? "" : `"${completeness}"`;
  return `["EOSE",${JSON.stringify(subscriptionId)},[${hints}]]`;
}

/** The answer to an EVENT. `message` begins with a prefix where `accepted` is false. */
export function okText(id: string, accepted: boolean, message: string): string {
  return `["OK",${JSON.stringify(id)},${accepted},${JSON.stringify(message)}]`;
}

/** The subscription was refused, or ended by the relay. `message` begins with a prefix. */
export function closedText(subscriptionId: string, message: string): string {
  return `["CLOSED",${JSON.stringify(subscriptionId)},${JSON.stringify(message)}]`;
}

/** Something about the connection as a whole, for a human. */
export function noticeText(message: string): string {
  return `["NOTICE",${JSON.stringify(message)}]`;
}

/** The answer to a COUNT. `approximate` is said only where it is true, `hll` (512 hex characters) where there is one. */
export function countText(
  subscriptionId: string,
  { count, approximate, hll }: { count: number; approximate: boolean; hll: string | null },
): string {
  const flag = approximate ? ',"approximate":true' : "";
  const registers = hll === null ? "" : `,"hll":"${hll}"`;
  return `["COUNT",${JSON.stringify(subscriptionId)},{"count":${count}${flag}${registers}}]`;
}

/** What the client has to sign to prove a key (NIP-42). */
export function authText(challenge: string): string {
  return `["AUTH",${JSON.stringify(challenge)}]`;
}
