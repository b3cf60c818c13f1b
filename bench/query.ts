/**
 * How fast a relay answers REQs: `deno task bench query [--kinds ids,author,…] [--events N] [--connections C]
 * [--seconds T]`, and the flags of `scenario.ts`. Stores a corpus first, then prints one line of JSON a kind of
 * query: queries and events a second, latency to the EOSE, CPU time a query. Runs in a process of its own.
 *
 * @module
 */
import { corpus } from "./corpus.ts";
import { drive } from "./driver.ts";
import { readFlags } from "./flags.ts";
import { printResult } from "./output.ts";
import { readSetting, SETTING, target, withRelay } from "./scenario.ts";

/** The queries that are measured unless others are named; `bench/load/src/filters.rs` says what each asks for. */
export const QUERY_KINDS = [
  "ids",
  "ids100",
  "author",
  "profile",
  "kind100",
  "etag",
  "ptag",
  "timeline200",
] as const;

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  const flags = readFlags(words, {
    ...SETTING,
    events: 100_000,
    connections: 4,
    seconds: 3,
    kinds: QUERY_KINDS,
  });
  const { events, connections, seconds, kinds } = flags;
  const setting = readSetting(flags);

  const file = await corpus(events, setting.seed);
  await withRelay(setting, async ({ relay, facts }) => {
    await drive(["ingest", ...target(relay), "--file", file]);
    for (const kind of kinds) {
      const args = ["--file", file, "--kind", kind, "--connections", connections, "--seconds", seconds];
      await printResult({ ...await drive(["query", ...target(relay), ...args]), ...facts });
    }
  });
}
