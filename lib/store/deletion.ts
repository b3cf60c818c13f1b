/**
 * Which events a deletion request names (NIP-09).
 * Runs on any thread; no state.
 *
 * @module
 */
import { dValue, type NostrEvent } from "../nostr/event.ts";
import { kindClass } from "../nostr/kinds.ts";

/** The address of a replaceable or addressable event, or null for other kinds. */
export function addressOf(event: NostrEvent): { readonly d: string; readonly text: string } | null {
  const storage = kindClass(event.kind);
  if (storage !== "replaceable" && storage !== "addressable") return null;
  const d = storage === "addressable" ? dValue(event) : "";
  return { d, text: `${event.kind}:${event.pubkey}:${d}` };
}

/**
 * Whether `request` (kind 5) names `event` by `e`, or by `a` and the event is not newer than the request.
 * That both have one author is the caller's to check.
 */
export function deletionTargets(request: NostrEvent, event: NostrEvent): boolean {
  const address = addressOf(event);
  return request.tags.some((tag) =>
    (tag[0] === "e" && tag[1] === event.id) ||
    (tag[0] === "a" && address !== null && tag[1] === address.text && event.created_at <= request.created_at)
  );
}
