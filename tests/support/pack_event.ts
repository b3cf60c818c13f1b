/**
 * Events as the store takes them, without the way through sockets and verifiers.
 * Runs on a test's thread; each packed event has memory of its own.
 *
 * @module
 */
import type { NostrEvent } from "../../lib/nostr/event.ts";
import {
  createPackTarget,
  eventFacts,
  packedBytesMax,
  PackedEvent,
  packEvent,
} from "../../lib/nostr/packed_event.ts";

/** An event in its packed form; nothing about it is checked. */
export function packed(event: NostrEvent): PackedEvent {
  const facts = eventFacts(event);
  const target = createPackTarget(packedBytesMax(facts));
  packEvent(facts, Uint8Array.fromHex(event.id), target, 0);
  return new PackedEvent(target).at(0);
}
