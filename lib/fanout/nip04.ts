/**
 * Reads what was encrypted to the relay's key by NIP-04, as bots of older software do. Nothing is written in this form.
 * Runs on any thread; no state.
 *
 * @module
 */
import { createDecipheriv, type ECDH } from "node:crypto";

const FORM = /^([A-Za-z0-9+/]+={0,2})\?iv=([A-Za-z0-9+/]{22}==)$/;

/** Whether a text has the form of a payload of NIP-04. */
export function looksLikeNip04(text: string): boolean {
  return FORM.test(text);
}

/** The plain text of a payload from `pubkey`, or null: it is none of this conversation. NIP-04 does not authenticate. */
export function decryptNip04(own: ECDH, pubkey: string, payload: string): string | null {
  const [, text, iv] = FORM.exec(payload) ?? [];
  if (text === undefined || iv === undefined) return null;
  try {
    const cipher = createDecipheriv(
      "aes-256-cbc",
      own.computeSecret(`02${pubkey}`, "hex"),
      Uint8Array.fromBase64(iv),
    );
    const bytes = [cipher.update(Uint8Array.fromBase64(text)), cipher.final()];
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(bytes));
  } catch {
    return null;
  }
}
