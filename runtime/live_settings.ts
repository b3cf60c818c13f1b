/**
 * The settings while the relay runs: read again when their file changes and at `SIGHUP`, and put in force in every
 * thread at once, or not at all.
 * Runs on the main thread, which owns it.
 *
 * The file is looked at once a second rather than watched: editors and deployment tools replace it in too many ways. It is
 * read when it was the same at two looks, so that a half-written one is not taken for what was meant.
 *
 * @module
 */
import { type Config, ConfigError, type Environment, type SettingName } from "../lib/config/config.ts";
import { planReload } from "../lib/config/reload.ts";
import { ConfigWriter } from "../lib/config/shared_config.ts";
import { SETTINGS_LOOK_MS } from "../lib/limits.ts";
import { setLogLevel } from "../wire/log_level.ts";
import type { Logger } from "./logger.ts";
import type { RelayMemory } from "../wire/memory.ts";
import { checkPolicyFiles } from "./policy_files.ts";
import { fileVersion, isTomlOfStreams, readSettings } from "./settings_file.ts";

/** What it is made of. */
interface LiveSettingsParts {
  /** The settings file, or null: the environment alone sets. */
  readonly path: string | null;
  readonly environment: Environment;
  /** The configuration as it was read at the start. */
  readonly asked: Config;
  /** The same as it is in force: the port that was found, the directory as a whole path. */
  readonly config: Config;
  /** Of {@linkcode checkPolicyFiles}. */
  readonly policyVersions: readonly string[];
  readonly memory: RelayMemory;
  readonly log: Logger;
}

/** See the module's text. */
export class LiveSettings {
  readonly #parts: LiveSettingsParts;
  readonly #writer: ConfigWriter;
  #asked: Config;
  #config: Config;
  #policyVersions: readonly string[];
  #looking: ReturnType<typeof setInterval> | undefined;
  /** The versions of all files that were read last, and those of the last look. */
  #readVersion: string | null = null;
  #seenVersion = "";
  /** Reloads come one after the other. */
  #reloading: Promise<void> = Promise.resolve();

  /** Puts the configuration in force. */
  constructor(parts: LiveSettingsParts) {
    this.#parts = parts;
    this.#asked = parts.asked;
    this.#config = parts.config;
    this.#writer = new ConfigWriter(parts.memory.config);
    this.#policyVersions = parts.policyVersions;
    this.#writer.publish(parts.config, parts.policyVersions);
    setLogLevel(parts.memory.logLevel, parts.config.LOG_LEVEL);
  }

  /** What is in force. */
  get config(): Config {
    return this.#config;
  }

  /** Looks at the file from now on. */
  watch(): void {
    this.#looking = setInterval(() => this.#look(), SETTINGS_LOOK_MS);
  }

  close(): void {
    clearInterval(this.#looking);
  }

  /** Reads the settings again. The log says what became of them. */
  reload(why: string): Promise<void> {
    return this.#reloading = this.#reloading.then(() => this.#reload(why));
  }

  async #look(): Promise<void> {
    const { path } = this.#parts;
    const { POLICY_FILES, STREAMS_FILE } = this.#config;
    const streams = STREAMS_FILE !== null && isTomlOfStreams(STREAMS_FILE) ? [STREAMS_FILE] : [];
    const files = [...(path === null ? [] : [path]), ...(POLICY_FILES ?? []), ...streams];
    const version = (await Promise.all(files.map(fileVersion))).join("\n");
    const isQuiet = version === this.#seenVersion;
    this.#seenVersion = version;
    if (!isQuiet || version === this.#readVersion) return;
    const isFirst = this.#readVersion === null;
    this.#readVersion = version;
    // What the relay started with was read a moment before.
    if (!isFirst || await this.#differs()) await this.reload("a settings file has changed");
  }

  /** Whether the files say something else than they did at the start. */
  async #differs(): Promise<boolean> {
    const { path, environment } = this.#parts;
    try {
      const next = await readSettings(path, environment);
      const versions = await Promise.all((next.POLICY_FILES ?? []).map(fileVersion));
      return JSON.stringify([next, versions]) !== JSON.stringify([this.#asked, this.#policyVersions]);
    } catch {
      return true;
    }
  }

  async #reload(why: string): Promise<void> {
    const { path, environment, memory, log } = this.#parts;
    try {
      const next = await readSettings(path, environment);
      const plan = planReload(this.#asked, next, (name, next) => this.#isPossible(name, next));
      const { PORT, DATA_DIR } = this.#config;
      const config = Object.freeze({ ...plan.config, PORT, DATA_DIR });
      const versions = await checkPolicyFiles(config);
      this.#writer.publish(config, versions);
      const isOther = versions.join("\n") !== this.#policyVersions.join("\n");
      const changed = isOther ? [...plan.changed, "policy files"] : plan.changed;
      this.#asked = plan.config;
      this.#config = config;
      this.#policyVersions = versions;
      setLogLevel(memory.logLevel, config.LOG_LEVEL);
      log.info(
        `${why}: ${changed.length === 0 ? "nothing changes" : `${changed.join(", ")} changed`}`,
      );
      if (plan.waiting.length > 0) {
        log.warn(`${why}: ${plan.waiting.join(", ")} will change at the next start`);
      }
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : [(error as Error).message];
      log.error(`${why} and is refused, every setting stays as it was: ${problems.join("; ")}`);
    }
  }

  /** What the process was not allowed at its start it cannot do before the next one. */
  #isPossible(name: SettingName, next: Config): boolean {
    if (name === "POLICY_FILES") {
      return (next.POLICY_FILES ?? []).every((path) => isGranted({ name: "read", path }));
    }
    if (name !== "WRITE_PLUGIN" && name !== "REQUEST_PLUGIN") return true;
    const command = next[name];
    if (command === null) return true;
    // Without a write plugin at the start there is no place for one in the data path.
    if (name === "WRITE_PLUGIN" && this.#parts.memory.asked.length === 0) return false;
    return isGranted({ name: "run" }) &&
      (command.includes(" ") || isGranted({ name: "read", path: command }));
  }
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
