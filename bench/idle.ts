/**
 * What connections that say nothing cost: `deno task bench idle [--connections N] [--seconds T]`, and the flags of
 * `scenario.ts`. Prints one line of JSON: memory a connection with one subscription, and CPU time while idle.
 * Runs in a process of its own.
 *
 * @module
 */
import { drive } from "./driver.ts";
import { readFlags } from "./flags.ts";
import { printResult } from "./output.ts";
import { readSetting, SETTING, target, withRelay } from "./scenario.ts";

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  const flags = readFlags(words, { ...SETTING, connections: 5_000, seconds: 5 });
  const { connections, seconds } = flags;
  const setting = readSetting(flags);

  await withRelay(setting, async ({ relay, facts }) => {
    const args = ["--connections", connections, "--seconds", seconds];
    await printResult({ ...await drive(["idle", ...target(relay), ...args]), ...facts });
  });
}
