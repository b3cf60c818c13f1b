/**
 * Builds the search index anew beside the relay that runs: `deno task reindex`.
 *
 * The relay's indexer does it; this asks for it, and says how far it is. OpenSearch gets a new index beside the one that
 * serves, and searches move to it when it is as far as the log. The embedded index is emptied and filled; searches end in
 * `CLOSED error:` meanwhile. Writes go on in any case.
 *
 * Whatever ends in between (this command, the relay, OpenSearch), it goes on from where it was: the command may be ended
 * and called again.
 *
 * Exit code 0: the new index serves; 1: nothing could be asked for; 2: it is asked for, and begins with the relay's next
 * start, because none runs; also 2: the
 * command takes no such words.
 * Runs in a process of its own; the request is a row in `search.db`.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { FOLLOWER, IndexState, openStateDatabase } from "../lib/search/index_state.ts";
import { LogReader } from "../lib/log/log_reader.ts";
import { openForReading } from "../lib/store/keep/open.ts";
import { controlPath, searchPath, storePath } from "../runtime/data_paths.ts";
import { readSettings } from "../runtime/settings_file.ts";
import { runCommand, say } from "./command.ts";

const PROGRESS_INTERVAL_MS = 1_000;

async function relayRuns(dataDir: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: controlPath(dataDir) })).close();
    return true;
  } catch {
    return false;
  }
}

/** Says how far it is until it is done. Returns whether it is, or the relay ended before. */
async function follow(dataDir: string, state: IndexState, log: LogReader): Promise<boolean> {
  let told = "";
  for (let generation = state.rebuild; generation !== null; generation = state.rebuild) {
    const done = generation === "" ? 0 : state.cursors.seqOf(FOLLOWER, generation);
    const line = `${done} of ${log.lastSeq} changes`;
    if (line !== told) say(line);
    told = line;
    if (!await relayRuns(dataDir)) return false;
    await new Promise((resolve) => setTimeout(resolve, PROGRESS_INTERVAL_MS));
  }
  return true;
}

async function main(): Promise<number> {
  parseArgs({ args: Deno.args, options: {} });
  const config = await readSettings(".env", Deno.env.toObject());
  const dataDir = resolve(config.DATA_DIR);
  let db;
  try {
    db = openForReading(storePath(dataDir), config.CACHE_MB);
  } catch (error) {
    throw new Error(`Cannot reindex DATA_DIR "${dataDir}": ${(error as Error).message}`);
  }
  const state = new IndexState(openStateDatabase(searchPath(dataDir)));
  const startedMs = performance.now();
  say(
    state.rebuild === null ? "the search index is built anew" : "the search index is being built: it goes on",
  );
  state.askRebuild();
  const isDone = await follow(dataDir, state, new LogReader(db));
  state.close();
  db.close();
  say(
    isDone
      ? `the new index serves; ${((performance.now() - startedMs) / 1000).toFixed(1)} s`
      : `no relay runs on "${dataDir}": it goes on with the next start`,
  );
  return isDone ? 0 : 2;
}

if (import.meta.main) await runCommand(import.meta.url, main);
