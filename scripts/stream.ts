/**
 * Streams events from another relay, or to it, as they come, until it is stopped: `deno task stream wss://… [--dir down]`.
 *
 * The first run begins with now; a later one resumes where the one before was stopped, so that nothing between is missed.
 * Where a relay runs on `DATA_DIR`, events that come down go through it; where none runs, they are written to the store
 * itself. What came from the other relay is not sent back to it.
 *
 *   --dir D           down (by default), up, or both
 *
 * What it says goes to standard error. Exit code 130: stopped by Ctrl-C; 1: it could not go on, as when the relay that runs
 * on `DATA_DIR` ends. The other relay may come and go.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Direction } from "../lib/routing/stream.ts";
import { readSettings } from "../runtime/settings_file.ts";
import { runCommand, say, UsageError } from "./command.ts";
import { EXIT_INTERRUPTED, onInterrupt, stoppedBy } from "./interrupt.ts";
import { relayUrl } from "./named_relay.ts";
import { StreamLinks } from "./stream_links.ts";

const DIRECTIONS: readonly string[] = ["up", "down", "both"] satisfies readonly Direction[];

async function main(): Promise<number> {
  const { values: { dir }, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: { dir: { type: "string", default: "down" } },
  });
  if (!DIRECTIONS.includes(dir)) {
    throw new UsageError(`Cannot use direction "${dir}": it should be one of up/down/both`);
  }
  const url = relayUrl(positionals);
  const config = await readSettings(".env", Deno.env.toObject());
  const stop = onInterrupt();
  const links = await StreamLinks.open(config, { beginsWithHistory: false, address: url });
  const stream = {
    name: "deno task stream",
    direction: dir as Direction,
    filter: {},
    urls: [url],
    pluginUp: null,
    pluginDown: null,
  };
  await links.use([stream]);
  await Promise.race([stoppedBy(stop), links.failed]);
  const report = await links.end();
  if (report !== null) say(`received ${report.read} events, stored ${report.stored}`);
  return EXIT_INTERRUPTED;
}

if (import.meta.main) await runCommand(import.meta.url, main);
