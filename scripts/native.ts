/**
 * Builds the verification library: `deno task native` prints where it is, or the one reason why there is none.
 *
 *   deno task native             build unless the library for these inputs is there
 *   deno task native --sanitize  build with AddressSanitizer and UBSan into a path of its own (for tests)
 *
 * The source of libsecp256k1 comes with the crate that `native/Cargo.lock` pins, brought by `cargo fetch`. Output is
 * `native/build/<sources>-<compiler>/libsluice.so`, named by hashes of all that goes in, so nothing is built twice.
 * Runs in a process of its own or in the one that starts the relay; holds no state.
 *
 * @module
 */
import { createHash } from "node:crypto";

const NATIVE = new URL("../native/", import.meta.url);
const BUILD = new URL("build/", NATIVE);
const LIBRARY = Deno.build.os === "darwin" ? "libsluice.dylib" : "libsluice.so";
const CRATE = "secp256k1-sys";

/** Flags of every unit; no `-march`: the library runs on any processor and asks CPUID for what is more. */
const FLAGS = ["-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-fno-math-errno", "-Wall", "-Wextra"];
/** libsecp256k1's configuration, as its own build has it by default; the warnings are about what we do not use. */
const LIBSECP_FLAGS = [
  "-DSECP256K1_NO_API_VISIBILITY_ATTRIBUTES",
  "-DENABLE_MODULE_EXTRAKEYS=1",
  "-DENABLE_MODULE_SCHNORRSIG=1",
  "-DECMULT_WINDOW_SIZE=15",
  "-DCOMB_BLOCKS=11",
  "-DCOMB_TEETH=6",
  "-Wno-unused-function",
  "-Wno-unused-parameter",
];
const LIBSECP_UNITS = ["src/secp256k1.c", "src/precomputed_ecmult.c", "src/precomputed_ecmult_gen.c"];
/** Units with instructions of newer x86-64 processors; they run only where CPUID has named them. */
const SHA_FLAGS = ["-msha", "-msse4.1", "-mssse3"];
const LANES_FLAGS = ["f", "dq", "vl", "ifma", "vbmi2"].map((set) => `-mavx512${set}`).concat(
  "-mbmi2",
  "-madx",
);
const SANITIZE = [
  "-g",
  "-O1",
  "-fno-omit-frame-pointer",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
];

/** What {@linkcode prepareNative} did. */
export interface PreparedNative {
  /** The library, or null when it cannot be had here. */
  readonly path: string | null;
  /** One line for the log: what was built or found, or why not. */
  readonly line: string;
}

interface Options {
  readonly sanitize?: boolean;
}

