/**
 * The tier `system`: the operating system's libsecp256k1 (Debian: `libsecp256k1-1`) by FFI, its public API only.
 * Runs on the thread that opened it, which owns its context.
 *
 * @module
 */
import { openSystemSecp256k1, type SystemSecp256k1 } from "../native/system_secp256k1.ts";
import { checkItems } from "./batch_bounds.ts";
import { hashMessages } from "./hash_messages.ts";
import { ITEM_BYTES, type SignatureVerifier } from "./verifier.ts";

/** `SECP256K1_CONTEXT_NONE | SECP256K1_CONTEXT_VERIFY`: versions before 0.2 verify with the latter only. */
const CONTEXT_VERIFY = 257;
/** Bytes of libsecp256k1's `xonly_pubkey`. */
const KEY_BYTES = 64;

/**
 * Opens the operating system's libsecp256k1.
 *
 * @throws {Error} when none is installed, or the installed one lacks Schnorr signatures.
 */
export function openSystem(): SignatureVerifier {
  const { name, library } = load();
  const { symbols } = library;
  const context = symbols.secp256k1_context_create(CONTEXT_VERIFY);
  if (context === null) {
    library.close();
    throw new Error(`Cannot open verification tier "system": no memory for its context`);
  }
  const key = new Uint8Array(KEY_BYTES);
  let verified = 0;
  return {
    tier: "system",
    description: `system (${name} by FFI, one signature at a time)`,
    verify(items, count, verdicts) {
      checkItems(items, count, verdicts);
      for (let i = 0; i < count; i++) {
        const item = items.subarray(i * ITEM_BYTES, (i + 1) * ITEM_BYTES) as Uint8Array<ArrayBuffer>;
        const parsed = symbols.secp256k1_xonly_pubkey_parse(context, key, item.subarray(32, 64)) === 1;
        verdicts[i] = parsed
          ? symbols.secp256k1_schnorrsig_verify(context, item.subarray(64), item, 32n, key)
          : 0;
      }
      verified += count;
    },
    hash: hashMessages,
    reader: null,
    counters: () => ({ verified, secondDecisions: 0, secondDecisionsValid: 0, fastPathSkipped: 0 }),
    close() {
      symbols.secp256k1_context_destroy(context);
      library.close();
    },
  };
}

function load(): SystemSecp256k1 {
  try {
    return openSystemSecp256k1();
  } catch (error) {
    throw new Error(`Cannot open verification tier "system": ${(error as Error).message}`);
  }
}
