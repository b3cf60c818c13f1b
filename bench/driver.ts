/**
 * The load driver (`bench/load`, a Rust program): built with cargo when it is missing or older than its sources,
 * run as a child process, its line of JSON read. Runs in the bench's own process.
 *
 * @module
 */
import { linesOf } from "../lib/lines.ts";
import { printProgress } from "./output.ts";

const LOAD = new URL("./load/", import.meta.url);
const PROGRAM = new URL("./target/release/sluice-load", LOAD);

/** Bytes of a line of the driver. */
const LINE_BYTES_MAX = 64 * 1024;

/** A line of the driver: names with numbers, texts, or counts by prefix. */
export type Measured = Record<string, number | string | boolean | Record<string, number>>;

let built: Promise<void> | undefined;

/**
 * Runs one command of the driver, e.g. `["ingest", "--url", "ws://127.0.0.1:8000"]`.
 *
 * @throws {Error} if it cannot run. Wrong or missing answers do not throw: they are `problems` in the line.
 */
export async function drive(args: readonly (string | number)[]): Promise<Measured> {
  await (built ??= build());
  const command = new Deno.Command(PROGRAM, { args: args.map(String), stdout: "piped", stderr: "piped" });
  const { code, stdout, stderr } = await command.output();
  if (code > 1) throw new Error(`Cannot run "${args[0]}": ${text(stderr).trim() || `exit code ${code}`}`);
  return JSON.parse(text(stdout)) as Measured;
}

/** A command of the driver that is talked with: it says lines, and hears words. */
interface OpenDriver extends AsyncDisposable {
  /** Its next line. Rejects if it has ended. */
  line(): Promise<Measured>;
  say(word: string): Promise<void>;
}

/** Starts a command that stays until it is disposed of. */
export async function openDriver(args: readonly (string | number)[]): Promise<OpenDriver> {
  await (built ??= build());
  const child = new Deno.Command(PROGRAM, { args: args.map(String), stdin: "piped", stdout: "piped" })
    .spawn();
  const lines = linesOf(child.stdout, { bytesMax: LINE_BYTES_MAX });
  const words = child.stdin.getWriter();
  return {
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`Cannot go on with "${args[0]}": the driver has ended`);
      return JSON.parse(value) as Measured;
    },
    say: (word) => words.write(new TextEncoder().encode(`${word}\n`)),
    async [Symbol.asyncDispose]() {
      await words.close().catch(() => {});
      // Its last line would find nobody who reads it.
      while (!(await lines.next()).done);
      await child.status;
    },
  };
}

/** Builds the driver; cargo itself sees whether there is anything to do. */
async function build(): Promise<void> {
  const isNew = await Deno.stat(PROGRAM).then(() => false, () => true);
  if (isNew) await printProgress("building the load driver (once)");
  const args = ["build", "--release", "--locked", "--quiet"];
  const command = new Deno.Command("cargo", { args, cwd: LOAD, stdout: "null", stderr: "piped" });
  const { success, stderr } = await command.output().catch((cause) => {
    throw new Error('Cannot build the load driver: "cargo" is not in PATH (Rust 1.90 or later)', { cause });
  });
  if (!success) throw new Error(`Cannot build the load driver: cargo failed\n${text(stderr)}`);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
