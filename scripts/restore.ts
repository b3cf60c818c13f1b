/**
 * Puts a backup into the data directory: `deno task restore [OPTIONS] DIRECTORY`, with `DATA_DIR` empty or
 * missing.
 *
 * The backup is checked as a whole first, then copied: its pages, that its tables are this program's and nothing else is
 * there, and of 2,000 events at random places the ids and signatures. Search is filled anew by the relay that starts next.
 *
 *   --verify          check the ids and signatures of all events
 *   --no-verify       take signatures for granted (of an import with --no-verify, say); ids are checked all the same
 *
 * Exit code 0: a relay may start on `DATA_DIR`; 1: nothing was restored, and standard error says why; 2: no
 * directory was named.
 * Runs in a process of its own, which holds the lock on the data directory meanwhile.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";
import { RESTORE_CHECK_EVENTS } from "../lib/limits.ts";
import { checkDatabase } from "../lib/store/keep/copy.ts";
import { openForReading } from "../lib/store/keep/open.ts";
import { refusePrograms } from "../lib/sqlite/own_schema.ts";
import { foreignPart, versionOf } from "../lib/store/keep/schema.ts";
import { type TextsToCheck, untrueText } from "../lib/store/keep/true_texts.ts";
import { openVerifier } from "../lib/verify/open_verifier.ts";
import type { SignatureVerifier } from "../lib/verify/verifier.ts";
import { lockDataDir } from "../runtime/data_dir.ts";
import { keptDatabases, searchPath, storePath } from "../runtime/data_paths.ts";
import { readSettings } from "../runtime/settings_file.ts";
import { exists, synchronize } from "./backup.ts";
import { runCommand, say, UsageError } from "./command.ts";
import { nativeLibraryPath } from "./native.ts";

/** Refuses a directory that holds anything of another store: a stray log of it would spoil the one that comes. */
async function checkEmpty(dataDir: string): Promise<void> {
  for (const database of [...keptDatabases(dataDir), searchPath(dataDir)]) {
    for (const path of [database, `${database}-wal`, `${database}-shm`]) {
      if (!await exists(path)) continue;
      throw new Error(`Cannot restore into DATA_DIR "${dataDir}": "${basename(path)}" is there already`);
    }
  }
}

/** Refuses a store that this program could not open, or whose events are not what they say. */
function checkStoreOf(backup: string, verifier: SignatureVerifier, asked: TextsToCheck): void {
  const path = storePath(backup);
  const db = openForReading(path, 1);
  try {
    const version = versionOf(db, path);
    if (version === 0) return;
    const foreign = foreignPart(db, version);
    if (foreign !== null) throw new Error(`Cannot restore backup "${backup}": ${foreign}`);
    const untrue = untrueText(db, verifier, asked);
    if (untrue === null) return;
    throw new Error(`Cannot restore backup "${backup}": of event ${untrue.seq} ${untrue.reason}`);
  } finally {
    db.close();
  }
}

/** Refuses a database with what acts by itself, before anybody writes to it. */
function refuseProgramsIn(path: string): void {
  const db = openForReading(path, 1);
  try {
    refusePrograms(db, path);
  } finally {
    db.close();
  }
}

/** Copies the backup, the store last: whoever finds the store finds all of it. */
async function restore(
  backup: string,
  dataDir: string,
  check: (backup: string) => void,
): Promise<void> {
  if (!await exists(storePath(backup))) {
    throw new Error(`Cannot restore backup "${backup}": there is no "${basename(storePath(backup))}" in it`);
  }
  const lock = await lockDataDir(dataDir);
  try {
    await checkEmpty(dataDir);
    const names = keptDatabases(backup).map((path) => basename(path)).reverse();
    const present: string[] = [];
    for (const name of names) if (await exists(`${backup}/${name}`)) present.push(name);
    for (const name of present) checkDatabase(`${backup}/${name}`);
    check(backup);
    for (const name of present) refuseProgramsIn(`${backup}/${name}`);
    for (const name of present) {
      const arriving = `${dataDir}/${name}.arriving`;
      await Deno.copyFile(`${backup}/${name}`, arriving);
      await synchronize(arriving);
    }
    for (const name of present) await Deno.rename(`${dataDir}/${name}.arriving`, `${dataDir}/${name}`);
    await synchronize(dataDir);
  } finally {
    lock.release();
  }
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      "verify": { type: "boolean", default: false },
      "no-verify": { type: "boolean", default: false },
    },
  });
  const [backup, ...others] = positionals;
  if (backup === undefined || others.length > 0) {
    throw new UsageError(`Cannot restore "${positionals.join(" ")}": one directory is wanted`);
  }
  const config = await readSettings(".env", Deno.env.toObject());
  const libraryPath = await nativeLibraryPath();
  const { verifier } = await openVerifier({ tier: config.VERIFY_TIER, libraryPath });
  const asked: TextsToCheck = {
    sample: values.verify ? null : RESTORE_CHECK_EVENTS,
    signatures: !values["no-verify"],
    random: Math.random,
  };
  try {
    await restore(
      resolve(backup),
      resolve(config.DATA_DIR),
      (directory) => checkStoreOf(directory, verifier, asked),
    );
  } finally {
    verifier.close();
  }
  say(`"${backup}" is restored into DATA_DIR "${config.DATA_DIR}"; a relay may start on it`);
  return 0;
}

if (import.meta.main) await runCommand(import.meta.url, main);
