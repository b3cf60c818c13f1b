/**
 * The real program under test: started as an operator starts it, on a free port, with a data directory of its own.
 * Runs on a test's thread; a relay belongs to the test that started it, and does not outlive the test process.
 *
 * @module
 */
import { nativeLibraryPath } from "../../scripts/native.ts";
import { relayCommand } from "../../scripts/start.ts";
import { readSettings, SETTINGS_FILE_VARIABLE } from "../../runtime/settings_file.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free_port.ts";

/** What a test decides about its relay. */
interface RelayOptions {
  /** Settings, as in `.env`. They win over the ones this module sets (`HOST`, `PORT`, `DATA_DIR`). */
  readonly env?: Record<string, string>;
  /** A settings file, which the relay reads again when it changes. */
  readonly settingsFile?: string;
  /** A data directory to use and keep; by default a temporary one that goes when the test process ends. */
  readonly dataDir?: string;
  /** The port; a free one by default. */
  readonly port?: number;
  /** Take over from the relay that runs on `dataDir` and `port`. */
  readonly takesOver?: boolean;
  /** The program and its arguments, by default the relay's own. */
  readonly command?: readonly string[];
  /** The longest wait for `GET /ready` to answer 200, ms. */
  readonly readyMs?: number;
}

/** How a relay ended. */
interface Exit {
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

/** A relay that runs. `await using` kills it. */
export interface TestRelay extends AsyncDisposable {
  /** `ws://127.0.0.1:PORT` */
  readonly url: string;
  /** `http://127.0.0.1:PORT` */
  readonly httpUrl: string;
  /** The process id of the present run. */
  readonly pid: number;
  readonly dataDir: string;
  /** Resolves when the present run has ended. */
  readonly exited: Promise<Exit>;
  /** Asks the relay to end, SIGTERM by default, and waits for it; rejects if it is still there after 30 s. */
  stop(signal?: Deno.Signal): Promise<Exit>;
  /** Ends the relay at this instant with SIGKILL, as a crash would, and waits for its end. */
  kill(): Promise<Exit>;
  /** Stops the relay if it runs, and starts it again on the same port and data, with other settings if given. */
  restart(env?: Record<string, string>): Promise<void>;
  /** What all runs wrote to standard output and standard error. */
  output(): string;
}

const ROOT = new URL("../../", import.meta.url);
const READY_MS = 30_000;
/** Longer than the relay's own bound for draining, so that a relay that breaks its bound says so itself. */
const STOP_MS = 30_000;
/** The socket engine of relays whose test names none: `SLUICE_TEST_ENGINE`, by default the relay's own default. */
const ENGINE = Deno.env.get("SLUICE_TEST_ENGINE") || null;
/** Variables of this process that a relay may see: where programs, caches and certificates are, and no setting. */
const ENV_KEPT =
  /^(PATH|HOME|TMPDIR|LANG|DENO_|NPM_|XDG_|SSL_|NODE_EXTRA_CA_CERTS$|LD_LIBRARY_PATH$|JAVA_HOME$)/i;

const children = new Set<Deno.ChildProcess>();
const temporaryDirs = new Set<string>();

// A test that fails between start and stop leaves its relay to this.
globalThis.addEventListener("unload", () => {
  for (const child of children) child.kill("SIGKILL");
  for (const dir of temporaryDirs) Deno.removeSync(dir, { recursive: true });
});

/**
 * Starts a relay and waits until it is ready.
 *
 * @throws {Error} if it ends or is not ready within `readyMs`; the message holds what the relay wrote.
 */
export async function startRelay(options: RelayOptions = {}): Promise<TestRelay> {
  const port = options.port ?? freePort();
  let dataDir = options.dataDir;
  if (dataDir === undefined) {
    dataDir = await Deno.makeTempDir({ prefix: "sluice-test-" });
    temporaryDirs.add(dataDir);
  }
  const env: Record<string, string> = {
    HOST: "127.0.0.1",
    PORT: String(port),
    DATA_DIR: dataDir,
    ...(ENGINE !== null && { WEBSOCKET_ENGINE: ENGINE }),
    ...options.env,
    ...(options.settingsFile !== undefined && { [SETTINGS_FILE_VARIABLE]: options.settingsFile }),
  };
  const relay = new RelayProcess(port, dataDir, env, options);
  await relay.start(options.readyMs ?? READY_MS);
  return relay;
}

class RelayProcess implements TestRelay {
  readonly url: string;
  readonly httpUrl: string;
  readonly dataDir: string;
  readonly #command: readonly string[] | null;
  readonly #takesOver: boolean;
  #env: Record<string, string>;
  #child: Deno.ChildProcess | undefined;
  #exited: Promise<Exit> = Promise.resolve({ code: 0, signal: null });
  #hasExited = true;
  #output = "";

