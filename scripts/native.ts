/**
 * Builds the verification library: `deno task native` prints where it is, or the one reason why there is none.
 *
 * The source of libsecp256k1 comes with the crate that `native/Cargo.lock` pins, brought by `cargo fetch`. Output is
 * `native/build/<sources>-<compiler>/libsluice.so`, named by hashes of all that goes in, so nothing is built twice.
 * Runs in a process of its own or in the one that starts the relay; holds no state.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { runCommand } from "./command.ts";
import { buildProduct, findProduct, type Product } from "./native/compile.ts";
import { type Compiler, findCompiler } from "./native/toolchain.ts";

const LIBRARY = Deno.build.os === "darwin" ? "libsluice.dylib" : "libsluice.so";
const LIBRARY_PRODUCT: Product = { files: [LIBRARY], programs: [], sanitize: false };

/** What {@linkcode prepareNative} did. */
interface PreparedNative {
  /** The library, or null when it cannot be had here. */
  readonly path: string | null;
  /** One line for the log: what was built or found, or why not. */
  readonly line: string;
}

/** The library that {@linkcode prepareNative} built for the present sources and compiler, or null. Builds nothing. */
export async function nativeLibraryPath(): Promise<string | null> {
  const folder = await findProduct(LIBRARY_PRODUCT, await findCompiler());
  return folder && new URL(LIBRARY, folder).pathname;
}

/** Finds or builds the library. Never throws for what a machine lacks: another tier serves then. */
export async function prepareNative(): Promise<PreparedNative> {
  const errors: string[] = [];
  const made = await findOrBuild(LIBRARY_PRODUCT, await findCompiler(), errors);
  if (made === null) {
    const why = errors[0] ?? "the compiler failed";
    return { path: null, line: `Cannot build the verification library: ${why}; another tier serves` };
  }
  const path = new URL(LIBRARY, made.folder).pathname;
  return { path, line: `Verification library${made.built ? " built" : ""}: ${path}` };
}

/**
 * Paths of the native test programs of these names (`native/tests/NAME.c`), built if need be; or the reason why there
 * are none. `sanitize` builds them with AddressSanitizer and UndefinedBehaviorSanitizer.
 */
export async function prepareNativePrograms(
  names: readonly string[],
  sanitize: boolean,
): Promise<{ paths: string[] } | { reason: string }> {
  const errors: string[] = [];
  const made = await findOrBuild({ files: names, programs: names, sanitize }, await findCompiler(), errors);
  if (made === null) return { reason: errors[0] ?? "the compiler failed" };
  return { paths: names.map((name) => new URL(name, made.folder).pathname) };
}

async function findOrBuild(
  product: Product,
  compiler: Compiler | null,
  errors: string[],
): Promise<{ folder: URL; built: boolean } | null> {
  const found = await findProduct(product, compiler);
  if (found) return { folder: found, built: false };
  if (!compiler) {
    errors.push("no C compiler (cc, gcc or clang) is installed");
    return null;
  }
  const folder = await buildProduct(product, compiler, errors);
  return folder && { folder, built: true };
}

async function main(): Promise<number> {
  parseArgs({ args: Deno.args, options: {} });
  const { path, line } = await prepareNative();
  // deno-lint-ignore no-console -- the command's output
  (path === null ? console.error : console.log)(line);
  return 0;
}

if (import.meta.main) await runCommand(import.meta.url, main);
