/**
 * Reads the settings as the operator has written them: the file `.env`, under the environment, which wins.
 * Runs on the main thread of whatever program asks; no state.
 *
 * @module
 */
import { parseEnv } from "node:util";
import {
  type Config,
  ConfigError,
  type Environment,
  faultsInEnvFile,
  namesInEnvFile,
  readConfig,
} from "../lib/config/config.ts";
import { readStreams } from "../lib/routing/read_streams.ts";

/** The variable by which `deno task start` tells the relay where its settings file is, there or not yet. */
export const SETTINGS_FILE_VARIABLE = "SLUICE_SETTINGS_FILE";

/**
 * The configuration of the file and of the environment. A file that is not there sets nothing. Where STREAMS_FILE is
 * TOML, its sections set what neither of the two does.
 *
 * @throws {ConfigError} as {@linkcode readConfig}; any other error says that the file cannot be read.
 */
export async function readSettings(path: string | null, environment: Environment): Promise<Config> {
  const text = path === null ? "" : await textOf(path);
  const given = { ...parseEnv(text), ...environment };
  const streams = await settingsOfStreams(given.STREAMS_FILE?.trim());
  return readConfig({ ...streams, ...given }, namesInEnvFile(text), faultsInEnvFile(text));
}

/** The settings that a file of streams in TOML gives; the operator's own go before them. */
async function settingsOfStreams(path: string | undefined): Promise<Environment> {
  if (path === undefined || !isTomlOfStreams(path)) return {};
  try {
    return readStreams(path, await Deno.readTextFile(path)).settings;
  } catch (error) {
    throw new ConfigError([`Cannot use STREAMS_FILE "${path}": ${(error as Error).message}`]);
  }
}

/** Whether a file of streams can give settings, too. */
export function isTomlOfStreams(path: string): boolean {
  return path.toLowerCase().endsWith(".toml");
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
