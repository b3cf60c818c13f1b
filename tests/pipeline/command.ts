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
  input: string | Uint8Array<ArrayBuffer> = "",
  words: readonly string[] = [],
): Promise<Outcome> {
  await using running = startCommand(name, dataDir, words);
  await running.write(input);
  await running.endInput();
  return await running.ended;
}

/** A command that runs. `await using` kills it. */
interface RunningCommand extends AsyncDisposable {
  /** Its standard error so far. */
  said(): string;
  /** Its standard output so far. */
  wrote(): string;
  /** Feeds its standard input. */
  write(input: string | Uint8Array<ArrayBuffer>): Promise<void>;
  endInput(): Promise<void>;
  signal(signal: Deno.Signal): void;
  readonly ended: Promise<Outcome>;
}

/** Starts `scripts/NAME.ts` on a data directory. */
export function startCommand(name: string, dataDir: string, words: readonly string[] = []): RunningCommand {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", `--config=${ROOT}deno.json`, `${ROOT}scripts/${name}.ts`, ...words],
    env: { DATA_DIR: dataDir },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const texts = { out: "", error: "" };
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>, to: "out" | "error") => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) texts[to] += text;
  };
  const ended = Promise.all([child.status, collect(child.stdout, "out"), collect(child.stderr, "error")])
    .then(([{ code }]) => ({
      code,
      lines: texts.out.split("\n").filter((line) => line !== ""),
      said: texts.error,
    }));
  let hasEnded = false;
  ended.then(() => hasEnded = true);
  return {
    said: () => texts.error,
    wrote: () => texts.out,
    // It may end before it has read all.
    write: (input) =>
      writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input).catch(() => {}),
    endInput: () => writer.close().catch(() => {}),
    signal: (signal) => child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      if (!hasEnded) child.kill("SIGKILL");
      await ended;
      await writer.abort().catch(() => {});
    },
  };
}
