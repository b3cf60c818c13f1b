/**
 * Encryption by a secret that a bot and its follower share: ChaCha20-Poly1305 (RFC 8439) under the SHA-256 of the secret.
 * The payload is the base64 of nonce (12 bytes), cipher text, and tag (16 bytes).
 * Runs on any thread; no state. The caller brings the nonces.
 *
 * @module
 */
import { type CipherChaCha20Poly1305, createCipheriv, hash } from "node:crypto";
import { invariant } from "../invariant.ts";

/** Bytes of a nonce. */
export const SECRET_NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "chacha20-poly1305";
const OPTIONS = { authTagLength: TAG_BYTES };

/** The key that a shared secret stands for: the SHA-256 of its UTF-8. */
export function secretKeyOf(secret: string): Uint8Array {
  return new Uint8Array(hash("sha256", secret, "buffer"));
}

/** The payload of a text under a nonce that is used once, in base64. */
export function encryptBySecret(key: Uint8Array, text: Uint8Array, nonce: Uint8Array): string {
  invariant(nonce.length === SECRET_NONCE_BYTES, "a nonce of ChaCha20-Poly1305 has 12 bytes");
  const cipher: CipherChaCha20Poly1305 = createCipheriv(CIPHER, key, nonce, OPTIONS);
  const payload = new Uint8Array(SECRET_NONCE_BYTES + text.length + TAG_BYTES);
  payload.set(nonce);
  payload.set(cipher.update(text), SECRET_NONCE_BYTES);
  cipher.final();
  payload.set(cipher.getAuthTag(), SECRET_NONCE_BYTES + text.length);
  return payload.toBase64();
}
