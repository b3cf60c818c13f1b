/**
 * The commands that an operator runs, as processes of their own.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url).pathname;

/** What a command did. */
interface Outcome {
  readonly code: number;
  /** Its standard output. */
  readonly lines: readonly string[];
  /** Its standard error. */
  readonly said: string;
}

/** Runs `scripts/NAME.ts` on a data directory, with `input` on its standard input. */
export async function command(
  name: string,
  dataDir: string,
  input = "",
  words: readonly string[] = [],
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", `--config=${ROOT}deno.json`, `${ROOT}scripts/${name}.ts`, ...words],
    env: { DATA_DIR: dataDir },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const lines = new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
  return { code, lines, said: new TextDecoder().decode(stderr) };
}
