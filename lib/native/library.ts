/**
 * The project's own library (`native/sluice.h`) by FFI: every symbol of it is bound and typed here, and nowhere else.
 * Each thread opens it once. Whoever uses it has a binding and closes it; the last to close it closes the library.
 *
 * @module
 */

/** The ABI that this binding speaks: `SLUICE_ABI` in `native/sluice.h`. */
const ABI = 2;

const SYMBOLS = {
  sluice_abi: { parameters: [], result: "u32" },
  // Verification: `native/sluice.c`.
  sluice_tiers: { parameters: [], result: "u32" },
  sluice_describe: { parameters: ["buffer", "u32"], result: "void" },
  sluice_open: { parameters: ["u32"], result: "pointer" },
  sluice_close: { parameters: ["pointer"], result: "void" },
  sluice_verify: { parameters: ["pointer", "buffer", "u32", "buffer"], result: "void" },
  sluice_sha256: { parameters: ["buffer", "buffer", "u32", "buffer"], result: "void" },
  sluice_attach: { parameters: ["pointer", "u32", "buffer", "u32"], result: "void" },
  sluice_read: {
    parameters: ["pointer", "buffer", "u32", "buffer", "u32", "buffer", "buffer"],
    result: "u32",
  },
  sluice_counters: { parameters: ["pointer", "buffer"], result: "void" },
  // Connections: `native/sockets.c`.
  sluice_claim_connection: { parameters: ["buffer", "u32", "u32"], result: "i32" },
  sluice_release_connection: { parameters: ["i32"], result: "void" },
  sluice_cork_connection: { parameters: ["i32", "i32"], result: "void" },
  // Ports that processes share: `native/listeners.c`.
  sluice_steer_listeners: { parameters: ["u32", "u32", "u32"], result: "i32" },
  // The allocator: `native/memory.c`.
  sluice_trim_memory: { parameters: [], result: "void", nonblocking: true },
} as const;

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;

/** One user's binding of the library. */
export interface NativeLibrary {
  readonly symbols: Library["symbols"];
  /** Ends this binding; its symbols are not to be called any more. To be called once. */
  close(): void;
}

/** What this thread has open, by path. */
const opened = new Map<string, { readonly library: Library; users: number }>();

/**
 * Binds the library at `path`.
 *
 * @throws {Error} when it cannot be loaded, lacks a symbol, or speaks another ABI.
 */
export function openNativeLibrary(path: string): NativeLibrary {
  const present = opened.get(path) ?? { library: load(path), users: 0 };
  opened.set(path, present);
  present.users++;
  return {
    symbols: present.library.symbols,
    close() {
      if (--present.users > 0) return;
      opened.delete(path);
      present.library.close();
    },
  };
}

function load(path: string): Library {
  const library = Deno.dlopen(path, SYMBOLS);
  const abi = library.symbols.sluice_abi();
  if (abi === ABI) return library;
  library.close();
  throw new Error(`Cannot open native library "${path}": it speaks ABI ${abi}, not ${ABI}`);
}
