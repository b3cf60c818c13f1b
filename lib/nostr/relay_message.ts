/**
 * What the relay says (NIP-01, NIP-42, NIP-45), as texts.
 * Runs on any thread; no state.
 *
 * @module
 */

/** The beginning of every EVENT of a subscription; the event's text and `]` complete it. */
export function eventPrefix(subscriptionId: string): string {
  return `["EVENT",${JSON.stringify(subscriptionId)},`;
}

/** Every stored event was sent. */
export function eoseText(subscriptionId: string): string {
  return `["EOSE",${JSON.stringify(subscriptionId)}]`;
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

/** The answer to a COUNT. `approximate` is said only where it is true. */
export function countText(subscriptionId: string, count: number, approximate: boolean): string {
  const flag = approximate ? ',"approximate":true' : "";
  return `["COUNT",${JSON.stringify(subscriptionId)},{"count":${count}${flag}}]`;
}

/** What the client has to sign to prove a key (NIP-42). */
export function authText(challenge: string): string {
  return `["AUTH",${JSON.stringify(challenge)}]`;
}
