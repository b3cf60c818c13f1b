/**
 * Reads events as JSONL from standard input into the store: `deno task import [OPTIONS] < events.jsonl`.
 *
 * Where a relay runs on `DATA_DIR`, the events go through it, by its control socket: live subscribers see them. Where
 * none runs, they are written to the store itself; a relay that starts later indexes them.
 *
 *   --no-verify       take signatures for granted; ids are checked all the same
 *   --no-limits       take events of any size that fits one line of 2 MiB (beside a relay, 512 KiB); otherwise the
 *                     limits on what clients send hold (MAX_MESSAGE_LENGTH, MAX_EVENT_TAGS, MAX_CONTENT_LENGTH), and
 *                     what exceeds them is refused
 *
 * Progress goes to standard error. Exit code 0: every line was an event that is now stored or was already;
 * 3: some lines were refused, with the reasons on standard error.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { resolve } from "node:path";
import type { Config } from "../lib/config/config.ts";
import { IMPORT_LINE_BYTES_MAX } from "../lib/limits.ts";
import { linesOf } from "../lib/lines.ts";
import { lockDataDir } from "../runtime/data_dir.ts";
import type { ImportReport, ImportRequest } from "../wire/control_lines.ts";
import { controlPath } from "../runtime/data_paths.ts";
import { checkPolicyFiles, policyFilesOf } from "../runtime/policy_files.ts";
import { DirectImport } from "../services/importer/direct_import.ts";
import { readSettings } from "../runtime/settings_file.ts";
import { runCommand, say } from "./command.ts";
import { nativeLibraryPath } from "./native.ts";

const PROGRESS_INTERVAL_MS = 1_000;

/** What the operator has decided about the events. */
type ImportChoices = Pick<ImportRequest, "verify" | "limits">;

/** Through a running relay. */
async function importThroughRelay(path: string, { verify, limits }: ImportChoices): Promise<ImportReport> {
  const connection = await Deno.connect({ transport: "unix", path });
  const request: ImportRequest = { command: "import", verify, limits };
  const reports = readReports(connection);
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(request) + "\n"));
  // As text and back: a mark of byte order at the file's beginning is none of an event.
  const text = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  for await (const bytes of text.pipeThrough(new TextEncoderStream())) await writer.write(bytes);
  await connection.closeWrite();
  return await reports;
}

async function readReports(connection: Deno.UnixConn): Promise<ImportReport> {
  for await (const line of linesOf(connection.readable, { bytesMax: IMPORT_LINE_BYTES_MAX })) {
    const report = JSON.parse(line) as ImportReport | { error: string };
    if ("error" in report) throw new Error(report.error);
    if (report.done) return report;
    say(progressOf(report));
  }
  throw new Error(
    "Cannot finish import: the relay closed the connection; what it has acknowledged is stored",
  );
}

/** Into the store itself; the caller holds the lock. */
async function importDirectly(config: Config, { verify, limits }: ImportChoices): Promise<ImportReport> {
  const policyVersions = await checkPolicyFiles(config);
  const files = policyFilesOf({ config, policyVersions });
  let toldMs = performance.now();
  const tell = (report: ImportReport) => {
    if (performance.now() - toldMs < PROGRESS_INTERVAL_MS) return;
    toldMs = performance.now();
    say(progressOf(report));
  };
  const start = { config, libraryPath: await nativeLibraryPath(), verify, limits, files };
  const target = await DirectImport.open(start, tell);
  return await target.run(Deno.stdin.readable);
}

function progressOf({ read, stored, duplicates, refused }: ImportReport): string {
  return `read ${read}, stored ${stored}, already there ${duplicates}, refused ${refused}`;
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
  const choices = { verify: !values["no-verify"], limits: !values["no-limits"] };
  const startedMs = performance.now();
  const lock = await lockDataDir(config.DATA_DIR).catch(() => null);
  const report = lock === null
    ? await importThroughRelay(controlPath(resolve(config.DATA_DIR)), choices)
    : await importDirectly(config, choices);
  lock?.release();
  const seconds = (performance.now() - startedMs) / 1000;
  say(`${progressOf(report)}; ${seconds.toFixed(1)} s, ${Math.round(report.read / seconds)} events/s`);
  for (const [reason, times] of Object.entries(report.reasons)) say(`  refused ${times} times: ${reason}`);
  return report.refused === 0 ? 0 : 3;
}

if (import.meta.main) await runCommand(import.meta.url, main);
