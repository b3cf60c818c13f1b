/** Tests of NIP-44: equal to nostr-tools byte for byte, and what was changed on the way does not decrypt. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createHmac, randomBytes } from "node:crypto";
import * as reference from "nostr-tools/nip44";
import { getPublicKey } from "nostr-tools/pure";
import { hmac, hmacKey } from "./hmac_sha256.ts";
import { conversationKey, decrypt, encryptPadded, NIP44_NONCE_BYTES, openSecret, padded } from "./nip44.ts";

const SECRETS = ["01", "02"].map((end) => end.padStart(64, "0"));
const PUBKEYS = SECRETS.map((secret) => getPublicKey(Uint8Array.fromHex(secret)));
const encoder = new TextEncoder();

function keyOf(own: number, other: number) {
  return conversationKey(openSecret(SECRETS[own]!), PUBKEYS[other]!)!;
}

Deno.test("hmac() is that of node:crypto for every length around a block's borders", () => {
  for (const keyBytes of [0, 8, 32, 64]) {
    const key = randomBytes(keyBytes);
    for (let length = 0; length < 200; length++) {
      const message = randomBytes(length);
      const digest = new Uint8Array(32);
      hmac(hmacKey(key), message, length, digest);
      assertEquals(digest.toHex(), createHmac("sha256", key).update(message).digest("hex"));
    }
  }
});

Deno.test("encryptPadded() gives the example of NIP-44's vectors", () => {
  const nonce = new Uint8Array(NIP44_NONCE_BYTES);
  nonce[31] = 1;
  // github.com/paulmillr/nip44, valid.encrypt_decrypt, the first.
  assertEquals(
    encryptPadded(keyOf(0, 1), padded(encoder.encode("a")), nonce),
    `Ag${
      "A".repeat(41)
    }Bee0G5VSK0/9YypIObAtDKfYEAjD35uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb`,
  );
});

Deno.test("encryptPadded() equals nostr-tools for lengths around every step of the padding", () => {
  const key = reference.getConversationKey(Uint8Array.fromHex(SECRETS[0]!), PUBKEYS[1]!);
  const lengths = [1, 31, 32, 33, 64, 65, 255, 256, 257, 320, 321, 1_024, 1_025, 65_535];
  for (const length of lengths) {
    const text = "é".repeat(length >> 1) + "a".repeat(length & 1);
    const nonce = new Uint8Array(randomBytes(NIP44_NONCE_BYTES));
    const payload = encryptPadded(keyOf(0, 1), padded(encoder.encode(text)), nonce);
    assertEquals(payload, reference.encrypt(text, key, nonce));
    assertEquals(decrypt(keyOf(1, 0), payload), text);
  }
});

Deno.test("decrypt() gives null for what is no payload of the conversation", () => {
  const nonce = new Uint8Array(randomBytes(NIP44_NONCE_BYTES));
  const payload = encryptPadded(keyOf(0, 1), padded(encoder.encode("signal")), nonce);
  const bytes = Uint8Array.fromBase64(payload);
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    assertEquals(decrypt(keyOf(0, 1), changed.toBase64()), null, `byte ${at}`);
  }
  assertEquals(decrypt(keyOf(0, 0), payload), null);
  for (const text of ["", "{}", "hello", "AA==", payload.slice(4), payload + "AAAA", "A".repeat(200_000)]) {
    assertEquals(decrypt(keyOf(0, 1), text), null);
  }
});

Deno.test("padded() refuses what NIP-44 does not encrypt", () => {
  assertThrows(() => padded(new Uint8Array(0)), RangeError, "0 bytes");
  assertThrows(() => padded(new Uint8Array(65_536)), RangeError, "65536 bytes");
});

Deno.test("conversationKey() gives null for a key that is no point of the curve", () => {
  assertEquals(conversationKey(openSecret(SECRETS[0]!), "f".repeat(64)), null);
  assert(conversationKey(openSecret(SECRETS[0]!), PUBKEYS[1]!) !== null);
});
