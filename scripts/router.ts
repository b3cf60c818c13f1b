/**
 * Runs the streams of a file, as strfry's router does, until it is stopped: `deno task router FILE`.
 *
 * The file is one of strfry's router, or TOML where its name ends in `.toml`; it is read again when it changes, and streams
 * that are the same go on. A new stream begins with all that the other relay has stored, and one that was stopped resumes.
 * A relay that should do this itself names the file in STREAMS_FILE.
 *
 * What it says goes to standard error. Exit code 130: stopped by Ctrl-C; 1: it could not go on, as when the file makes no
 * sense at the start, or the relay that runs on `DATA_DIR` ends. The other relays may come and go.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { STREAMS_FILE_LOOK_MS } from "../lib/limits.ts";
import { readStreams } from "../lib/routing/read_streams.ts";
import type { Stream } from "../lib/routing/stream.ts";
import { readSettings } from "../runtime/settings_file.ts";
import { runCommand, say, UsageError } from "./command.ts";
import { EXIT_INTERRUPTED, onInterrupt, stoppedBy } from "./interrupt.ts";
import { StreamLinks } from "./stream_links.ts";

/** The streams of a file; their names are not those of the relay's own STREAMS_FILE. */
async function streamsOf(path: string): Promise<Stream[]> {
  const { streams, ignored } = readStreams(path, await Deno.readTextFile(path));
  for (const sentence of ignored) say(`${path}: ${sentence}`);
  return streams.map((stream) => ({ ...stream, name: `deno task router: ${stream.name}` }));
}

/** Reads the file again whenever it changes. What makes no sense is said, and the streams stay as they are. */
async function followFile(path: string, links: StreamLinks, stop: AbortSignal): Promise<void> {
  let text = await Deno.readTextFile(path);
  while (!stop.aborted) {
    await new Promise((resolve) => setTimeout(resolve, STREAMS_FILE_LOOK_MS));
    try {
      const now = await Deno.readTextFile(path);
      if (now === text) continue;
      text = now;
      await links.use(await streamsOf(path));
      say(`${path} was read again`);
    } catch (error) {
      say(`${path}: ${(error as Error).message}`);
    }
  }
}

async function main(): Promise<number> {
  const { positionals: [path, ...more] } = parseArgs({ args: Deno.args, allowPositionals: true });
  if (path === undefined || more.length > 0) {
    throw new UsageError("Cannot run command: it needs one file of streams");
  }
  const config = await readSettings(".env", Deno.env.toObject());
  const streams = await streamsOf(path);
  const stop = onInterrupt();
  const links = await StreamLinks.open(config, { beginsWithHistory: true, address: "" });
  await links.use(streams);
  const following = followFile(path, links, stop);
  await Promise.race([stoppedBy(stop), links.failed, following]);
  const report = await links.end();
  if (report !== null) say(`received ${report.read} events, stored ${report.stored}`);
  return EXIT_INTERRUPTED;
}

if (import.meta.main) await runCommand(import.meta.url, main);
