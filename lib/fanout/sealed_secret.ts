/**
 * Secrets as a registry keeps them: encrypted by AES-256-GCM under a key of the relay's own, and bound to the bot and the
 * follower of their row, so that none can be moved to another row.
 *
 * What is kept is the SHA-256 of a shared secret, which is the payloads' key; the secret itself is kept nowhere.
 *
 * ```
 *   | key's name 4 | nonce 12 | cipher text 32 | tag 16 |
 * ```
 *
 * Runs on any thread; no state. The caller brings the nonces.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import type { RandomBytes } from "./payload.ts";

const NAME_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SECRET_BYTES = 32;
/** Bytes of a sealed secret. */
const SEALED_BYTES = NAME_BYTES + NONCE_BYTES + SECRET_BYTES + TAG_BYTES;

/** Whose secret it is. */
interface SecretOwner {
  readonly bot: string;
  readonly follower: string;
}

/** A key that seals, and the name by which what it has sealed tells it. */
interface SealingKey {
  readonly key: Uint8Array;
  readonly name: string;
}

/** Seals by its first key, and opens what any of them has sealed. */
export class SecretSeal {
  readonly #keys: readonly SealingKey[];
  readonly #random: RandomBytes;

  /** @param sources What the keys are derived from, 32 bytes each: the relay's secret key, or a file's. */
  constructor(sources: readonly Uint8Array[], random: RandomBytes) {
    this.#random = random;
    this.#keys = sources.map((source) => ({
      key: derived(source, "sluice fan-out secrets", 32),
      name: derived(source, "sluice fan-out key name", NAME_BYTES).toHex(),
    }));
  }

  /** @param secret 32 bytes. */
  seal(secret: Uint8Array, owner: SecretOwner): Uint8Array {
    const { key, name } = this.#keys[0]!;
    const nonce = this.#random(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(ownerBytes(owner));
    const sealed = new Uint8Array(SEALED_BYTES);
    sealed.setFromHex(name);
    sealed.set(nonce, NAME_BYTES);
    sealed.set(cipher.update(secret), NAME_BYTES + NONCE_BYTES);
    cipher.final();
    sealed.set(cipher.getAuthTag(), NAME_BYTES + NONCE_BYTES + SECRET_BYTES);
    return sealed;
  }

  /** The secret, or null: another key has sealed it, or it is another row's, or it was changed. */
  open(sealed: Uint8Array, owner: SecretOwner): Uint8Array | null {
    if (sealed.length !== SEALED_BYTES) return null;
    const name = sealed.subarray(0, NAME_BYTES).toHex();
    const key = this.#keys.find((one) => one.name === name)?.key;
    if (key === undefined) return null;
    const nonce = sealed.subarray(NAME_BYTES, NAME_BYTES + NONCE_BYTES);
    try {
      const cipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(ownerBytes(owner));
      cipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const secret = new Uint8Array(cipher.update(sealed.subarray(NAME_BYTES + NONCE_BYTES, -TAG_BYTES)));
      cipher.final();
      return secret;
    } catch {
      return null;
    }
  }
}

function derived(source: Uint8Array, purpose: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", source, "", purpose, bytes));
}

function ownerBytes({ bot, follower }: SecretOwner): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.setFromHex(bot + follower);
  return bytes;
}
