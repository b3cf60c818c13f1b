/**
 * Brings events into the store: through the control socket of the relay that runs on `DATA_DIR`, or, where none runs, into
 * the store itself, under the lock. Runs in the process of a command, which owns the lock meanwhile.
 *
 * @module
 */
import { resolve } from "node:path";
import type { Config } from "../lib/config/config.ts";
import { CONTROL_LINE_BYTES_MAX } from "../lib/limits.ts";
import { linesOf } from "../lib/lines.ts";
import { tryLockDataDir } from "../runtime/data_dir.ts";
import { controlPath } from "../runtime/data_paths.ts";
import { checkPolicyFiles, policyFilesOf } from "../runtime/policy_files.ts";
import { DirectImport } from "../services/importer/direct_import.ts";
import type { ImportReport, ImportRequest } from "../wire/control_lines.ts";
import { nativeLibraryPath } from "./native.ts";

/** What the operator has decided about the events. */
type ImportChoices = Omit<ImportRequest, "command">;

/** One import. */
interface Import {
  readonly config: Config;
  readonly choices: ImportChoices;
  /** Events as JSONL, until the stream ends. */
  readonly lines: AsyncIterable<Uint8Array>;
  /** Hears now and then how far it is. What is told as stored is on disk. */
  readonly tell: (report: ImportReport) => void;
}

/**
 * Imports all lines.
 *
 * @throws {Error} if it cannot begin, or the relay ends before it is through.
 */
export async function importEvents(wanted: Import): Promise<ImportReport> {
  const lock = await tryLockDataDir(wanted.config.DATA_DIR);
  if (lock === null) return await importThroughRelay(wanted);
  try {
    return await importDirectly(wanted);
  } finally {
    lock.release();
  }
}

async function importThroughRelay({ config, choices, lines, tell }: Import): Promise<ImportReport> {
  const path = controlPath(resolve(config.DATA_DIR));
  const connection = await Deno.connect({ transport: "unix", path });
  const request: ImportRequest = { command: "import", ...choices };
  const reports = readReports(connection, tell);
  const sent = sendLines(connection, request, lines);
  // Where the lines fail, it closes the connection, and the reports end as well.
  reports.catch(() => {});
  return await Promise.race([reports, sent.then(() => reports)]);
}

/** @throws {Error} if the lines fail. Where the relay refuses or ends, it is the reports that tell. */
async function sendLines(
  connection: Deno.UnixConn,
  request: ImportRequest,
  lines: AsyncIterable<Uint8Array>,
): Promise<void> {
  const writer = connection.writable.getWriter();
  let isOpen = true;
  const write = (bytes: Uint8Array) =>
    writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => {
      isOpen = false;
    });
  await write(new TextEncoder().encode(JSON.stringify(request) + "\n"));
  try {
    for await (const bytes of lines) {
      await write(bytes);
      if (!isOpen) return;
    }
  } catch (error) {
    connection.close();
    throw error;
  }
  if (isOpen) await connection.closeWrite().catch(() => {});
}

async function readReports(
  connection: Deno.UnixConn,
  tell: (report: ImportReport) => void,
): Promise<ImportReport> {
  for await (const line of linesOf(connection.readable, { bytesMax: CONTROL_LINE_BYTES_MAX })) {
    const report = JSON.parse(line) as ImportReport | { error: string };
    if ("error" in report) throw new Error(report.error);
    if (report.done) return report;
    tell(report);
  }
  throw new Error(
    "Cannot finish import: the relay closed the connection; what it has acknowledged is stored",
  );
}

/** The caller holds the lock. */
async function importDirectly({ config, choices, lines, tell }: Import): Promise<ImportReport> {
  const policyVersions = await checkPolicyFiles(config);
  const files = policyFilesOf({ config, policyVersions });
  const start = { config, libraryPath: await nativeLibraryPath(), ...choices, files };
  const target = await DirectImport.open(start, tell);
  return await target.run(lines);
}
