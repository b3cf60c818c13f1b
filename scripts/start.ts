/**
 * Starts the relay: `deno task start`.
 *
 * Reads `.env` and the environment, prepares the native library, and runs `main.ts` with no more permissions than the
 * configuration needs. Settings are listed in `.env.example`; they are checked here, before anything is built.
 *
 *   --take-over   take over from the relay that runs on DATA_DIR, without refusing a connection
 *
 * SIGTERM, SIGINT and SIGHUP are passed on, and this process ends as the relay ends. SIGUSR2 reads the settings again
 * and starts a second relay that takes over from the first.
 *
 * @module
 */
import { type Config, ConfigError, type Environment, namesInEnvFile, readConfig } from "../lib/config.ts";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { controlPath, noticePath } from "../services/data_paths.ts";
import { prepareNative } from "./native.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The settings of `.env`, under those of the environment, which win. */
async function readSettings(): Promise<{ environment: Environment; names: string[] }> {
  let text = "";
  try {
    text = await Deno.readTextFile(".env");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return { environment: { ...parseEnv(text), ...Deno.env.toObject() }, names: namesInEnvFile(text) };
}

/** How a relay is started, besides its settings. */
export interface StartOptions {
  /** Take over from the relay that runs. */
  readonly takesOver?: boolean;
  /** Where a service manager listens: `NOTIFY_SOCKET`. */
  readonly notifySocket?: string | undefined;
}

/**
 * The program and its arguments for a configuration.
 *
 * @param libraryPath The verification library, or null.
 */
export function relayCommand(config: Config, libraryPath: string | null, how: StartOptions = {}): string[] {
  const search = config.OPENSEARCH_URL === null ? [] : [hostAndPort(config.OPENSEARCH_URL)];
  const files = [config.TLS_CERT, config.TLS_KEY, config.OPENSEARCH_CA].filter((path) => path !== null);
  // Reading: the program itself, its packages, the data. `/proc` and `/sys` tell the process's own memory use.
  const data = resolve(config.DATA_DIR);
  const sockets = [controlPath(data)];
  const notify = how.notifySocket?.startsWith("/") ? [how.notifySocket] : [];
  if (notify.length > 0) sockets.push(noticePath(data), ...notify);
  const read = [ROOT, data, cacheDir(), ...files, ...pluginFiles(config), ...notify];
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
    `--config=${ROOT}deno.json`,
    `--allow-net=${list(net)}`,
    `--allow-read=${list(read)}`,
    `--allow-write=${list([data, ...notify])}`,
    "--allow-env",
    "--allow-sys",
    // A plugin is a command of the shell, and is ended with all that it started.
    ...(config.WRITE_PLUGIN === null ? [] : ["--allow-run"]),
    // Without a library of our own, the system's is looked up by name, which no narrower permission covers.
    libraryPath === null || config.VERIFY_TIER === "system"
      ? "--allow-ffi"
      : `--allow-ffi=${list([libraryPath])}`,
    `${ROOT}main.ts`,
    ...(how.takesOver ? ["--take-over"] : []),
  ];
}

/** The file of a plugin that is a path and no command: a change of it is looked for. */
function pluginFiles({ WRITE_PLUGIN: plugin }: Config): string[] {
  return plugin === null || plugin.includes(" ") ? [] : [resolve(plugin)];
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

/** Starts one relay with the settings of this moment. */
async function startOne(takesOver: boolean): Promise<Deno.ChildProcess> {
  const { environment, names } = await readSettings();
  const config = readConfig(environment, names);
  const native = await prepareNative();
  say(native.line);
  const notifySocket = environment.NOTIFY_SOCKET;
  const [program, ...args] = relayCommand(config, native.path, { takesOver, notifySocket });
  const env = Object.fromEntries(Object.entries(environment).filter((entry) => entry[1] !== undefined));
  return new Deno.Command(program!, {
    args,
    env: {
      ...env as Record<string, string>,
      DATA_DIR: resolve(config.DATA_DIR),
      SLUICE_NATIVE_LIBRARY: native.path ?? "",
    },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
}

/** Keeps a relay running until it ends, or one that has taken over from it. Returns the last one's code. */
async function start(): Promise<number> {
  const running = new Map<Deno.ChildProcess, Promise<Deno.ChildProcess>>();
  const watch = (child: Deno.ChildProcess) => running.set(child, child.status.then(() => child));
  watch(await startOne(Deno.args.includes("--take-over")));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      for (const child of running.keys()) child.kill(signal);
    });
  }
  // A second signal before the first take-over is done changes nothing.
  Deno.addSignalListener("SIGUSR2", () => {
    if (running.size === 1) startOne(true).then(watch, (error) => say((error as Error).message));
  });
  while (true) {
    const ended = await Promise.race(running.values());
    running.delete(ended);
    if (running.size === 0) return (await ended.status).code;
  }
}

function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  try {
    Deno.exit(await start());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    say(error.message);
    Deno.exit(1);
  }
}
