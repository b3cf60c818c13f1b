/**
 * Another client to sync with: rust-nostr's, by its Python package, in a virtual environment of its own.
 * Runs on a test's thread; the environment is kept between runs.
 *
 * @module
 */
import type { TestFilter } from "./client.ts";
import type { TestEvent } from "./sign.ts";

const VERSION = "0.45.1";
const ENVIRONMENT = new URL(`../../native/build/nostr_sdk_${VERSION}/`, import.meta.url).pathname;
const SYNC = new URL("./nostr_sdk/sync.py", import.meta.url).pathname;
const PUBLISH = new URL("./nostr_sdk/publish.py", import.meta.url).pathname;
const LOCAL_RELAY = new URL("./nostr_sdk/local_relay.py", import.meta.url).pathname;

/** What a sync brought. */
interface SyncResult {
  /** The client's own words. */
  readonly summary: string;
  /** Ids that its database holds afterwards, sorted. */
  readonly held: readonly string[];
}

/** Installs the package, if it is not there; false where there is no Python, or no way to the package. */
export async function installNostrSdk(): Promise<boolean> {
  try {
    if (await succeeds(`${ENVIRONMENT}bin/python`, ["-c", "import nostr_sdk"])) return true;
    return await succeeds("python3", ["-m", "venv", ENVIRONMENT]) &&
      await succeeds(`${ENVIRONMENT}bin/pip`, ["install", "--quiet", `nostr-sdk==${VERSION}`]);
  } catch {
    return false;
  }
}

/**
 * Lets the client, which holds `events`, sync both ways with a relay.
 *
 * @throws {Error} if it fails; the message holds what it wrote.
 */
export async function syncWithNostrSdk(
  url: string,
  filter: TestFilter,
  events: readonly TestEvent[],
): Promise<SyncResult> {
  const directory = await Deno.makeTempDir({ prefix: "sluice-sync-" });
  try {
    return await run([SYNC, url, directory], { filter, events }) as SyncResult;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function succeeds(program: string, args: string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Lets the client publish `events`, then fetch what `filter` asks for. Returns the ids fetched, sorted. */
export async function publishWithNostrSdk(
  url: string,
  filter: TestFilter,
  events: readonly TestEvent[],
): Promise<string[]> {
  return await run([PUBLISH, url], { filter, events }) as string[];
}

/** A LocalRelay that runs. `await using` ends it. */
interface LocalRelay extends AsyncDisposable {
  readonly url: string;
}

/**
 * Starts the library's own relay, with its events in memory.
 *
 * @param filterLimit Stored events for one filter.
 * @throws {Error} if it ends before it can be reached.
 */
export async function startLocalRelay(port: number, filterLimit: number): Promise<LocalRelay> {
  const child = new Deno.Command(`${ENVIRONMENT}bin/python`, {
    args: [LOCAL_RELAY, String(port), String(filterLimit)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>);
  const reader = lines.getReader();
  const { value = "" } = await reader.read();
  const url = value.trim().replace(/\/$/, "");
  const end = async () => {
    await child.stdin.close();
    await child.status;
    await reader.cancel();
  };
  if (url !== "") return { url, [Symbol.asyncDispose]: end };
  await end();
  throw new Error("Cannot start LocalRelay: it ended");
}

/** Runs one of the programs; throws what it wrote if it fails. */
async function run(args: readonly string[], input: unknown): Promise<unknown> {
  const child = new Deno.Command(`${ENVIRONMENT}bin/python`, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(input)));
  await writer.close();
  const { success, code, signal, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  if (!success) {
    const end = signal ?? `exit code ${code}`;
    throw new Error(`Cannot run "${args.join(" ")}": ${end} ${decoder.decode(stderr)}`);
  }
  return JSON.parse(decoder.decode(stdout));
}
