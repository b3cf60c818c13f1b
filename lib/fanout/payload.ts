/**
 * A signal as its followers get it: what all of them share is prepared once, and each payload is encrypted for one
 * follower.
 *
 * The plain text is the event's content. A bot that wants only its followers to read it encrypts it to the relay's key by
 * NIP-44 or NIP-04; such content is decrypted first.
 * Belongs to the thread of the fan-out. The caller brings the random bytes.
 *
 * @module
 */
import type { ECDH } from "node:crypto";
import { NIP44_TEXT_BYTES_MAX } from "../limits.ts";
import type { NostrEvent } from "../nostr/event.ts";
import { decryptNip04, looksLikeNip04 } from "./nip04.ts";
import {
  type ConversationKey,
  conversationKey,
  decrypt,
  encryptPadded,
  NIP44_NONCE_BYTES,
  padded,
} from "./nip44.ts";
import { encryptBySecret, SECRET_NONCE_BYTES } from "./shared_secret.ts";

/** How a payload is encrypted: by the shared secret, or to the follower's key. */
export const ENCRYPTIONS = ["chacha20poly1305", "nip44"] as const;
/** One of {@linkcode ENCRYPTIONS}. */
export type Encryption = typeof ENCRYPTIONS[number];

/** What a payload is encrypted with; at least one key. */
export interface PayloadKeys {
  /** The SHA-256 of the shared secret; null: there is none, or the follower wants NIP-44. */
  readonly secret: Uint8Array | null;
  /** With the follower's key. */
  readonly conversation: ConversationKey | null;
}

/** Gives so many fresh random bytes, valid until the next call. */
export type RandomBytes = (count: number) => Uint8Array;

const encoder = new TextEncoder();

/** See the module's text. */
export class Signal {
  /** Its place in the log. */
  readonly seq: number;
  readonly bot: string;
  readonly #text: Uint8Array;
  readonly #padded: Uint8Array | null;
  /** The frame behind the follower's key. */
  readonly #fields: string;

  /** @param content The plain text: {@linkcode plainContent}. */
  constructor(seq: number, event: NostrEvent, content: string) {
    this.seq = seq;
    this.bot = event.pubkey;
    this.#text = encoder.encode(content);
    const { length } = this.#text;
    this.#padded = length > 0 && length <= NIP44_TEXT_BYTES_MAX ? padded(this.#text) : null;
    this.#fields = `","bot_pubkey":"${event.pubkey}","kind":${event.kind},"original_event_id":"${event.id}"` +
      `,"seq":${seq},"encryption":"`;
  }

  /** The frame for one follower. Where its keys cannot encrypt this text, the frame says so in place of the payload. */
  frameFor(follower: string, { secret, conversation }: PayloadKeys, random: RandomBytes): string {
    if (secret !== null) {
      const payload = encryptBySecret(secret, this.#text, random(SECRET_NONCE_BYTES));
      return this.#frame(follower, "chacha20poly1305", `"payload":"${payload}"`);
    }
    if (conversation !== null && this.#padded !== null) {
      const payload = encryptPadded(conversation, this.#padded, random(NIP44_NONCE_BYTES));
      return this.#frame(follower, "nip44", `"payload":"${payload}"`);
    }
    const why = conversation === null
      ? "the relay has no key, or the follower's key is none"
      : `NIP-44 encrypts 1 to ${NIP44_TEXT_BYTES_MAX} bytes, not ${this.#text.length}`;
    return this.#frame(follower, "nip44", `"payload":null,"error":"Cannot encrypt payload: ${why}"`);
  }

  /** JSON; every value is one that needs no escape. */
  #frame(follower: string, encryption: Encryption, payload: string): string {
    return `{"target_pubkey":"${follower}${this.#fields}${encryption}",${payload}}`;
  }
}

/** The content of an event, decrypted where it was encrypted to the relay's key. */
export function plainContent({ pubkey, content }: NostrEvent, own: ECDH | null): string {
  if (own === null) return content;
  if (looksLikeNip04(content)) return decryptNip04(own, pubkey, content) ?? content;
  if (!looksLikeNip44(content)) return content;
  const key = conversationKey(own, pubkey);
  return key === null ? content : decrypt(key, content) ?? content;
}

/** The version's byte is 2, and the shortest payload has 99 bytes; most content is JSON. */
function looksLikeNip44(content: string): boolean {
  return content.startsWith("A") && content.length >= 132;
}
