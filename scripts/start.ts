/**
 * Starts the relay: `deno task start`.
 *
 * Reads `.env` and the environment, prepares the native library, and runs `main.ts` with no more permissions than the
 * configuration needs. Settings are listed in `.env.example`; they are checked here, before anything is built.
 *
 *   --take-over   take over from the relay that runs on DATA_DIR, without refusing a connection
 *
 * Signals to this process are passed on (SIGHUP has the relay read its settings again), and it ends as the relay ends;
 * but a relay that was killed, or that ended itself because a worker hung, is started again.
 * SIGUSR2 reads the settings anew and starts a second relay, which takes over from the first.
 *
 * @module
 */
import { type Config, ConfigError, forwards, readsUpstreams } from "../lib/config/config.ts";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { controlPath, noticePath } from "../runtime/data_paths.ts";
import { OPEN_FILES_VARIABLE, openFilesMax, openFilesWarning } from "../runtime/open_files.ts";
import { readSettings, SETTINGS_FILE_VARIABLE } from "../runtime/settings_file.ts";
import { answerHelp, endIfMisused, say } from "./command.ts";
import { prepareNative } from "./native.ts";
import { keepRunning, type Life } from "./start/keep_running.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** How a relay is started, besides its settings. */
interface StartOptions {
  /** Take over from the relay that runs. */
  readonly takesOver?: boolean;
  /** Where a service manager listens: `NOTIFY_SOCKET`. */
  readonly notifySocket?: string | undefined;
}

/**
 * The program and its arguments for a configuration.
 *
 * @param libraryPath The verification library, or null.
 * @param settingsPath The file that is read again while the relay runs, or null.
 */
export function relayCommand(
  config: Config,
  libraryPath: string | null,
  settingsPath: string | null = null,
  how: StartOptions = {},
): string[] {
  const search = config.OPENSEARCH_URL === null ? [] : [hostAndPort(config.OPENSEARCH_URL)];
  const files = [config.TLS_CERT, config.TLS_KEY, config.OPENSEARCH_CA].filter((path) => path !== null);
  // Reading: the program itself, its packages, the data. `/proc` and `/sys` tell the process's own memory use.
  const data = resolve(config.DATA_DIR);
  const settings = settingsPath === null ? [] : [settingsPath];
  const sockets = [controlPath(data)];
  const notify = how.notifySocket?.startsWith("/") ? [how.notifySocket] : [];
  if (notify.length > 0) sockets.push(noticePath(data), ...notify);
  const read = [ROOT, data, cacheDir(), ...files, ...settings, ...operatorsFiles(config), ...notify];
  // Which port is free is known only later.
  const port = config.PORT === 0 ? "" : `:${config.PORT}`;
  const net = [`${bracketed(config.HOST)}${port}`, ...sockets.map((path) => `unix:${path}`), ...search];
  return [
    Deno.execPath(),
    "run",
    "--quiet",
    "--cached-only",
    "--no-prompt",
    "--unstable-net",
    // A thread's young objects then fit the processor's cache; by default they take up to 64 MB a thread. Its old ones
    // are collected when they have doubled; by default when they have quadrupled.
    "--v8-flags=--max-semi-space-size=8,--heap-growing-percent=100",
    `--config=${ROOT}deno.json`,
    // Which domains profiles and lists of relays will name is known to nobody; services/indexer and services/upstream bound
    // whom the relay calls then.
    callsAnybody(config) ? "--allow-net" : `--allow-net=${list(net)}`,
    `--allow-read=${list(read)}`,
    `--allow-write=${list([data, ...notify])}`,
    "--allow-env",
    "--allow-sys",
    // A plugin is a command of the shell, and is ended with all that it started.
    ...(runsPlugins(config) ? ["--allow-run"] : []),
    // Without a library of our own, the system's is looked up by name, which no narrower permission covers.
    libraryPath === null || config.VERIFY_TIER === "system"
      ? "--allow-ffi"
      : `--allow-ffi=${list([libraryPath])}`,
    `${ROOT}main.ts`,
    ...(how.takesOver ? ["--take-over"] : []),
  ];
}

function callsAnybody(config: Config): boolean {
  return config.NIP05_CHECK || config.UPSTREAM_WORKERS > 0 || readsUpstreams(config) || forwards(config) ||
    config.DATABASE_URL !== null;
}

/** Where plugins lie that are paths and no commands, and policy files: they may change, or import what is beside them. */
function operatorsFiles(config: Config): string[] {
  const plugins = pluginsOf(config).filter((plugin) => !plugin.includes(" "));
  const lists = [config.UPSTREAM_FILE, config.STREAMS_FILE].filter((path) => path !== null);
  const paths = [...plugins, ...lists, ...config.POLICY_FILES ?? []].map((path) => resolve(path));
  return paths.map((path) => dirname(path) === "/" ? path : dirname(path));
}

/** Which plugins the file of streams names may change while the relay runs. */
function runsPlugins(config: Config): boolean {
  return pluginsOf(config).length > 0 || config.STREAMS_FILE !== null;
}

function pluginsOf({ WRITE_PLUGIN, REQUEST_PLUGIN }: Config): string[] {
  return [WRITE_PLUGIN, REQUEST_PLUGIN].filter((plugin) => plugin !== null);
}

/** A list for Deno's flags, which write a comma inside a value twice. */
function list(values: readonly string[]): string {
  return values.map((value) => value.replaceAll(",", ",,")).join(",");
}

function hostAndPort(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Where Deno keeps packages; some read files of their own at run time. */
function cacheDir(): string {
  const set = Deno.env.get("DENO_DIR");
  return set ?? `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "."}/.cache`}/deno`;
}

/** Starts one relay, with the program and the settings of this moment. */
async function spawnRelay(settingsPath: string, { restarts, takesOver }: Life): Promise<Deno.ChildProcess> {
  const config = await readSettings(settingsPath, Deno.env.toObject());
  const native = await prepareNative();
  const filesMax = await openFilesMax();
  const warning = openFilesWarning(config, filesMax);
  if (restarts === 0) say(warning === null ? native.line : `${native.line}\n${warning}`);
  const how = { takesOver, notifySocket: Deno.env.get("NOTIFY_SOCKET") };
  const [program, ...args] = relayCommand(config, native.path, settingsPath, how);
  return new Deno.Command(program!, {
    args,
    // The relay reads the file itself, and again when it changes.
    env: {
      SLUICE_NATIVE_LIBRARY: native.path ?? "",
      SLUICE_PROCESS_RESTARTS: String(restarts),
      [OPEN_FILES_VARIABLE]: String(filesMax ?? ""),
      [SETTINGS_FILE_VARIABLE]: settingsPath,
    },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
}

async function start(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { "take-over": { type: "boolean", default: false } },
  });
  const settingsPath = resolve(".env");
  const { RESTART_DELAY_MS: delayMs } = await readSettings(settingsPath, Deno.env.toObject());
  const how = { delayMs, takesOver: values["take-over"], say };
  return await keepRunning((life) => spawnRelay(settingsPath, life), how);
}

if (import.meta.main) {
  await answerHelp(import.meta.url);
  try {
    Deno.exit(await start());
  } catch (error) {
    await endIfMisused(import.meta.url, error);
    if (!(error instanceof ConfigError)) throw error;
    say(error.message);
    Deno.exit(1);
  }
}
