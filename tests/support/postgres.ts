/**
 * A Postgres of a test's own: a cluster in a temporary directory, on a free port of loopback, which can be stopped and
 * started. Postgres refuses to run as root; where the test is root, it runs as the user `postgres`.
 * Runs on a test's thread; the server belongs to the test that started it, and does not outlive the test process.
 *
 * @module
 */
import { freePort } from "./free_port.ts";

/** Where Debian has the programs; the newest version first. */
const DIRECTORIES = ["17", "16", "15", "14"].map((version) => `/usr/lib/postgresql/${version}/bin`);

/** A server that runs. `await using` stops it and removes its data. */
export interface TestPostgres extends AsyncDisposable {
  /** `postgres://…`, of an empty database. */
  readonly url: string;
  /** The same for a database of this name, which is made. */
  newDatabase(): Promise<string>;
  /** Ends the server at once, as a crash would. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** The directory with `initdb`, or null: Postgres is not installed, and the tests that need it are skipped. */
export function postgresPrograms(): string | null {
  return DIRECTORIES.find((directory) => exists(`${directory}/initdb`)) ?? null;
}

/**
 * Makes a cluster and starts it.
 *
 * @throws {Error} if a program fails; the message holds what it wrote.
 */
export async function startPostgres(): Promise<TestPostgres> {
  const programs = postgresPrograms();
  if (programs === null) throw new Error('Cannot start Postgres: "initdb" is not installed');
  const directory = await Deno.makeTempDir({ prefix: "sluice-postgres-" });
  await Deno.chmod(directory, 0o777);
  const server = new PostgresServer(programs, directory, freePort());
  globalThis.addEventListener("unload", () => server.endNow());
  await server.init();
  await server.start();
  return server;
}

class PostgresServer implements TestPostgres {
  readonly #programs: string;
  readonly #directory: string;
  readonly #port: number;
  #databases = 0;
  #isRunning = false;

  constructor(programs: string, directory: string, port: number) {
    this.#programs = programs;
    this.#directory = directory;
    this.#port = port;
  }

  get url(): string {
    return this.#urlOf("postgres");
  }

  async init(): Promise<void> {
    await this.#run("initdb", "-D", this.#data, "-U", "sluice", "-A", "trust", "--no-sync", "-E", "UTF8");
  }

  async start(): Promise<void> {
    const options =
      `-p ${this.#port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off ` +
      "-c max_connections=50 -c shared_buffers=16MB";
    await this.#run("pg_ctl", "-D", this.#data, "-w", "-l", `${this.#directory}/log`, "-o", options, "start");
    this.#isRunning = true;
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    await this.#run("pg_ctl", "-D", this.#data, "-w", "-m", "immediate", "stop");
  }

  async newDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await this.#run("createdb", "-h", "127.0.0.1", "-p", String(this.#port), "-U", "sluice", name);
    return this.#urlOf(name);
  }

  /** When the test process ends. */
  endNow(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    new Deno.Command(...this.#command("pg_ctl", "-D", this.#data, "-m", "immediate", "stop")).outputSync();
    Deno.removeSync(this.#directory, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#directory, { recursive: true });
  }

  get #data(): string {
    return `${this.#directory}/data`;
  }

  #urlOf(database: string): string {
    return `postgres://sluice@127.0.0.1:${this.#port}/${database}`;
  }

  #command(program: string, ...args: string[]): [string, Deno.CommandOptions] {
    const path = `${this.#programs}/${program}`;
    // Nothing of the server may hold this process's pipes open.
    const options = { cwd: this.#directory, stdin: "null", stdout: "null", stderr: "piped" } as const;
    return Deno.uid() === 0
      ? ["runuser", { ...options, args: ["-u", "postgres", "--", path, ...args] }]
      : [path, { ...options, args }];
  }

  async #run(program: string, ...args: string[]): Promise<void> {
    const { success, stderr } = await new Deno.Command(...this.#command(program, ...args)).output();
    if (!success) throw new Error(`Cannot run "${program}": ${new TextDecoder().decode(stderr)}`);
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
