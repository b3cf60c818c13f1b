/**
 * What the commands have in common: how they speak, how they are read and how they end. Standard output is for what they
 * write, so all that they say goes to standard error; but `--help` is asked for, and writes the text at the top of the
 * command's file. Whoever gives words that make no sense gets the same text on standard error, and code 2.
 * Runs in the command's own process.
 *
 * @module
 */

/** Words of the command line that make no sense; the command's usage is told with it. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Says a line on standard error. */
export function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Runs a command and ends the process with its exit code; with 1, and the reason said, if it throws. */
export async function runCommand(fileUrl: string, main: () => Promise<number>): Promise<never> {
  await answerHelp(fileUrl);
  try {
    Deno.exit(await main());
  } catch (error) {
    await endIfMisused(fileUrl, error);
    say((error as Error).message);
    Deno.exit(1);
  }
}

/** Writes the usage and ends the process with 0, if the command line asks for it. */
export async function answerHelp(fileUrl: string): Promise<void> {
  if (!Deno.args.includes("--help")) return;
  Deno.stdout.writeSync(new TextEncoder().encode(`${await usageOf(fileUrl)}\n`));
  Deno.exit(0);
}

/** Says what is wrong and the usage, and ends the process with 2, if the error is about the command line. */
export async function endIfMisused(fileUrl: string, error: unknown): Promise<void> {
  const isParsing = String((error as { code?: unknown } | null)?.code).startsWith("ERR_PARSE_ARGS");
  if (!isParsing && !(error instanceof UsageError)) return;
  say(`${(error as Error).message}\n\n${await usageOf(fileUrl)}`);
  Deno.exit(2);
}

/** The text at the top of a command's file. */
export async function usageOf(fileUrl: string): Promise<string> {
  const [, header = ""] = /^\/\*\*\n(.*?)\n \*\//s.exec(await Deno.readTextFile(new URL(fileUrl))) ?? [];
  const lines = header.split("\n").map((line) => line.replace(/^ \* ?/, ""));
  return lines.slice(0, lines.indexOf("@module")).join("\n").trim();
}

/**
 * The number that an option says, or `otherwise` where it is not given.
 *
 * @throws {UsageError}
 */
export function numberOf(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text.replaceAll("_", ""));
  if (text === "" || !Number.isFinite(value) || value < 0) {
    throw new UsageError(`Cannot read --${name} "${text}": not a number`);
  }
  return value;
}
