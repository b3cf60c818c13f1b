/**
 * Which events a deletion request names (NIP-09).
 * Runs on any thread; no state.
 *
 * @module
 */
import { dValue, isHex64, type NostrEvent } from "../../nostr/event.ts";
import { KIND_GIFT_WRAP, kindClass } from "../../nostr/kinds.ts";

/** The address of a replaceable or addressable event, or null for other kinds. */
export function addressOf(event: NostrEvent): { readonly d: string; readonly text: string } | null {
  const storage = kindClass(event.kind);
  if (storage !== "replaceable" && storage !== "addressable") return null;
  const d = storage === "addressable" ? dValue(event) : "";
  return { d, text: `${event.kind}:${event.pubkey}:${d}` };
}

/**
 * The keys that may delete an event: its author (NIP-09), and the recipients of a gift wrap, whose author has thrown the
 * key away (NIP-59).
 */
export function deletersOf(event: NostrEvent): string[] {
  if (event.kind !== KIND_GIFT_WRAP) return [event.pubkey];
  const recipients = event.tags.flatMap((tag) => tag[0] === "p" && isHex64(tag[1]) ? [tag[1]] : []);
  return [event.pubkey, ...new Set(recipients)];
}

/**
 * Whether `request` (kind 5) names `event` by `e`, or by `a` and the event is not newer than the request.
 * That its author may ({@linkcode deletersOf}) is the caller's to check.
 */
export function deletionTargets(request: NostrEvent, event: NostrEvent): boolean {
  const address = addressOf(event);
  return request.tags.some((tag) =>
    (tag[0] === "e" && tag[1] === event.id) ||
    (tag[0] === "a" && address !== null && tag[1] === address.text && event.created_at <= request.created_at)
  );
}
