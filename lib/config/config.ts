/**
 * Reads the configuration: texts of the environment in, a frozen and checked {@linkcode Config} out.
 * Main calls it at the start and whenever the operator changes something; `config/shared_config.ts` brings the result to
 * the workers. Runs on any thread; holds no state. The table is in `config/settings.ts`.
 *
 * @module
 */
import { parseEnv } from "node:util";
import { isNearMiss, nearest } from "./near_miss.ts";
import { type Config, type Setting, type SettingName, settingRows, SETTINGS } from "./settings.ts";

export { configTable, envExample } from "./documents.ts";
export { type Config, type SettingName, WEBSOCKET_ENGINES } from "./settings.ts";

/** The configuration cannot be read; the message lists every problem, one a line. */
export class ConfigError extends Error {
  override name = "ConfigError";

  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** Texts by variable name, as the environment holds them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The configuration that `environment` describes. An empty variable counts as unset.
 *
 * @param fileNames Names that stand in the operator's own `.env` file: all of them have to be ours.
 * @param fileFaults What else is wrong with that file, to be told with the rest.
 * @throws {ConfigError} when a value is malformed, settings contradict each other, or a name is misspelt.
 */
export function readConfig(
  environment: Environment,
  fileNames: readonly string[] = [],
  fileFaults: readonly string[] = [],
): Config {
  const problems = [...fileFaults, ...unknownNames(environment, fileNames)];
  const values: Record<string, unknown> = {};
  const given = new Set<SettingName>();
  for (const [name, row] of settingRows()) {
    const text = givenText(name, row, environment, problems);
    if (text === undefined) {
      values[name] = row.default;
      continue;
    }
    given.add(name);
    const value = row.kind.read(text);
    if (value === undefined) {
      problems.push(`Cannot read ${name} ${quoted(row, text)}: ${row.kind.allowed} is allowed`);
    }
    values[name] = value;
  }
  if (!given.has("DEFAULT_LIMIT")) {
    values.DEFAULT_LIMIT = Math.min(values.MAX_LIMIT as number, values.DEFAULT_LIMIT as number);
  }
  const config = values as Config;
  if (problems.length === 0) problems.push(...contradictions(config));
  if (problems.length > 0) throw new ConfigError(problems);
  for (const value of Object.values(config)) Object.freeze(value);
  return Object.freeze(config);
}

/** The names that the text of a `.env` file sets, for `readConfig`. */
export function namesInEnvFile(text: string): string[] {
  return Object.keys(parseEnv(text));
}

/**
 * The lines of a `.env` file that set nothing and are no comments, such as a setting without its `=`, for
 * `readConfig`. They are named by their numbers: what stands in them may be a secret.
 */
export function faultsInEnvFile(text: string): string[] {
  const lines = text.split("\n");
  const read = JSON.stringify(parseEnv(text));
  const isIdle = (line: string, index: number) =>
    line.trim() !== "" && !line.trimStart().startsWith("#") && !line.includes("=") &&
    // A line of a quoted value is missed when it is gone.
    JSON.stringify(parseEnv(lines.toSpliced(index, 1).join("\n"))) === read;
  return lines.flatMap((line, index) =>
    isIdle(line, index)
      ? [`Cannot read settings file, line ${index + 1}: it is no NAME=value and no comment`]
      : []
  );
}

/** Every setting with its value as text, for the log; secrets are hidden and absent values are empty. */
export function describeConfig(config: Config): Record<SettingName, string> {
  const lines: Partial<Record<SettingName, string>> = {};
  for (const [name, row] of settingRows()) {
    const value = config[name];
    lines[name] = value === null ? "" : row.secret ? "(hidden)" : row.kind.write(value);
  }
  return lines as Record<SettingName, string>;
}

/** How many threads of each kind run. */
export interface WorkerCounts {
  readonly gateways: number;
  readonly verifiers: number;
  readonly readers: number;
}

/**
 * The worker counts, with 0 resolved by the number of cores. Serving costs the most and gets half of them, and two
 * threads even of two cores: queries need nobody else. The store, the indexer and main are one thread each.
 */
export function resolveWorkers(config: Config, cores: number): WorkerCounts {
  const share = (set: number, parts: number, least: number, most: number) =>
    set > 0 ? set : Math.min(most, Math.max(least, Math.floor(cores / parts)));
  return {
    gateways: share(config.GATEWAY_WORKERS, 2, Math.min(2, cores), 16),
    verifiers: share(config.VERIFIER_WORKERS, 4, 1, 8),
    readers: share(config.READER_WORKERS, 4, 1, 8),
  };
}

/** Whether any source of upstream relays is set. */
export function readsUpstreams(config: Config): boolean {
  const { UPSTREAM_RELAYS, UPSTREAM_FILE, UPSTREAM_FOLLOWS, UPSTREAM_MONITORS, STREAMS_FILE } = config;
  return [UPSTREAM_RELAYS, UPSTREAM_FILE, UPSTREAM_FOLLOWS, UPSTREAM_MONITORS, STREAMS_FILE]
    .some((source) => source !== null);
}

/** Whether events are forwarded to anybody. */
export function forwards({ FORWARD_WS, FORWARD_HTTP, FORWARD_TCP, FORWARD_TCP_PORT }: Config): boolean {
  return FORWARD_WS || [FORWARD_HTTP, FORWARD_TCP, FORWARD_TCP_PORT].some((target) => target !== null);
}

function givenText(
  name: SettingName,
  row: Setting<unknown>,
  environment: Environment,
  problems: string[],
): string | undefined {
  const own = environment[name]?.trim() || undefined;
  const other = row.alias === null ? undefined : environment[row.alias]?.trim() || undefined;
  if (own !== undefined && other !== undefined && own !== other) {
    problems.push(`Cannot read ${name} ${quoted(row, own)}: ${row.alias} says ${quoted(row, other)}`);
  }
  return own ?? other;
}

function quoted(row: Setting<unknown>, text: string): string {
  // A URL that was refused for its credentials must not show them either.
  const hidden = row.secret || (row.kind.name === "url" && text.includes("@"));
  return hidden ? "(hidden)" : JSON.stringify(text);
}

function unknownNames(environment: Environment, fileNames: readonly string[]): string[] {
  const names = settingRows().flatMap(([name, row]) => row.alias === null ? [name] : [name, row.alias]);
  const known = new Set<string>(names);
  const strange = new Set(fileNames.filter((name) => !known.has(name)));
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && isNearMiss(name, value, names)) strange.add(name);
  }
  return [...strange].map((name) => {
    const meant = nearest(name, names);
    return `Cannot read setting "${name}": there is none of this name${meant ? `; ${meant} is one` : ""}`;
  });
}

