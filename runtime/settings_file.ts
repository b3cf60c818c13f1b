/**
 * Reads the settings as the operator has written them: the file `.env`, under the environment, which wins.
 * Runs on the main thread of whatever program asks; no state.
 *
 * @module
 */
import { parseEnv } from "node:util";
import {
  type Config,
  type Environment,
  faultsInEnvFile,
  namesInEnvFile,
  readConfig,
} from "../lib/config/config.ts";

/** The variable by which `deno task start` tells the relay where its settings file is, there or not yet. */
export const SETTINGS_FILE_VARIABLE = "SLUICE_SETTINGS_FILE";

/**
 * The configuration of the file and of the environment. A file that is not there sets nothing.
 *
 * @throws {ConfigError} as {@linkcode readConfig}; any other error says that the file cannot be read.
 */
export async function readSettings(path: string | null, environment: Environment): Promise<Config> {
  const text = path === null ? "" : await textOf(path);
  return readConfig({ ...parseEnv(text), ...environment }, namesInEnvFile(text), faultsInEnvFile(text));
}

async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw new Error(`Cannot read settings file "${path}": ${(error as Error).message}`);
  }
}

/**
 * The text of the file that a setting names, e.g. a certificate.
 *
 * @throws {Error} that names the setting, if the file cannot be read.
 */
export async function textOfSetting(name: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new Error(`Cannot read ${name} "${path}": ${(error as Error).message}`);
  }
}

/** What changes with a file, however it is replaced; empty: it is not there. */
export async function fileVersion(path: string): Promise<string> {
  try {
    const { mtime, ino, size } = await Deno.stat(path);
    return `${mtime?.getTime()} ${ino} ${size}`;
  } catch {
    return "";
  }
}
