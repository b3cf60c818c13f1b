/**
 * Writes the generated parts of the documents: settings, NIPs, bounds and the chart.
 *
 *   deno task docs
 *
 * Prints the path of each document that changed. `deno task tidy` fails where a document differs from what this writes.
 * Runs in a process of its own.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the command's output
import { parseArgs } from "node:util";
import { runCommand } from "./command.ts";
import { generatedDocuments } from "./docs/generated.ts";

async function main(): Promise<number> {
  parseArgs({ args: Deno.args, options: {} });
  const root = new URL("../", import.meta.url);
  for (const { path, actual, expected } of await generatedDocuments(root)) {
    if (actual === expected) continue;
    await Deno.writeTextFile(new URL(path, root), expected);
    console.log(path);
  }
  return 0;
}

if (import.meta.main) await runCommand(import.meta.url, main);