/** What is wrong with settings that are well-formed one by one; empty: nothing. */
export function contradictions(config: Config): string[] {
  const problems: string[] = [];
  const together = (a: SettingName, b: SettingName) => {
    if ((config[a] === null) === (config[b] === null)) return;
    const [set, missing] = config[a] === null ? [b, a] : [a, b];
    problems.push(`Cannot use ${set} ${quoted(SETTINGS[set], String(config[set]))}: it needs ${missing}`);
  };
  together("TLS_CERT", "TLS_KEY");
  together("OPENSEARCH_USER", "OPENSEARCH_PASSWORD");
  for (const name of ["OPENSEARCH_USER", "OPENSEARCH_CA"] as const) {
    if (config[name] !== null && config.OPENSEARCH_URL === null) {
      problems.push(`Cannot use ${name} "${config[name]}": it needs OPENSEARCH_URL`);
    }
  }
  for (const name of ["AUTH_TO_READ", "AUTH_TO_WRITE"] as const) {
    // A proof names the relay: without the name that clients know, none would ever fit.
    if (config[name] && config.RELAY_URL === null) {
      problems.push(`Cannot use ${name} "true": it needs RELAY_URL`);
    }
  }
  for (const needed of ["RELAY_SECRET_KEY", "RELAY_URL"] as const) {
    if (config.MEMBERSHIP !== "off" && config[needed] === null) {
      problems.push(`Cannot use MEMBERSHIP "${config.MEMBERSHIP}": it needs ${needed}`);
    }
  }
  if (config.WEBSOCKET_COMPRESSION && config.WEBSOCKET_ENGINE !== "ws") {
    problems.push('Cannot use WEBSOCKET_COMPRESSION "true": it needs WEBSOCKET_ENGINE=ws');
  }
  if (config.DEFAULT_LIMIT > config.MAX_LIMIT) {
    problems.push(`Cannot use DEFAULT_LIMIT "${config.DEFAULT_LIMIT}": MAX_LIMIT is ${config.MAX_LIMIT}`);
  }
  return problems;
}
