/**
 * How many files the system lets the relay open; each connection is one. The relay itself may not read it (`/proc` needs
 * all permissions), so whoever starts it tells.
 * Runs in the process of `deno task start`; no state.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import { OPEN_FILES_KEPT } from "../lib/limits.ts";

/** The variable by which `deno task start` tells the relay the bound. */
export const OPEN_FILES_VARIABLE = "SLUICE_OPEN_FILES_MAX";

/** The bound, or null where the system does not tell. Deno raises its own to the hard one. */
export async function openFilesMax(): Promise<number | null> {
  const limits = await Deno.readTextFile("/proc/self/limits").catch(() => "");
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  return hard === undefined ? null : Number(hard);
}

/** What an operator should know of it, or null. */
export function openFilesWarning(config: Config, filesMax: number | null): string | null {
  const needed = config.CONNECTIONS_MAX + OPEN_FILES_KEPT;
  return filesMax === null || filesMax >= needed ? null : `Only ${filesMax} files may be open (ulimit -n), ` +
    `fewer than CONNECTIONS_MAX "${config.CONNECTIONS_MAX}" and the relay's own need: raise it to ${needed}`;
}
