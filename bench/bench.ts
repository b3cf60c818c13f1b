/**
 * Measures: `deno task bench SCENARIO [flags]`. Each scenario is a file beside this one with a `main(words)`; its
 * header says its flags and what it prints. Runs in a process of its own.
 *
 * @module
 */
import { printProgress } from "./output.ts";

const SCENARIOS: Record<string, string> = {
  ingest: "events in: rate, latency from EVENT to OK, CPU and memory",
  query: "REQs answered: rate, latency to the EOSE, CPU",
  fanout: "new events to subscribers: rate, latency, CPU",
  mixed: "writing and reading at once",
  idle: "memory of connections that say nothing",
  subscriptions: "a publish where many are subscribed and few match",
  scale: "queries in a small and in a large store",
  upstreams: "events of many other relays read, with copies",
  fanout_encryption: "payloads encrypted for followers, in one thread",
  verify: "signatures verified in each tier",
  intake: "frames parsed, verified and packed, in one thread",
  dedupe: "events that many upstream relays send: what stops them, and at what cost",
  against: "this tree and another checkout, interleaved: ratios",
  peers: "all of it against other relays, with a report",
};

/** Runs the scenario that the first word names. */
async function main(words: readonly string[]): Promise<number> {
  const [name = "", ...rest] = words;
  if (!Object.hasOwn(SCENARIOS, name)) {
    const lines = Object.entries(SCENARIOS).map(([name, what]) => `  ${name.padEnd(13)} ${what}`);
    await printProgress(`usage: deno task bench SCENARIO [flags]\n${lines.join("\n")}`);
    return 2;
  }
  const scenario = await import(`./${name}.ts`) as { main(words: readonly string[]): Promise<void> };
  try {
    await scenario.main(rest);
    return 0;
  } catch (error) {
    await printProgress(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

if (import.meta.main) {
  // Exiting runs what ends the relays and removes their directories; the default of a signal does not.
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => Deno.exit(130));
  Deno.exit(await main(Deno.args));
}
