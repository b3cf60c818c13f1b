/**
 * Compiles the C of `native/` into a library or into test programs, in folders named by hashes of all that goes in:
 * sources, lock file, flags, compiler. What is there is not built again.
 * Runs in the process of whoever builds; holds no state.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type Compiler, findLibsecp, NATIVE, run } from "./toolchain.ts";

const BUILD = new URL("build/", NATIVE);

/** Flags of every unit; no `-march`: the library runs on any processor and asks CPUID for what is more. */
const FLAGS = ["-std=gnu11", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra"];
/** libsecp256k1's configuration, as its own build has it by default; the warnings are about what is not in use. */
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
const AVX512_FLAGS = ["f", "dq", "vl", "ifma", "vbmi2"].map((set) => `-mavx512${set}`).concat(
  "-mbmi2",
  "-madx",
);
/** Programs with AVX-512 instructions of their own. Others run on any processor, as the library does. */
export const AVX512_PROGRAMS: ReadonlySet<string> = new Set(["field_test", "point_test", "walk_test"]);
const OPTIMIZE = ["-O3"];
/** Left out: what AddressSanitizer finds anyway, at a price in the inlined arithmetic that doubles the build. */
const SANITIZE = [
  "-O1",
  "-g1",
  "-fno-omit-frame-pointer",
  "-fsanitize=address,undefined",
  "-fno-sanitize=null,object-size,pointer-overflow",
  "-fno-sanitize-recover=all",
];

/** What comes out of a build. */
export interface Product {
  /** Names of the files in its folder. */
  readonly files: readonly string[];
  /** Units beside those of the library: each becomes a program. None: the units become one library. */
  readonly programs: readonly string[];
  /** Build with AddressSanitizer and UndefinedBehaviorSanitizer. */
  readonly sanitize: boolean;
}

/** A unit to compile, and its flags besides those of all. */
interface Unit {
  readonly path: string;
  readonly flags: readonly string[];
}

/** One build under way. */
interface Build {
  readonly compiler: Compiler;
  readonly libsecp: string;
  readonly product: Product;
  /** Where the object files go. */
  readonly work: string;
  readonly errors: string[];
}

/** The folder of a product, if all of it is there. Without a compiler any build of these sources will do. */
export async function findProduct(product: Product, compiler: Compiler | null): Promise<URL | null> {
  const sources = await hashSources(product);
  if (compiler) {
    const folder = folderOf(sources, compiler);
    return await isWhole(folder, product) ? folder : null;
  }
  if (!await exists(BUILD)) return null;
  for await (const { name } of Deno.readDir(BUILD)) {
    const folder = new URL(`${name}/`, BUILD);
    if (name.startsWith(`${sources}-`) && await isWhole(folder, product)) return folder;
  }
  return null;
}

/** Builds a product; null with the reasons in `errors`. */
export async function buildProduct(
  product: Product,
  compiler: Compiler,
  errors: string[],
): Promise<URL | null> {
  const libsecp = await findLibsecp(errors);
  if (libsecp === null) return null;
  const folder = folderOf(await hashSources(product), compiler);
  const work = await Deno.makeTempDir({ prefix: "sluice-native-" });
  try {
    const objects = await compileAll({ compiler, libsecp, product, work, errors });
    if (objects === null) return null;
    await Deno.mkdir(folder, { recursive: true });
    const linked = await Promise.all(product.files.map(async (file, i) => {
      const own = product.programs.length === 0 ? ["-shared"] : [objects.programs[i]!];
      // By way of a name that nobody opens while it is half written.
      const partial = new URL(`${file}.${Deno.pid}`, folder).pathname;
      const args = [...optimization(product), ...own, ...objects.library, "-pthread", "-o", partial];
      if (await run(compiler.command, args, errors) === null) return false;
      await Deno.rename(partial, new URL(file, folder));
      return true;
    }));
    return linked.includes(false) ? null : folder;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Object files of the library, without `lanes/` where processor or compiler do not know AVX-512, and of programs. */
async function compileAll(build: Build): Promise<{ library: string[]; programs: string[] } | null> {
  const x86 = Deno.build.arch === "x86_64";
  const units = (await sourceNames(NATIVE)).filter((name) =>
    name.endsWith(".c") && !name.startsWith("tests/")
  );
  const inAvx512 = units.filter((name) => name.startsWith("lanes/"));
  const avx512 = x86
    ? await compile({ ...build, errors: [] }, inAvx512.map((name) => unit(name, AVX512_FLAGS)))
    : null;
  const define = avx512 ? ["-DSLUICE_LANES"] : [];
  const plain = units.filter((name) => !inAvx512.includes(name)).map((name) =>
    unit(name, [...define, ...x86 && name === "sha256_shani.c" ? SHA_FLAGS : []])
  );
  const theirs = LIBSECP_UNITS.map((name) => ({ path: `${build.libsecp}/${name}`, flags: [] }));
  const rest = await compile(build, [...plain, ...theirs]);
  const tests = build.product.programs.map((name) =>
    unit(`tests/${name}.c`, [...define, ...avx512 && AVX512_PROGRAMS.has(name) ? AVX512_FLAGS : []])
  );
  const programs = await compile(build, tests);
  return rest && programs && { library: [...avx512 ?? [], ...rest], programs };
}

function unit(name: string, flags: readonly string[]): Unit {
  return { path: new URL(name, NATIVE).pathname, flags };
}

/** Object files of `units`, or null when one does not compile. */
async function compile(
  { compiler, libsecp, product, work, errors }: Build,
  units: Unit[],
): Promise<string[] | null> {
  const include = [`-I${libsecp}`, `-I${libsecp}/src`, `-I${NATIVE.pathname}`, `-I${NATIVE.pathname}tests`];
  const compiled = await Promise.all(units.map(async ({ path, flags }) => {
    const object = `${work}/${hash([path], 16)}.o`;
    const args = [
      ...FLAGS,
      ...LIBSECP_FLAGS,
      ...include,
      ...optimization(product),
      ...flags,
      "-c",
      path,
      "-o",
      object,
    ];
    return await run(compiler.command, args, errors) === null ? null : object;
  }));
  return compiled.some((object) => object === null) ? null : compiled as string[];
}

function optimization({ sanitize }: Product): readonly string[] {
  return sanitize ? SANITIZE : OPTIMIZE;
}

function folderOf(sources: string, compiler: Compiler): URL {
  return new URL(`${sources}-${hash([compiler.version], 8)}/`, BUILD);
}

/** The hash of all that goes into a product but the compiler. Tests are part of programs only. */
async function hashSources(product: Product): Promise<string> {
  const parts: (string | Uint8Array)[] = [
    JSON.stringify([Deno.build, FLAGS, LIBSECP_FLAGS, SHA_FLAGS, AVX512_FLAGS, optimization(product)]),
    ...product.programs.filter((name) => AVX512_PROGRAMS.has(name)),
    await Deno.readFile(new URL("Cargo.lock", NATIVE)),
  ];
  for (const name of await sourceNames(NATIVE)) {
    if (name.startsWith("tests/") && product.programs.length === 0) continue;
    parts.push(name, await Deno.readFile(new URL(name, NATIVE)));
  }
  return hash(parts, 16);
}

function hash(parts: (string | Uint8Array)[], characters: number): string {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(`${part.length}:`).update(part);
  return sum.digest("hex").slice(0, characters);
}

/** Names of C units and headers below `folder`, in a fixed order. */
async function sourceNames(folder: URL, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory && name !== "build") {
      names.push(...await sourceNames(new URL(`${name}/`, folder), `${prefix}${name}/`));
    } else if (/\.[ch]$/.test(name)) names.push(prefix + name);
  }
  return names.sort();
}

async function isWhole(folder: URL, { files }: Product): Promise<boolean> {
  const there = await Promise.all(files.map((file) => exists(new URL(file, folder))));
  return !there.includes(false);
}

async function exists(path: URL): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
