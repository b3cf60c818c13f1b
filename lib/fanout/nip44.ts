/**
 * NIP-44 version 2 for one writer and very many readers: what the readers share is prepared once, and what differs costs
 * three short HMACs, the stream cipher and one HMAC of its output.
 * Runs on any thread; no state but scratch memory for one call. The caller brings the nonces.
 *
 * @module
 */
import { chacha20 } from "@noble/ciphers/chacha.js";
import { createECDH, type ECDH, timingSafeEqual } from "node:crypto";
import { invariant } from "../invariant.ts";
import { NIP44_TEXT_BYTES_MAX } from "../limits.ts";
import { hmac, type HmacKey, hmacKey } from "./hmac_sha256.ts";

/** Bytes of a nonce. */
export const NIP44_NONCE_BYTES = 32;
const VERSION = 2;
const MAC_BYTES = 32;
/** The longest plain text, padded, with its length. */
const PADDING_BYTES_MAX = 2 + 65_536;
const SALT = hmacKey(new TextEncoder().encode("nip44-v2"));
/** What one nonce gives, in three blocks of HKDF, and views of it: to make one costs as much as to hash 20 bytes. */
const expanded = new Uint8Array(3 * 32);
const expandedBlocks = [0, 32, 64].map((at) => expanded.subarray(at, at + 32));
const cipherKey = expanded.subarray(0, 32);
const cipherNonce = expanded.subarray(32, 44);
const macSecret = expanded.subarray(44, 76);
/** A block of HKDF, the nonce, and the block's number. */
const expansion = new Uint8Array(32 + NIP44_NONCE_BYTES + 1);
const firstExpansion = expansion.subarray(32);
const output = new Uint8Array(1 + NIP44_NONCE_BYTES + PADDING_BYTES_MAX + MAC_BYTES);
const outputText = output.subarray(1 + NIP44_NONCE_BYTES);
const macKey = new Int32Array(16);
const mac = new Uint8Array(MAC_BYTES);

/** A conversation between two keys, as NIP-44 derives it, ready for use. */
export type ConversationKey = HmacKey;

/** Opens a secret key for {@linkcode conversationKey}. */
export function openSecret(secretKey: string): ECDH {
  const own = createECDH("secp256k1");
  own.setPrivateKey(secretKey, "hex");
  return own;
}

/**
 * The key of the conversation with `pubkey`: some 250 µs.
 *
 * @returns null where the public key is no point of the curve.
 */
export function conversationKey(own: ECDH, pubkey: string): ConversationKey | null {
  const key = new Uint8Array(32);
  try {
    const shared = own.computeSecret(`02${pubkey}`, "hex");
    hmac(SALT, shared, shared.length, key);
  } catch {
    return null;
  }
  return hmacKey(key);
}

/**
 * A plain text as it is encrypted: its length, itself, and padding.
 *
 * @throws {RangeError} if it is empty or longer than 65,535 bytes.
 */
export function padded(text: Uint8Array): Uint8Array {
  const { length } = text;
  if (length === 0 || length > NIP44_TEXT_BYTES_MAX) {
    throw new RangeError(
      `Cannot encrypt text of ${length} bytes: NIP-44 encrypts 1 to ${NIP44_TEXT_BYTES_MAX}`,
    );
  }
  const bytes = new Uint8Array(2 + paddedLength(length));
  bytes[0] = length >>> 8;
  bytes[1] = length;
  bytes.set(text, 2);
  return bytes;
}

/** The payload of a {@linkcode padded} text under a nonce that is used once, in base64. */
export function encryptPadded(key: ConversationKey, plain: Uint8Array, nonce: Uint8Array): string {
  invariant(nonce.length === NIP44_NONCE_BYTES, "a nonce of NIP-44 has 32 bytes");
  expand(key, nonce);
  const end = 1 + NIP44_NONCE_BYTES + plain.length;
  output[0] = VERSION;
  output.set(nonce, 1);
  chacha20(cipherKey, cipherNonce, plain, outputText.subarray(0, plain.length));
  authenticate(output, end);
  output.set(mac, end);
  return output.subarray(0, end + MAC_BYTES).toBase64();
}

/** The plain text of a payload in base64, or null: it is none of this conversation. */
export function decrypt(key: ConversationKey, payload: string): string | null {
  const bytes = bytesOf(payload);
  if (bytes === null || bytes[0] !== VERSION || bytes.length < 99 || bytes.length > output.length) {
    return null;
  }
  const end = bytes.length - MAC_BYTES;
  expand(key, bytes.subarray(1, 1 + NIP44_NONCE_BYTES));
  authenticate(bytes, end);
  if (!timingSafeEqual(mac, bytes.subarray(end))) return null;
  const plain = chacha20(cipherKey, cipherNonce, bytes.subarray(1 + NIP44_NONCE_BYTES, end));
  const length = plain[0]! << 8 | plain[1]!;
  if (length === 0 || plain.length !== 2 + paddedLength(length)) return null;
  return new TextDecoder().decode(plain.subarray(2, 2 + length));
}

/** HKDF-expand (RFC 5869) of the conversation's key, with the nonce as its information. */
function expand(key: ConversationKey, nonce: Uint8Array): void {
  expansion.set(nonce, 32);
  expansion[64] = 1;
  hmac(key, firstExpansion, firstExpansion.length, expandedBlocks[0]!);
  for (let block = 1; block < 3; block++) {
    expansion.set(expandedBlocks[block - 1]!);
    expansion[64] = block + 1;
    hmac(key, expansion, expansion.length, expandedBlocks[block]!);
  }
}

/** The HMAC of nonce and cipher text, which end at `end`. */
function authenticate(bytes: Uint8Array, end: number): void {
  hmacKey(macSecret, macKey);
  hmac(macKey, bytes.subarray(1), end - 1, mac);
}

/** Powers of two in steps of an eighth, from 32 bytes. */
function paddedLength(length: number): number {
  if (length <= 32) return 32;
  const next = 2 ** (Math.floor(Math.log2(length - 1)) + 1);
  const step = next <= 256 ? 32 : next / 8;
  return step * (Math.floor((length - 1) / step) + 1);
}

function bytesOf(payload: string): Uint8Array | null {
  if (payload.length > 4 * Math.ceil(output.length / 3)) return null;
  try {
    return Uint8Array.fromBase64(payload);
  } catch {
    return null;
  }
}
