/**
 * How fast a relay delivers new events to subscribers: `deno task bench fanout [--subscribers N] [--subscriptions M]
 * [--matching K] [--events E] [--window W] [--rate R]`, and the flags of `scenario.ts`. Prints one line of JSON:
 * deliveries a second, latency from EVENT to delivery, CPU time a delivery. Runs in a process of its own.
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
  const subscribers = flags.number("subscribers", 100);
  const subscriptions = flags.number("subscriptions", subscribers);
  const matching = flags.number("matching", subscriptions);
  const events = flags.number("events", Math.max(200, Math.round(200_000 / matching)));
  const window = flags.number("window", 64);
  const rate = flags.number("rate", 0);
  flags.finish();

  await withRelay(setting, async ({ relay, facts }) => {
    const crowd = ["--subscribers", subscribers, "--subscriptions", subscriptions, "--matching", matching];
    const load = ["--events", events, "--window", window, "--rate", rate];
    await printResult({ ...await drive(["fanout", ...target(relay), ...crowd, ...load]), ...facts });
  });
}
