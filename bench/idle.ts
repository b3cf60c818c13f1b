/**
 * What connections that say nothing cost: `deno task bench idle [--connections N] [--seconds T]`, and the flags of
 * `scenario.ts`. Prints one line of JSON: memory a connection with one subscription, and CPU time while idle.
 * Runs in a process of its own.
 *
 * @module
 */
import { drive } from "./driver.ts";
import { Flags } from "./flags.ts";
import { printResult } from "./output.ts";
import { readSetting, target, withRelay } from "./scenario.ts";

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  const flags = new Flags(words);
  const setting = readSetting(flags);
  const connections = flags.number("connections", 5_000);
  const seconds = flags.number("seconds", 5);
  flags.finish();

  await withRelay(setting, async ({ relay, facts }) => {
    const args = ["--connections", connections, "--seconds", seconds];
    await printResult({ ...await drive(["idle", ...target(relay), ...args]), ...facts });
  });
}
