/**
 * The operating system's libsecp256k1 (Debian: `libsecp256k1-1`) by FFI: the symbols of its public API that are in use.
 * Runs on the thread that will verify; the caller owns what it opens. No state.
 *
 * @module
 */

/** Names under which distributions install it, newest ABI first. macOS has no version in the name's end. */
const NAMES = Deno.build.os === "darwin"
  ? ["libsecp256k1.dylib"]
  : ["libsecp256k1.so.2", "libsecp256k1.so.1", "libsecp256k1.so.0", "libsecp256k1.so"];

const SYMBOLS = {
  secp256k1_context_create: { parameters: ["u32"], result: "pointer" },
  secp256k1_context_destroy: { parameters: ["pointer"], result: "void" },
  secp256k1_xonly_pubkey_parse: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  secp256k1_schnorrsig_verify: {
    parameters: ["pointer", "buffer", "buffer", "usize", "buffer"],
    result: "i32",
  },
} as const;

/** The library, and the name under which it was found. */
export interface SystemSecp256k1 {
  readonly name: string;
  readonly library: Deno.DynamicLibrary<typeof SYMBOLS>;
}

/**
 * Opens the newest that is installed.
 *
 * @throws {Error} when none is installed, or the installed one lacks Schnorr signatures.
 */
export function openSystemSecp256k1(): SystemSecp256k1 {
  let why = "";
  for (const name of NAMES) {
    try {
      return { name, library: Deno.dlopen(name, SYMBOLS) };
    } catch (error) {
      // A library that is there but lacks a symbol tells more than the names that are not there.
      if (why === "" || !String(error).includes("No such file")) why = (error as Error).message;
    }
  }
  throw new Error(why);
}
