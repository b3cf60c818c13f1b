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
import { Flags } from "./flags.ts";
import { printResult } from "./output.ts";
import { readSetting, target, withRelay } from "./scenario.ts";

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  const flags = new Flags(words);
  const setting = readSetting(flags);
  const events = flags.number("events", 100_000);
  const connections = flags.number("connections", 8);
  const window = flags.switch("one-at-a-time") ? 1 : flags.number("window", 64);
  const ephemeral = flags.switch("ephemeral");
  flags.finish();

  const file = await corpus(events, setting.seed, ephemeral);
  await withRelay(setting, async ({ relay, facts }) => {
    const args = ["--file", file, "--connections", connections, "--window", window];
    await printResult({ ...await drive(["ingest", ...target(relay), ...args]), ...facts });
  });
}
