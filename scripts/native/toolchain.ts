/**
 * What a build of `native/` needs of the machine: the C compiler, and libsecp256k1's source in Cargo's store.
 * Runs in the process of whoever builds; holds no state.
 *
 * @module
 */
export const NATIVE = new URL("../../native/", import.meta.url);
/** The crate that carries the source, pinned by `native/Cargo.lock`. */
const CRATE = "secp256k1-sys";

/** A C compiler. */
export interface Compiler {
  readonly command: string;
  /** All that it says about itself: another version builds another library. */
  readonly version: string;
}

/** Output of a command, or null when it is not installed or fails; `errors` gets the line that says why. */
export async function run(command: string, args: string[], errors: string[] = []): Promise<string | null> {
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

/** The C compiler: `CC`, or the first of the usual names that answers; null when there is none. */
export async function findCompiler(): Promise<Compiler | null> {
  const named = Deno.env.get("CC");
  for (const command of named ? [named] : ["cc", "gcc", "clang"]) {
    const version = await run(command, ["-v", "--version"]);
    if (version !== null) return { command, version };
  }
  return null;
}

/** The folder of libsecp256k1's source, fetched if need be; null with the reason in `errors`. */
export async function findLibsecp(errors: string[]): Promise<string | null> {
  const manifest = ["--manifest-path", new URL("Cargo.toml", NATIVE).pathname, "--locked"];
  const query = ["metadata", "--format-version", "1", ...manifest, "--offline"];
  let metadata = await run("cargo", query);
  if (metadata === null) {
    if (await run("cargo", ["fetch", ...manifest], errors) === null) return null;
    metadata = await run("cargo", query, errors);
  }
  if (metadata === null) return null;
  const { packages } = JSON.parse(metadata) as { packages: { name: string; manifest_path: string }[] };
  const crate = packages.find((entry) => entry.name === CRATE);
  if (!crate) errors.push(`the crate ${CRATE} is not among the packages`);
  return crate ? `${crate.manifest_path.replace(/[/\\]Cargo\.toml$/, "")}/depend/secp256k1` : null;
}
