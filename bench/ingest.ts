/**
 * How fast a relay takes events in: `deno task bench ingest [--events N] [--connections C] [--window W |
 * --one-at-a-time] [--ephemeral]`, and the flags of `scenario.ts`. Prints one line of JSON: events a second, latency from
 * EVENT to OK, CPU time an event, memory. With `--ephemeral` nothing is stored and nobody listens: what is left is the
 * pipeline itself, sockets and verification. Runs in a process of its own.
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
  const defaults = { events: 100_000, connections: 8, window: 64, "one-at-a-time": false, ephemeral: false };
  const flags = readFlags(words, { ...SETTING, ...defaults });
  const { events, connections, ephemeral } = flags;
  const window = flags["one-at-a-time"] ? 1 : flags.window;
  const setting = readSetting(flags);

  const file = await corpus(events, setting.seed, ephemeral);
  await withRelay(setting, async ({ relay, facts }) => {
    const args = ["--file", file, "--connections", connections, "--window", window];
    await printResult({ ...await drive(["ingest", ...target(relay), ...args]), ...facts });
  });
}
