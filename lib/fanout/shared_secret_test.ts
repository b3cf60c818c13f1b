/** Tests of the encryption by a shared secret, against node:crypto used as a follower uses it. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createDecipheriv, createHash } from "node:crypto";
import { encryptBySecret, SECRET_NONCE_BYTES, secretKeyOf } from "./shared_secret.ts";

const encoder = new TextEncoder();

/** As the documents of the format say it. */
function decryptBy(secret: string, payload: string): string {
  const bytes = Uint8Array.fromBase64(payload);
  const key = createHash("sha256").update(secret, "utf8").digest();
  const cipher = createDecipheriv("chacha20-poly1305", key, bytes.subarray(0, 12), { authTagLength: 16 });
  cipher.setAuthTag(bytes.subarray(-16));
  const text = cipher.update(bytes.subarray(12, -16));
  cipher.final();
  return new TextDecoder().decode(text);
}

function encrypted(secret: string, text: string): string {
  const nonce = crypto.getRandomValues(new Uint8Array(SECRET_NONCE_BYTES));
  return encryptBySecret(secretKeyOf(secret), encoder.encode(text), nonce);
}

Deno.test("encryptBySecret() gives what the holder of the secret decrypts", () => {
  for (const text of ["", "a", "naïve 信号", "x".repeat(100_000)]) {
    assertEquals(decryptBy("geheim ü", encrypted("geheim ü", text)), text);
  }
});

Deno.test("encryptBySecret() gives what nobody else decrypts, and nothing twice", () => {
  const payload = encrypted("one", "text");
  assertThrows(() => decryptBy("two", payload));
  assertNotEquals(payload, encrypted("one", "text"));
  const changed = Uint8Array.fromBase64(payload);
  changed[13]! ^= 1;
  assertThrows(() => decryptBy("one", changed.toBase64()));
});
