/**
 * The file that a plugin's command names: a command without a space is the path of one. What is wrong with it is told at
 * the start and not by the first event.
 * Runs on any thread; no state.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";

/**
 * A version of the file, which differs when it was changed; empty: the command names none; null: it is not there. The
 * answer has to be true at the moment of asking, so this blocks for the microseconds that it takes.
 */
export function pluginFileVersion(command: string): string | null {
  if (!namesFile(command)) return "";
  try {
    const { mtime, ino, size } = Deno.statSync(command);
    return `${mtime?.getTime()} ${ino} ${size}`;
  } catch {
    return null;
  }
}

/**
 * Looks whether the plugins can be started, as far as that can be seen without starting them.
 *
 * @throws {Error} that says which cannot, and why.
 */
export function checkPlugins({ WRITE_PLUGIN, REQUEST_PLUGIN }: Config): void {
  for (const command of [WRITE_PLUGIN, REQUEST_PLUGIN]) {
    const fault = command === null || !namesFile(command) ? null : faultOf(command);
    if (fault !== null) throw new Error(`Cannot start plugin "${command}": ${fault}`);
  }
}

function namesFile(command: string): boolean {
  return !command.includes(" ");
}

function faultOf(path: string): string | null {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? "it does not exist" : (error as Error).message;
  }
  if (!info.isFile) return "it is not a file";
  // Systems without modes say none.
  return info.mode === null || (info.mode & 0o111) !== 0 ? null : "it is not executable";
}
