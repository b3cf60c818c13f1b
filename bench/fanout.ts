/**
 * How fast a relay delivers new events to subscribers: `deno task bench fanout [--subscribers N] [--subscriptions M]
 * [--matching K] [--events E] [--window W] [--rate R]`, and the flags of `scenario.ts`. Prints one line of JSON:
 * deliveries a second, latency from EVENT to delivery, CPU time a delivery. Runs in a process of its own.
 *
 * @module
 */
import { drive } from "./driver.ts";
import { readFlags } from "./flags.ts";
import { printResult } from "./output.ts";
import { readSetting, SETTING, target, withRelay } from "./scenario.ts";

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  // 0: as many as there are subscribers, as there are subscriptions, and as make 200,000 deliveries.
  const defaults = { subscribers: 100, subscriptions: 0, matching: 0, events: 0, window: 64, rate: 0 };
  const flags = readFlags(words, { ...SETTING, ...defaults });
  const { subscribers, window, rate } = flags;
  const subscriptions = flags.subscriptions || subscribers;
  const matching = flags.matching || subscriptions;
  const events = flags.events || Math.max(200, Math.round(200_000 / matching));
  const setting = readSetting(flags);

  await withRelay(setting, async ({ relay, facts }) => {
    const crowd = ["--subscribers", subscribers, "--subscriptions", subscriptions, "--matching", matching];
    const load = ["--events", events, "--window", window, "--rate", rate];
    await printResult({ ...await drive(["fanout", ...target(relay), ...crowd, ...load]), ...facts });
  });
}
