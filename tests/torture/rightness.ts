/**
 * Which events are right, decided by nostr-tools, which shares no code with the relay: their shape, the text that is
 * hashed, the signature. It takes a millisecond to verify one. So a signature that this process made itself counts as
 * right, for the id and the key that it was made for; nostr-tools verifies one in a hundred of those, and all others.
 *
 * Belongs to the fuzzer that asks; runs on its thread.
 *
 * @module
 */
import { hash } from "node:crypto";
import { serializeEvent, validateEvent, verifyEvent } from "nostr-tools/pure";
import type { TestEvent } from "../support/sign.ts";

/** Of the signatures that were made here, one in so many is verified all the same. */
const VERIFIED_ONE_IN = 100;

/** See the module's text. */
export class RightEvents {
  readonly #kept = new Set<string>();
  #recent = new Set<string>();
  #asked = 0;

  /** A signature was made for this id and key; whether the id is that of the event does not matter. */
  signed(event: TestEvent): void {
    this.#recent.add(tripleOf(event));
  }

  /** The same, never forgotten. */
  keep(event: TestEvent): void {
    this.#kept.add(tripleOf(event));
  }

  /** What was signed and is not kept will not be asked for again. */
  forget(): void {
    this.#recent = new Set();
  }

  /** Whether an event is one by NIP-01: its shape, its id, its signature. */
  isRight(event: TestEvent): boolean {
    if (!validateEvent(event) || hash("sha256", serializeEvent(event), "hex") !== event.id) return false;
    const triple = tripleOf(event);
    const isOurs = this.#kept.has(triple) || this.#recent.has(triple);
    return isOurs && ++this.#asked % VERIFIED_ONE_IN !== 0 || isRightFor(event);
  }
}

function tripleOf({ id, pubkey, sig }: TestEvent): string {
  return `${id}${pubkey}${sig}`;
}

/** By nostr-tools alone. It remembers its verdict in the object, so it gets one of its own. */
export function isRightFor(event: TestEvent): boolean {
  try {
    const { id, pubkey, created_at, kind, tags, content, sig } = event;
    return verifyEvent({ id, pubkey, created_at, kind, tags, content, sig });
  } catch {
    return false;
  }
}
