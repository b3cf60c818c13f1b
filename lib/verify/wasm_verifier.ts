/**
 * The tier `wasm`: libsecp256k1 compiled to WebAssembly, from the package `nostr-wasm`; it runs everywhere.
 * The package's own wrapper takes events as objects of hex text and hashes them again, so this module
 * instantiates the package's binary itself and hands it packed bytes.
 * Runs on the thread that opened it, which owns the instance and its memory.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { checkItems } from "./batch_bounds.ts";
import { hashMessages } from "./hash_messages.ts";
import { ITEM_BYTES, type SignatureVerifier } from "./verifier.ts";

/** The binary, beside the package's entry point. */
const BINARY = "../public/out/secp256k1.wasm";
/** `SECP256K1_CONTEXT_VERIFY`. */
const CONTEXT_VERIFY = 257;
/** Bytes of libsecp256k1's `xonly_pubkey`. */
const KEY_BYTES = 64;

/** The exports in use. The package's build shortens their names; `nostr-wasm` 0.1.0 is pinned for that reason. */
interface Exports {
  /** Memory. */
  readonly g: WebAssembly.Memory;
  /** Runs the constructors. */
  h(): void;
  /** `malloc`. */
  i(bytes: number): number;
  /** `secp256k1_context_create`. */
  o(flags: number): number;
  /** `secp256k1_xonly_pubkey_parse`. */
  p(context: number, parsed: number, key: number): number;
  /** `secp256k1_schnorrsig_verify`. */
  u(context: number, signature: number, message: number, messageBytes: number, parsed: number): number;
}

/**
 * Instantiates the WebAssembly module.
 *
 * @throws {Error} when the package's binary cannot be read or instantiated.
 */
export async function openWasm(): Promise<SignatureVerifier> {
  let exports: Exports;
  try {
    exports = await instantiate();
  } catch (error) {
    throw new Error(`Cannot open verification tier "wasm": ${(error as Error).message}`, { cause: error });
  }
  const context = exports.o(CONTEXT_VERIFY);
  const item = exports.i(ITEM_BYTES);
  const key = exports.i(KEY_BYTES);
  invariant(context > 0 && item > 0 && key > 0, "the module has memory for one item");
  // The memory is fixed (growing it is refused below), so one view serves for good.
  const memory = new Uint8Array(exports.g.buffer);
  let verified = 0;
  return {
    tier: "wasm",
    description: "wasm (libsecp256k1 in WebAssembly, one signature at a time)",
    verify(items, count, verdicts) {
      checkItems(items, count, verdicts);
      for (let i = 0; i < count; i++) {
        memory.set(items.subarray(i * ITEM_BYTES, (i + 1) * ITEM_BYTES), item);
        const parsed = exports.p(context, key, item + 32) === 1;
        verdicts[i] = parsed ? exports.u(context, item + 64, item, 32, key) : 0;
      }
      verified += count;
    },
    hash: hashMessages,
    reader: null,
    counters: () => ({ verified, secondDecisions: 0, secondDecisionsValid: 0, fastPathSkipped: 0 }),
    close() {},
  };
}

async function instantiate(): Promise<Exports> {
  // Brings the package into the module graph: only then does Deno resolve its name to a file.
  await import("nostr-wasm");
  const binary = await Deno.readFile(new URL(BINARY, import.meta.resolve("nostr-wasm")));
  const refuse = () => {
    throw new Error("the module reached for what it has not");
  };
  const held: { memory?: WebAssembly.Memory } = {};
  // abort, memcpy, grow, fd_close, fd_seek, fd_write: verification uses memcpy alone.
  const a = {
    a: refuse,
    f: (target: number, source: number, bytes: number) =>
      new Uint8Array(held.memory!.buffer).copyWithin(target, source, source + bytes) && target,
    d: refuse,
    e: refuse,
    c: refuse,
    b: refuse,
  };
  const { instance } = await WebAssembly.instantiate(binary, { a });
  const exports = instance.exports as unknown as Exports;
  held.memory = exports.g;
  exports.h();
  return exports;
}
