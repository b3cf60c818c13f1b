/** A test of giving freed memory back, by the system's own word; it needs the native library, and glibc. */
import { assert } from "@std/assert";
import { prepareNative } from "../scripts/native.ts";
import { openTrim } from "./freed_memory.ts";

const { path: libraryPath } = await prepareNative();
const HOLE_BYTES = 64 * 1024;
const HOLES = 1_024;

Deno.test({
  name: "Memory that is freed between pieces in use goes back to the system",
  ignore: libraryPath === null || Deno.build.os !== "linux",
  async fn() {
    using libc = openLibc();
    if (libc === null) return;
    const { malloc, free, memset } = libc.symbols;
    const pieces: Deno.PointerValue[] = [];
    // Between two holes lies a small piece, so that they do not become one that goes by itself.
    for (let i = 0; i < HOLES; i++) {
      const hole = malloc(BigInt(HOLE_BYTES));
      memset(hole, 1, BigInt(HOLE_BYTES));
      pieces.push(hole, malloc(64n));
    }
    for (let i = 0; i < pieces.length; i += 2) free(pieces[i]!);
    const before = Deno.memoryUsage().rss;
    using trim = openTrim(libraryPath)!;
    await trim.run();
    const given = before - Deno.memoryUsage().rss;
    for (let i = 1; i < pieces.length; i += 2) free(pieces[i]!);
    assert(given > HOLES * HOLE_BYTES / 2, `${given} bytes were given back`);
  },
});

/** glibc, or null where another library takes its place. */
function openLibc() {
  try {
    const library = Deno.dlopen("libc.so.6", {
      malloc: { parameters: ["usize"], result: "pointer" },
      free: { parameters: ["pointer"], result: "void" },
      memset: { parameters: ["pointer", "i32", "usize"], result: "pointer" },
    });
    return { symbols: library.symbols, [Symbol.dispose]: () => library.close() };
  } catch {
    return null;
  }
}
