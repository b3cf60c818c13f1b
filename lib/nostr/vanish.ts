/**
 * What a request to vanish asks of a relay (NIP-62), and which events it takes with it.
 * Runs on any thread; no state.
 *
 * @module
 */
import type { NostrEvent } from "./event.ts";
import { KIND_GIFT_WRAP, KIND_VANISH } from "./kinds.ts";
import { normalRelayUrl } from "./relay_url.ts";

/** The `relay` value that speaks to every relay. */
const ALL_RELAYS = "ALL_RELAYS";

/** Whether a request (kind 62) speaks to the relay with these URLs, by one of them or to all relays. */
export function asksUsToVanish(request: NostrEvent, ownUrls: readonly string[]): boolean {
  return request.tags.some(([name, value]) =>
    name === "relay" && value !== undefined &&
    (value === ALL_RELAYS || ownUrls.some((own) => normalRelayUrl(own) === normalRelayUrl(value)))
  );
}

/** What is wrong with a request, or null: one that names no relay asks nothing of anybody. */
export function vanishFault(event: NostrEvent): string | null {
  if (event.kind !== KIND_VANISH || event.tags.some(([name, value]) => name === "relay" && value)) {
    return null;
  }
  return "a request to vanish names a relay, or ALL_RELAYS, in a relay tag";
}

/**
 * The keys whose request takes an event with it: its author's, and that of whoever a gift wrap is for. Requests
 * themselves stay, as the proof of what was asked.
 */
export function vanishingKeys(event: Pick<NostrEvent, "kind" | "pubkey" | "tags">): readonly string[] {
  if (event.kind === KIND_VANISH) return [];
  if (event.kind !== KIND_GIFT_WRAP) return [event.pubkey];
  const recipients = event.tags.filter(([name, value]) => name === "p" && value !== undefined);
  return [event.pubkey, ...recipients.map((tag) => tag[1]!)];
}
