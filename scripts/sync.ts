/**
 * Compares the store with another relay (NIP-77), and brings both to the same events:
 * `deno task sync wss://… [--dir both] [--filter JSON] [--range 7d-1d]`.
 *
 * Where a relay runs on `DATA_DIR`, events that come down go through it, so that live subscribers see them; where none
 * runs, they are written to the store itself. Kinds that only their recipients may read go up only where the filter
 * names them; banned and protected events (NIP-70) never do.
 *
 *   --dir D               both (by default), down, up, or none: compare only
 *   --filter JSON         a filter of NIP-01
 *   --range S-E           from this age to that one, as 7d-1d or 2M-; units s, m, h, d, w, M, Y
 *   --frame-size-limit N  bytes of a message of ours, 60000 by default; 0: what the relay accepts
 *   --print-missing       write `have ID` and `need ID` to standard output: the ids that they, and that we, lack
 *   --timeout S           give up where the relay sends nothing for so many seconds
 *
 * What it says goes to standard error. Exit code 0: both are level, as far as the direction says; 3: one of the two refused
 * events; 1: it could not; 130: stopped by Ctrl-C.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { ComparisonFault, type Difference } from "../lib/upstream/stream_reads.ts";
import type { OpenConversation } from "../runtime/open_conversation.ts";
import { readSettings } from "../runtime/settings_file.ts";
import { numberOf, runCommand, say, UsageError } from "./command.ts";
import { EventFeed } from "./event_feed.ts";
import { Levelling } from "./levelling.ts";
import { EXIT_INTERRUPTED, onInterrupt, stoppedBy } from "./interrupt.ts";
import { connectTo, relayUrl, wantedOf } from "./named_relay.ts";
import { StoredEvents } from "./stored_events.ts";
import { Progress } from "./progress.ts";
import { SetSync } from "./set_sync.ts";

const FRAME_BYTES_DEFAULT = 60_000;
const DIRECTIONS = ["both", "down", "up", "none"];
const SILENCE_LOOK_MS = 500;

/** Ends the connection of a relay that is silent for too long. */
function watchSilence({ socket }: OpenConversation, seconds: number): () => void {
  if (seconds === 0) return () => {};
  const timer = setInterval(() => {
    if (performance.now() - socket.heardMs < seconds * 1_000) return;
    socket.fail({ kind: "timeout", reason: `the relay has sent nothing for ${seconds} s` });
  }, SILENCE_LOOK_MS);
  return () => clearInterval(timer);
}

/** What the command line asks for. Throws `UsageError`. */
function readWords() {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      dir: { type: "string", default: "both" },
      filter: { type: "string" },
      range: { type: "string" },
      "frame-size-limit": { type: "string" },
      "print-missing": { type: "boolean", default: false },
      timeout: { type: "string" },
    },
  });
  const { dir, filter, range } = values;
  if (!DIRECTIONS.includes(dir)) {
    throw new UsageError(`Cannot use direction "${dir}": it should be one of both/down/up/none`);
  }
  const wanted = wantedOf(filter, range);
  if (wanted.limit !== Infinity || wanted.filter.search !== undefined) {
    throw new UsageError("Cannot compare by this filter: limit and search have no meaning for a whole set");
  }
  return {
    url: relayUrl(positionals),
    wanted,
    goesUp: dir === "both" || dir === "up",
    comesDown: dir === "both" || dir === "down",
    frameBytesMax: numberOf("frame-size-limit", values["frame-size-limit"], FRAME_BYTES_DEFAULT) || Infinity,
    printsMissing: values["print-missing"],
    timeoutSeconds: numberOf("timeout", values.timeout, 0),
  };
}

function printMissing({ have, need }: Difference): void {
  const lines = [...have.map((id) => `have ${id}\n`), ...need.map((id) => `need ${id}\n`)];
  const bytes = new TextEncoder().encode(lines.join(""));
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function main(): Promise<number> {
  const words = readWords();
  const config = await readSettings(".env", Deno.env.toObject());
  await Deno.mkdir(config.DATA_DIR, { recursive: true });
  const stop = onInterrupt();
  const own = new StoredEvents(config);
  const opened = await connectTo(words.url, config, { signal: stop });
  const endWatch = watchSilence(opened, words.timeoutSeconds);
  const progress = new Progress(null);
  const feed = new EventFeed(config, {
    address: words.url,
    tell: ({ refusals }) => {
      for (const { id, reason } of refusals) progress.say(`Unable to store event ${id}: ${reason}`);
    },
  });
  const isWanted = own.upward(words.wanted.filter);
  const levelling = new Levelling(opened, own, { feed, progress, isWanted });
  const sync = new SetSync({
    conversation: opened.conversation,
    filter: words.wanted.filter,
    range: words.wanted.range,
    frameBytesMax: words.frameBytesMax,
    ownItems: (filter, range) => own.items(filter, range),
    found: (difference) => {
      levelling.expect(difference);
      if (words.printsMissing) printMissing(difference);
    },
    up: words.goesUp ? (ids) => levelling.send(ids) : null,
    down: words.comesDown ? (text, batch) => levelling.take(text, batch) : null,
    nowSeconds: () => Math.floor(Date.now() / 1000),
  });
  const running = sync.run().then(() => true).catch((error) => {
    if (!(error instanceof ComparisonFault)) throw error;
    throw new Error(`Cannot compare with "${words.url}": ${error.message}`);
  });
  let isThrough: boolean | null = null;
  try {
    isThrough = await Promise.race([running, stoppedBy(stop)]);
  } finally {
    endWatch();
    // What has come is stored, however the comparison ended.
    const report = await feed.end();
    progress.end();
    for (const { id, reason } of report?.refusals ?? []) say(`Unable to store event ${id}: ${reason}`);
    sayTotals(sync, levelling);
    levelling.refusedUp += report?.refused ?? 0;
  }
  await opened.close();
  if (isThrough === null) return EXIT_INTERRUPTED;
  return levelling.refusedUp === 0 ? 0 : 3;
}

function sayTotals({ totals }: SetSync, { up, down, withheld }: Levelling): void {
  say(`Filter matches ${totals.own} events`);
  say(`Set reconcile complete. Have ${totals.have} need ${totals.need}`);
  if (up > 0) say(`UP: ${up} events (0 remaining)`);
  if (down > 0) say(`DOWN: ${down} events (0 remaining)`);
  if (withheld > 0) say(`${withheld} events stay here: they are not for everybody, or are gone`);
  if (totals.notSent > 0) say(`${totals.notSent} events were named by the relay and not sent`);
}

if (import.meta.main) await runCommand(import.meta.url, main);