  constructor(port: number, dataDir: string, env: Record<string, string>, options: RelayOptions) {
    const secure = env.TLS_CERT === undefined ? "" : "s";
    this.url = `ws${secure}://127.0.0.1:${port}`;
    this.httpUrl = `http${secure}://127.0.0.1:${port}`;
    this.dataDir = dataDir;
    this.#env = env;
    this.#command = options.command ?? null;
    this.#takesOver = options.takesOver ?? false;
  }

  get pid(): number {
    return this.#child!.pid;
  }

  get exited(): Promise<Exit> {
    return this.#exited;
  }

  async start(readyMs: number): Promise<void> {
    const libraryPath = await nativeLibraryPath();
    const [program, ...args] = this.#command ?? await this.#relayCommand(libraryPath);
    const child = new Deno.Command(program!, {
      args,
      cwd: ROOT,
      env: {
        ...keptEnvironment(),
        NO_COLOR: "1",
        SLUICE_NATIVE_LIBRARY: libraryPath ?? "",
        ...this.#env,
      },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    children.add(child);
    this.#child = child;
    this.#hasExited = false;
    this.#exited = this.#watch(child);
    try {
      await eventually(() => this.#hasExited || this.#isReady(), readyMs, "GET /ready answers 200");
    } catch (error) {
      await this.kill();
      throw new Error(`Cannot start relay: not ready after ${readyMs} ms\n${this.#output}`, { cause: error });
    }
    if (this.#hasExited) {
      throw new Error(`Cannot start relay: it ended with code ${(await this.#exited).code}\n${this.#output}`);
    }
  }

  async #relayCommand(libraryPath: string | null): Promise<string[]> {
    const settingsPath = this.#env[SETTINGS_FILE_VARIABLE] ?? null;
    const how = { takesOver: this.#takesOver, notifySocket: this.#env.NOTIFY_SOCKET };
    return relayCommand(await readSettings(settingsPath, this.#env), libraryPath, settingsPath, how);
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Exit> {
    if (this.#hasExited) return await this.#exited;
    this.#child!.kill(signal);
    try {
      await eventually(() => this.#hasExited, STOP_MS, `relay ends by ${signal}`);
    } catch (error) {
      await this.kill();
      throw new Error(`Cannot stop relay: it still ran ${STOP_MS} ms after ${signal}\n${this.#output}`, {
        cause: error,
      });
    }
    return await this.#exited;
  }

  async kill(): Promise<Exit> {
    try {
      if (!this.#hasExited) this.#child!.kill("SIGKILL");
    } catch {
      // It has ended just now, and what it wrote is still being read.
    }
    return await this.#exited;
  }

  async restart(env: Record<string, string> = {}): Promise<void> {
    await this.stop();
    this.#env = { ...this.#env, ...env };
    await this.start(READY_MS);
  }

  output(): string {
    return this.#output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #watch(child: Deno.ChildProcess): Promise<Exit> {
    await Promise.all([this.#collect(child.stdout), this.#collect(child.stderr)]);
    const { code, signal } = await child.status;
    children.delete(child);
    this.#hasExited = true;
    return { code, signal };
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.#output += text;
  }

  /** While one relay takes over from another, either may answer on the port. */
  #isReady(): boolean | Promise<boolean> {
    return this.#takesOver ? this.#output.includes(" serves ") : this.#answersReady();
  }

  async #answersReady(): Promise<boolean> {
    const certificate = this.#env.TLS_CERT;
    using client = Deno.createHttpClient(
      certificate === undefined ? {} : { caCerts: [await Deno.readTextFile(certificate)] },
    );
    const response = await fetch(`${this.httpUrl}/ready`, { client, signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status === 200;
  }
}

function keptEnvironment(): Record<string, string> {
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => ENV_KEPT.test(name)));
}
