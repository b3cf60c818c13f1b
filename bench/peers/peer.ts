/**
 * What a peer is: a relay that the bench can start on an empty data directory. Runs in the bench's own process;
 * a started relay belongs to who started it and is ended with the bench at the latest.
 *
 * @module
 */

/** A relay that the bench knows how to start. */
export interface Peer {
  /** A short name, as in flags and plots. */
  readonly name: string;
  /** What an OK of this peer stands for on disk, and what was configured. */
  readonly note: string;
  /**
   * Its version when it can run here; builds it when need be.
   *
   * @throws {Error} which says what is missing.
   */
  version(): Promise<string>;
  /** How to run it: program, arguments and environment. The directory exists. */
  command(port: number, dataDir: string): Promise<PeerCommand>;
}

/** A command line. */
interface PeerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string | URL;
}

/** A relay that runs. */
export interface RunningRelay {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process to the first EOSE, ms. */
  readonly startMs: number;
  /** Ends it, by force after a while. */
  stop(): Promise<void>;
}

/** The longest wait for a relay's first EOSE, ms. */
const START_MS_MAX = 60_000;
/** The longest wait for a relay's end, ms. */
const STOP_MS_MAX = 20_000;
const ATTEMPT_PAUSE_MS = 5;
const OUTPUT_CHARS_MAX = 4_000;

const children = new Set<Deno.ChildProcess>();
globalThis.addEventListener("unload", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Starts a relay on a data directory and waits until it answers a REQ. */
export async function startPeer(peer: Peer, dataDir: string): Promise<RunningRelay> {
  await Deno.mkdir(dataDir, { recursive: true });
  const port = freePort();
  const { program, args, env, cwd } = await peer.command(port, dataDir);
  const began = performance.now();
  const child = new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  children.add(child);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) void keepLast(stream, output);
  let ended = false;
  const end = child.status.then(() => {
    ended = true;
    children.delete(child);
  });
  const url = `ws://127.0.0.1:${port}`;
  while (!await answers(url)) {
    const late = performance.now() - began > START_MS_MAX;
    if (late && !ended) child.kill("SIGKILL");
    if (late || ended) {
      throw new Error(`Cannot start ${peer.name}: ${ended ? "it ended" : "no EOSE"}\n${output.join("")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, ATTEMPT_PAUSE_MS));
  }
  const startMs = performance.now() - began;
  return { url, pid: child.pid, startMs, stop: () => stopChild(child, end) };
}

async function stopChild(child: Deno.ChildProcess, end: Promise<void>): Promise<void> {
  if (!children.has(child)) return;
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await end;
  clearTimeout(force);
}

/** Whether a relay opens a WebSocket and ends a REQ with EOSE. */
function answers(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send('["REQ","ready",{"kinds":[1],"limit":1}]');
  socket.onmessage = ({ data }) => {
    if (String(data).startsWith('["EOSE"')) resolve(true);
  };
  socket.onerror = () => resolve(false);
  socket.onclose = () => resolve(false);
  return promise.finally(() => socket.close());
}

async function keepLast(stream: ReadableStream<Uint8Array>, output: string[]): Promise<void> {
  for await (
    const chunk of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
  ) {
    output.push(chunk);
    let length = output.reduce((sum, part) => sum + part.length, 0);
    while (output.length > 1 && length > OUTPUT_CHARS_MAX) length -= output.shift()!.length;
  }
}

/** A port on which nobody listens. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Runs a program to its end and returns what it wrote to standard output. */
export async function capture(program: string, args: readonly string[], cwd?: string | URL): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], ...(cwd === undefined ? {} : { cwd }) });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`Cannot run "${program} ${args.join(" ")}": ${decoder.decode(stderr).trim()}`);
  }
  return decoder.decode(stdout).trim();
}

/** Where a program is: the path in an environment variable, or the first of that name in PATH. */
export async function locate(variable: string, name: string): Promise<string> {
  const set = Deno.env.get(variable);
  const candidates = set ? [set] : (Deno.env.get("PATH") ?? "").split(":").map((dir) => `${dir}/${name}`);
  for (const path of candidates) {
    if (await Deno.stat(path).then((stat) => stat.isFile, () => false)) return path;
  }
  throw new Error(`Cannot find ${name}: set ${variable} to its path or put it into PATH`);
}
