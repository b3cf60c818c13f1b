/**
 * Reads events as JSONL from standard input into the store: `deno task import [OPTIONS] < events.jsonl`.
 * The input may be packed by gzip. A live pipe may feed it: each line is passed on as it comes.
 *
 * Where a relay runs on `DATA_DIR`, the events go through it, by its control socket: live subscribers see them. Where
 * none runs, they are written to the store itself; a relay that starts later indexes them.
 *
 *   --no-verify       take signatures for granted; ids are checked all the same
 *   --no-limits       take events of any size that fits one line of 2 MiB (beside a relay, 512 KiB); otherwise the
 *                     limits on what clients send hold (MAX_MESSAGE_LENGTH, MAX_EVENT_TAGS, MAX_CONTENT_LENGTH), and
 *                     what exceeds them is refused
 *
 * Progress goes to standard error, with the line, id and reason of the first 100 lines that were refused; all are counted
 * by reason. Exit code 0: every line was an event that is now stored or was already; 3: some lines were refused; 130: it
 * was stopped by Ctrl-C, and said how far it came; 1: it could not go on.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { readSettings } from "../runtime/settings_file.ts";
import type { ImportReport, NamedRefusal } from "../wire/control_lines.ts";
import { runCommand, say } from "./command.ts";
import { importEvents } from "./event_intake.ts";
import { eventLines } from "./event_lines.ts";
import { EXIT_INTERRUPTED, linesUntil, onInterrupt } from "./interrupt.ts";
import { Progress, standardInputBytes } from "./progress.ts";

function progressOf({ read, stored, duplicates, refused }: ImportReport): string {
  return `read ${read}, stored ${stored}, already there ${duplicates}, refused ${refused}`;
}

function refusalOf({ line, id, reason }: NamedRefusal): string {
  return `line ${line ?? "unknown"}${id === "" ? "" : `, id ${id}`}: ${reason}`;
}

/** The pieces as they are; says how many bytes were read. */
async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  add: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    add(piece.length);
    yield piece;
  }
}

function sayResult(report: ImportReport, seconds: number): void {
  say(`${progressOf(report)}; ${seconds.toFixed(1)} s, ${Math.round(report.read / seconds)} events/s`);
  for (const [reason, times] of Object.entries(report.reasons)) say(`  refused ${times} times: ${reason}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      "no-verify": { type: "boolean", default: false },
      "no-limits": { type: "boolean", default: false },
    },
  });
  const config = await readSettings(".env", Deno.env.toObject());
  const startedMs = performance.now();
  const stop = onInterrupt();
  const progress = new Progress(standardInputBytes());
  let bytes = 0;
  const tell = (report: ImportReport) => {
    for (const refusal of report.refusals) progress.say(refusalOf(refusal));
    progress.tell(bytes, progressOf(report));
  };
  const input = counted(Deno.stdin.readable, (more) => bytes += more);
  const report = await importEvents({
    config,
    choices: { verify: !values["no-verify"], limits: !values["no-limits"], address: "" },
    lines: linesUntil(stop, eventLines(input)),
    tell,
  }).finally(() => progress.end());
  for (const refusal of report.refusals) say(refusalOf(refusal));
  sayResult(report, (performance.now() - startedMs) / 1000);
  if (!stop.aborted) return report.refused === 0 ? 0 : 3;
  say(`stopped after ${report.read} events; those that were stored are on disk`);
  return EXIT_INTERRUPTED;
}

if (import.meta.main) await runCommand(import.meta.url, main);
