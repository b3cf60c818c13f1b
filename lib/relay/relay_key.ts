/**
 * The relay's own key: signs what the relay itself says (NIP-11 `self`). libsecp256k1 in WebAssembly, because it signs
 * a few events a second at most.
 * Belongs to the thread that opened it, which has the secret in memory.
 *
 * @module
 */
import type { NostrEvent } from "../nostr/event.ts";

/** An event before it is signed. */
interface Draft {
  readonly kind: number;
  readonly tags: readonly (readonly string[])[];
  /** Seconds. */
  readonly createdAt: number;
}

/** See the module's text. */
export interface RelayKey {
  /** x-only, lowercase hex. */
  readonly pubkey: string;
  sign(draft: Draft): NostrEvent;
}

/**
 * Opens a key.
 *
 * @param secretKey 64 hex digits.
 * @throws {Error} if the number is no secret key of secp256k1; the message does not show it.
 */
export async function openRelayKey(secretKey: string): Promise<RelayKey> {
  const { initNostrWasm } = await import("nostr-wasm");
  const wasm = await initNostrWasm();
  const secret = Uint8Array.fromHex(secretKey);
  let pubkey: string;
  try {
    pubkey = wasm.getPublicKey(secret).toHex();
  } catch {
    throw new Error('Cannot use RELAY_SECRET_KEY "(hidden)": it is not a key of secp256k1');
  }
  return {
    pubkey,
    sign({ kind, tags, createdAt }) {
      const event = {
        id: "",
        pubkey,
        created_at: createdAt,
        kind,
        tags: tags.map((tag) => [...tag]),
        content: "",
        sig: "",
      };
      wasm.finalizeEvent(event, secret);
      return event;
    },
  };
}
