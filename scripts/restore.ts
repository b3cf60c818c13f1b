/**
 * Puts a backup into the data directory: `deno task restore DIRECTORY`, with `DATA_DIR` empty or missing.
 *
 * The backup is checked as a whole first, then copied. Search is filled anew by the relay that starts next.
 *
 * Exit code 0: a relay may start on `DATA_DIR`; 1: nothing was restored, and standard error says why; 2: no
 * directory was named.
 * Runs in a process of its own, which holds the lock on the data directory meanwhile.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";
import { checkDatabase } from "../lib/store/copy.ts";
import { openForReading } from "../lib/store/open.ts";
import { versionOf } from "../lib/store/schema.ts";
import { lockDataDir } from "../services/data_dir.ts";
import { keptDatabases, searchPath, storePath } from "../services/data_paths.ts";
import { readSettings } from "../services/settings_file.ts";
import { exists, synchronize } from "./backup.ts";
import { runCommand, say, UsageError } from "./command.ts";

/** Refuses a directory that holds anything of another store: a stray log of it would spoil the one that comes. */
async function checkEmpty(dataDir: string): Promise<void> {
  for (const database of [...keptDatabases(dataDir), searchPath(dataDir)]) {
    for (const path of [database, `${database}-wal`, `${database}-shm`]) {
      if (!await exists(path)) continue;
      throw new Error(`Cannot restore into DATA_DIR "${dataDir}": "${basename(path)}" is there already`);
    }
  }
}

/** Refuses a store that this program could not open. */
function checkVersion(path: string): void {
  const db = openForReading(path, 1);
  try {
    versionOf(db, path);
  } finally {
    db.close();
  }
}

/** Copies the backup, the store last: whoever finds the store finds all of it. */
async function restore(backup: string, dataDir: string): Promise<void> {
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
    checkVersion(storePath(backup));
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
  const { positionals } = parseArgs({ args: Deno.args, allowPositionals: true, options: {} });
  const [backup, ...others] = positionals;
  if (backup === undefined || others.length > 0) {
    throw new UsageError(`Cannot restore "${positionals.join(" ")}": one directory is wanted`);
  }
  const config = await readSettings(".env", Deno.env.toObject());
  await restore(resolve(backup), resolve(config.DATA_DIR));
  say(`"${backup}" is restored into DATA_DIR "${config.DATA_DIR}"; a relay may start on it`);
  return 0;
}

if (import.meta.main) await runCommand(import.meta.url, main);
