/**
 * Copies the databases into a new directory: `deno task backup DIRECTORY`.
 *
 * Runs beside a relay that writes, or without one. Each copy is one moment of its database, and is checked as a whole
 * before the directory gets its name: a directory of that name is a complete backup, on disk. `deno task restore` puts
 * it back.
 *
 * Exit code 0: the backup is there; 1: it is not, and standard error says why; 2: no directory was named.
 * Runs in a process of its own; a backup that is cut short leaves `DIRECTORY.partial`, which the next one replaces.
 *
 * @module
 */
import { basename, dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { checkDatabase, copyDatabase } from "../lib/store/keep/copy.ts";
import { keptDatabases, storePath } from "../runtime/data_paths.ts";
import { readSettings } from "../runtime/settings_file.ts";
import { runCommand, say, UsageError } from "./command.ts";

/** Waits until a file, or the names in a directory, are on disk. */
export async function synchronize(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true });
  await file.sync();
}

/** Whether anything has this name. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Makes the backup and returns its size, bytes. */
async function backUp(dataDir: string, target: string): Promise<number> {
  if (await exists(target)) throw new Error(`Cannot make backup "${target}": the directory is there already`);
  const databases = keptDatabases(dataDir);
  if (!await exists(storePath(dataDir))) {
    throw new Error(`Cannot back up DATA_DIR "${dataDir}": there is no store in it`);
  }
  const partial = `${target}.partial`;
  await Deno.remove(partial, { recursive: true }).catch(() => {});
  await Deno.mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    let bytes = 0;
    for (const database of databases) {
      // A store that no relay has served yet comes without decisions.
      if (!await exists(database)) continue;
      const copy = `${partial}/${basename(database)}`;
      copyDatabase(database, copy);
      checkDatabase(copy);
      await synchronize(copy);
      bytes += (await Deno.stat(copy)).size;
    }
    await synchronize(partial);
    await Deno.rename(partial, target);
    await synchronize(dirname(target));
    return bytes;
  } catch (error) {
    await Deno.remove(partial, { recursive: true }).catch(() => {});
    throw error;
  }
}

async function main(): Promise<number> {
  const { positionals } = parseArgs({ args: Deno.args, allowPositionals: true, options: {} });
  const [target, ...others] = positionals;
  if (target === undefined || others.length > 0) {
    throw new UsageError(`Cannot backup "${positionals.join(" ")}": one directory is wanted`);
  }
  const config = await readSettings(".env", Deno.env.toObject());
  const startedMs = performance.now();
  const bytes = await backUp(resolve(config.DATA_DIR), resolve(target));
  const seconds = (performance.now() - startedMs) / 1000;
  say(`backup "${target}": ${(bytes / 2 ** 20).toFixed(1)} MiB, whole, in ${seconds.toFixed(1)} s`);
  return 0;
}

if (import.meta.main) await runCommand(import.meta.url, main);
