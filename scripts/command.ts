/**
 * What the commands have in common: how they speak and how they end. Standard output is for what they write, so all that
 * they say goes to standard error.
 * Runs in the command's own process.
 *
 * @module
 */

/** Says a line on standard error. */
export function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Runs a command and ends the process with its exit code; with 1, and the reason said, if it throws. */
export async function runCommand(main: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await main());
  } catch (error) {
    say((error as Error).message);
    Deno.exit(1);
  }
}
