/**
 * The tier `system`: the operating system's libsecp256k1 (Debian: `libsecp256k1-1`) by FFI, its public API only.
 * Runs on the thread that opened it, which owns its context.
 *
 * @module
 */
import { checkItems } from "./batch_bounds.ts";
import { hashMessages } from "./hash_messages.ts";
import { ITEM_BYTES, type SignatureVerifier } from "./verifier.ts";

/** Names under which distributions install it, newest ABI first. macOS has no version in the name's end. */
const NAMES = Deno.build.os === "darwin"
  ? ["libsecp256k1.dylib"]
  : ["libsecp256k1.so.2", "libsecp256k1.so.1", "libsecp256k1.so.0", "libsecp256k1.so"];
/** `SECP256K1_CONTEXT_NONE | SECP256K1_CONTEXT_VERIFY`: versions before 0.2 verify with the latter only. */
const CONTEXT_VERIFY = 257;
/** Bytes of libsecp256k1's `xonly_pubkey`. */
const KEY_BYTES = 64;

const SYMBOLS = {
  secp256k1_context_create: { parameters: ["u32"], result: "pointer" },
  secp256k1_context_destroy: { parameters: ["pointer"], result: "void" },
  secp256k1_xonly_pubkey_parse: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  secp256k1_schnorrsig_verify: {
    parameters: ["pointer", "buffer", "buffer", "usize", "buffer"],
    result: "i32",
  },
} as const;

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

function load(): { name: string; library: Deno.DynamicLibrary<typeof SYMBOLS> } {
  let why = "";
  for (const name of NAMES) {
    try {
      return { name, library: Deno.dlopen(name, SYMBOLS) };
    } catch (error) {
      // A library that is there but lacks a symbol tells more than the names that are not there.
      if (why === "" || !String(error).includes("No such file")) why = (error as Error).message;
    }
  }
  throw new Error(`Cannot open verification tier "system": ${why}`);
}
