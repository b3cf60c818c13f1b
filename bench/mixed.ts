/**
 * Writing and reading at once: `deno task bench mixed [--events N] [--stored K] [--writers W] [--readers R]
 * [--seconds T]`, and the flags of `scenario.ts`. Stores the first K events, then writes the rest while readers ask.
 * Prints one line of JSON. Runs in a process of its own.
 *
 * @module
 */
import { corpus } from "./corpus.ts";
import { drive } from "./driver.ts";
import { readFlags } from "./flags.ts";
import { printResult } from "./output.ts";
import { readSetting, SETTING, target, withRelay } from "./scenario.ts";

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  const defaults = { events: 200_000, stored: 50_000, writers: 4, readers: 4, seconds: 3 };
  const flags = readFlags(words, { ...SETTING, ...defaults });
  const { events, stored, writers, readers, seconds } = flags;
  const setting = readSetting(flags);

  const file = await corpus(events, setting.seed);
  await withRelay(setting, async ({ relay, facts }) => {
    await drive(["ingest", ...target(relay), "--file", file, "--events", stored]);
    const args = ["--file", file, "--stored", stored, "--writers", writers, "--readers", readers];
    await printResult({
      ...await drive(["mixed", ...target(relay), ...args, "--seconds", seconds]),
      ...facts,
    });
  });
}