/** Output of a command, or null when it is not installed or fails; `errors` gets its last words. */
async function run(command: string, args: string[], errors: string[] = []): Promise<string | null> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { args, stderr: "piped" }).output();
    if (success) return new TextDecoder().decode(stdout);
    const said = new TextDecoder().decode(stderr).trim().split("\n");
    errors.push(`${command}: ${said.find((line) => line.includes("error")) ?? said.at(-1) ?? "failed"}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    errors.push(`${command} is not installed`);
  }
  return null;
}

/** The C compiler: `CC` or the first that answers. */
async function findCompiler(): Promise<{ command: string; version: string } | null> {
  const named = Deno.env.get("CC");
  for (const command of named ? [named] : ["cc", "gcc", "clang"]) {
    const version = await run(command, ["-v", "--version"]);
    if (version !== null) return { command, version };
  }
  return null;
}

/** Paths of our C units and headers, relative to `native/`, in a fixed order. */
async function sourceNames(folder: URL, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const name = prefix + entry.name;
    if (entry.isDirectory && entry.name !== "build" && entry.name !== "tests") {
      names.push(...await sourceNames(new URL(`${entry.name}/`, folder), `${name}/`));
    } else if (/\.[ch]$/.test(entry.name)) names.push(name);
  }
  return names.sort();
}

function hash(parts: (string | Uint8Array)[], characters: number): string {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(`${part.length}:`).update(part);
  return sum.digest("hex").slice(0, characters);
}

async function hashSources(names: string[], options: Options): Promise<string> {
  const parts: (string | Uint8Array)[] = [
    JSON.stringify([
      Deno.build.os,
      Deno.build.arch,
      FLAGS,
      LIBSECP_FLAGS,
      SHA_FLAGS,
      LANES_FLAGS,
      options.sanitize ?? false,
    ]),
    await Deno.readFile(new URL("Cargo.lock", NATIVE)),
  ];
  for (const name of names) parts.push(name, await Deno.readFile(new URL(name, NATIVE)));
  return hash(parts, 16);
}

async function exists(path: URL): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** The folder for these inputs; without a compiler any library of these sources will do. */
async function findBuilt(sources: string, compiler: { version: string } | null): Promise<URL | null> {
  if (compiler) {
    const library = new URL(`${sources}-${hash([compiler.version], 8)}/${LIBRARY}`, BUILD);
    return await exists(library) ? library : null;
  }
  if (!await exists(BUILD)) return null;
  for await (const entry of Deno.readDir(BUILD)) {
    const library = new URL(`${entry.name}/${LIBRARY}`, BUILD);
    if (entry.name.startsWith(`${sources}-`) && await exists(library)) return library;
  }
  return null;
}

/** The folder of libsecp256k1's source inside Cargo's own store. */
async function findLibsecp(errors: string[]): Promise<string | null> {
  const manifest = ["--manifest-path", new URL("Cargo.toml", NATIVE).pathname, "--locked"];
  const query = ["metadata", "--format-version", "1", ...manifest];
  let metadata = await run("cargo", [...query, "--offline"]);
  if (metadata === null) {
    if (await run("cargo", ["fetch", ...manifest], errors) === null) return null;
    metadata = await run("cargo", [...query, "--offline"], errors);
  }
  if (metadata === null) return null;
  const { packages } = JSON.parse(metadata) as { packages: { name: string; manifest_path: string }[] };
  const crate = packages.find((entry) => entry.name === CRATE);
  if (!crate) return null;
  return `${crate.manifest_path.replace(/[/\\]Cargo\.toml$/, "")}/depend/secp256k1`;
}

/** A unit to compile, and its flags besides those of all. */
interface Unit {
  readonly path: string;
  readonly flags: readonly string[];
}

/** Object files of `units` in `folder`, or null when one does not compile. */
async function compile(
  command: string,
  units: Unit[],
  folder: string,
  options: Options,
  errors: string[],
): Promise<string[] | null> {
  const objects = units.map(({ path }) => `${folder}/${hash([path], 16)}.o`);
  const compiled = await Promise.all(units.map(({ path, flags }, i) => {
    const args = [...FLAGS, ...LIBSECP_FLAGS, ...options.sanitize ? SANITIZE : [], ...flags, "-c", path];
    return run(command, [...args, "-o", objects[i]!], errors);
  }));
  return compiled.includes(null) ? null : objects;
}

/** Object files of the whole library: without the lanes where processor or compiler does not know them. */
async function compileAll(
  command: string,
  names: string[],
  libsecp: string,
  folder: string,
  options: Options,
  errors: string[],
): Promise<string[] | null> {
  const x86 = Deno.build.arch === "x86_64";
  const include = [`-I${libsecp}`, `-I${libsecp}/src`, `-I${NATIVE.pathname}`];
  const unit = (name: string, more: readonly string[] = []) => ({
    path: new URL(name, NATIVE).pathname,
    flags: [...include, ...more],
  });
  const units = names.filter((name) => name.endsWith(".c"));
  const inLanes = units.filter((name) => name.startsWith("lanes/")).map((name) => unit(name, LANES_FLAGS));
  const lanes = x86 ? await compile(command, inLanes, folder, options, []) : null;
  const plain = units.filter((name) => !name.startsWith("lanes/")).map((name) =>
    unit(name, [...lanes ? ["-DSLUICE_LANES"] : [], ...x86 && name === "sha256_shani.c" ? SHA_FLAGS : []])
  );
  const libsecpUnits = LIBSECP_UNITS.map((name) => ({ path: `${libsecp}/${name}`, flags: include }));
  const rest = await compile(command, [...plain, ...libsecpUnits], folder, options, errors);
  return rest && [...lanes ?? [], ...rest];
}

/** Builds the library into `folder`, by way of a name that nobody opens half written. */
async function build(
  command: string,
  names: string[],
  libsecp: string,
  folder: URL,
  options: Options,
  errors: string[],
): Promise<boolean> {
  const work = await Deno.makeTempDir({ prefix: "sluice-native-" });
  try {
    const objects = await compileAll(command, names, libsecp, work, options, errors);
    if (!objects) return false;
    await Deno.mkdir(folder, { recursive: true });
    const whole = new URL(LIBRARY, folder);
    const partial = `${whole.pathname}.${Deno.pid}`;
    const link = [...options.sanitize ? SANITIZE : [], "-shared", "-pthread", ...objects, "-o", partial];
    if (await run(command, link, errors) === null) return false;
    await Deno.rename(partial, whole);
    return true;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** The library that {@linkcode prepareNative} built for the present sources and compiler, or null. Builds nothing. */
export async function nativeLibraryPath(options: Options = {}): Promise<string | null> {
  const sources = await hashSources(await sourceNames(NATIVE), options);
  return (await findBuilt(sources, await findCompiler()))?.pathname ?? null;
}

/** Finds or builds the library. Never throws for what a machine lacks: another tier serves then. */
export async function prepareNative(options: Options = {}): Promise<PreparedNative> {
  const without = (why: string) => ({
    path: null,
    line: `Cannot build the verification library: ${why}; another tier serves`,
  });
  const names = await sourceNames(NATIVE);
  const sources = await hashSources(names, options);
  const compiler = await findCompiler();
  const found = await findBuilt(sources, compiler);
  if (found) return { path: found.pathname, line: `Verification library: ${found.pathname}` };
  if (!compiler) return without("no C compiler (cc, gcc or clang) is installed");
  const errors: string[] = [];
  const libsecp = await findLibsecp(errors);
  if (!libsecp) return without(errors[0] ?? `the crate ${CRATE} has no source`);
  const folder = new URL(`${sources}-${hash([compiler.version], 8)}/`, BUILD);
  if (!await build(compiler.command, names, libsecp, folder, options, errors)) {
    return without(errors[0] ?? "the compiler failed");
  }
  const path = new URL(LIBRARY, folder).pathname;
  return { path, line: `Verification library built: ${path}` };
}

if (import.meta.main) {
  const { path, line } = await prepareNative({ sanitize: Deno.args.includes("--sanitize") });
  // deno-lint-ignore no-console -- the command's output
  (path === null ? console.error : console.log)(line);
}
