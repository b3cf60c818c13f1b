/**
 * The check of one event on its own: its id and its signature (NIP-01). Many events are `EventIntake`'s.
 * Runs on the thread that owns the verifier; no state.
 *
 * @module
 */
import { eventParts, idText, idTextVerbatim, type NostrEvent } from "../nostr/event.ts";
import { ITEM_BYTES, type SignatureVerifier } from "./verifier.ts";

const encoder = new TextEncoder();

/** What is wrong with the id or the signature of an event whose shape is right, or null. */
export function eventFault(event: NostrEvent, verifier: SignatureVerifier): string | null {
  const text = idText(event, eventParts(event));
  const verbatim = idTextVerbatim(text);
  const hasId = idOf(text, verifier) === event.id ||
    (verbatim !== null && idOf(verbatim, verifier) === event.id);
  if (!hasId) return "the id is not the hash of the event";
  const item = new Uint8Array(ITEM_BYTES);
  item.setFromHex(event.id + event.pubkey + event.sig);
  const verdict = new Uint8Array(1);
  verifier.verify(item, 1, verdict);
  return verdict[0] === 1 ? null : "the signature does not verify";
}

function idOf(text: string, verifier: SignatureVerifier): string {
  const bytes = encoder.encode(text);
  const digest = new Uint8Array(32);
  verifier.hash(bytes, Uint32Array.of(0, bytes.length), 1, digest);
  return digest.toHex();
}
