/**
 * Events and senders for tests of engines that look at fields alone: nothing is signed.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import type { NostrEvent } from "../../lib/nostr/event.ts";
import type { PolicyContext } from "../../lib/policy/policy.ts";

/** The time of {@linkcode sender}'s events, seconds. */
export const NOW = 1_700_000_000;

/** A key of 64 equal hex digits. */
export function key(digit: string): string {
  return digit.repeat(64);
}

/** A note by `key("a")`, with other fields where given. */
export function plainEvent(fields: Partial<NostrEvent> = {}): NostrEvent {
  return {
    id: key("f"),
    pubkey: key("a"),
    created_at: NOW,
    kind: 1,
    tags: [],
    content: "",
    sig: "0".repeat(128),
    ...fields,
  };
}

/** A client on connection 1 that has proved these keys. */
export function sender(
  authenticated: readonly string[] = [],
  fields: Partial<PolicyContext> = {},
): PolicyContext {
  return {
    nowSeconds: NOW,
    authenticated: new Set(authenticated),
    ip: "192.0.2.1",
    connection: 1,
    ...fields,
  };
}
