/**
 * What a process is started with: its settings, checked before anything runs, and the lock on its data.
 * Runs on the main thread, once; no state.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import type { Config, Environment } from "../lib/config/config.ts";
import { openRelayKey } from "../lib/relay/relay_key.ts";
import { type DataDirLock, lockDataDir, tryLockDataDir } from "./data_dir.ts";
import { checkPlugins } from "./plugin_file.ts";
import { checkPolicyFiles } from "./policy_files.ts";
import { findPort, sharedPort } from "./port.ts";
import { readSettings, SETTINGS_FILE_VARIABLE } from "./settings_file.ts";

/** See the module's text. */
export interface ProcessStart {
  readonly environment: Environment;
  /** The settings file, or null: the environment alone sets. */
  readonly path: string | null;
  /** The settings as they were read. */
  readonly asked: Config;
  /** The same with the port that was found, and the directory as a whole path. */
  readonly config: Config;
  /** Of {@linkcode checkPolicyFiles}. */
  readonly policyVersions: readonly string[];
  /** Null: a relay runs on these data, which is to hand over. */
  readonly lock: DataDirLock | null;
  /** The relay's own public key, or null: it has none. */
  readonly self: string | null;
  /** The native library that was built at set-up, or null. */
  readonly libraryPath: string | null;
}

/**
 * Reads the settings and takes the lock.
 *
 * @throws {Error} if something is not as it should be; the message says what.
 */
export async function readProcessStart(): Promise<ProcessStart> {
  const environment = Deno.env.toObject();
  const path = environment[SETTINGS_FILE_VARIABLE] || null;
  const asked = await readSettings(path, environment);
  // As `deno task start` has allowed it.
  const dataDir = path === null ? asked.DATA_DIR : resolve(dirname(path), asked.DATA_DIR);
  const policyVersions = await checkPolicyFiles(asked);
  checkPlugins(asked);
  const takesOver = Deno.args.includes("--take-over");
  const lock = takesOver ? await tryLockDataDir(dataDir) : await lockDataDir(dataDir);
  const port = lock === null ? sharedPort(asked.PORT) : findPort(asked.HOST, asked.PORT);
  const { RELAY_SECRET_KEY: secret } = asked;
  return {
    environment,
    path,
    asked,
    config: { ...asked, DATA_DIR: dataDir, PORT: port },
    policyVersions,
    lock,
    self: secret === null ? null : (await openRelayKey(secret)).pubkey,
    libraryPath: environment.SLUICE_NATIVE_LIBRARY || null,
  };
}
