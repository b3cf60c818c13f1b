/**
 * A real OpenSearch node for tests: the jars come from Maven Central once, the node runs as a child of the test.
 * Runs on the test's thread; the caller owns the node and stops it.
 *
 * @module
 */
import { freePort } from "./free_port.ts";
import { jarsOf, javaCommand } from "./opensearch/jars.ts";

/** The longest wait until a node serves, ms: a cold machine with two busy cores needs half a minute. */
const READY_MS_MAX = 120_000;
/** The longest wait for a node to end by itself after SIGTERM, ms. */
const STOP_MS_MAX = 20_000;

/** Where and how a node starts. */
interface OpenSearchOptions {
  /** HTTP port; a free one by default. */
  readonly port?: number;
  /** Directory of its data, kept by `stop`; a temporary one by default, which `stop` removes. */
  readonly dataDir?: string;
  /** Java heap, MiB. */
  readonly heapMiB?: number;
}

/** A running node. */
interface OpenSearchNode {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** The process that serves now; another one after `restart`. */
  readonly pid: number;
  /** Ends the node in order, or at once with `SIGKILL`. Safe to repeat. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Starts the node again on its port and data, after `stop` or in place of it. */
  restart(): Promise<void>;
}

/** A node that several test files may share: `stop` ends it only if this call started it. */
type SharedOpenSearch = Pick<OpenSearchNode, "url" | "stop">;

/**
 * Returns the node that `SLUICE_TEST_OPENSEARCH` names, or starts one; null where it says `none`: the run does without
 * OpenSearch. Tests that share a node keep apart by the names of their indexes.
 */
export async function useOpenSearch(): Promise<SharedOpenSearch | null> {
  const url = Deno.env.get("SLUICE_TEST_OPENSEARCH");
  if (url === "none") return null;
  if (!url) return await startOpenSearch();
  await waitUntilReady(url, () => undefined);
  return { url, stop: () => Promise.resolve() };
}

/**
 * Starts a node and waits until every index that its data holds serves.
 *
 * @throws {Error} if Java 17 or Maven is missing (the message names the packages), or the node does not become ready
 */
export async function startOpenSearch(options: OpenSearchOptions = {}): Promise<OpenSearchNode> {
  const jars = await jarsOf();
  const port = options.port ?? freePort();
  const dataDir = options.dataDir ?? await Deno.makeTempDir({ prefix: "sluice-opensearch-" });
  const launch = { jars, port, dataDir, heapMiB: options.heapMiB ?? 512 };
  const url = `http://127.0.0.1:${port}`;
  async function removeData(): Promise<void> {
    if (options.dataDir === undefined) await Deno.remove(dataDir, { recursive: true }).catch(ignoreMissing);
  }
  async function start(): Promise<NodeProcess> {
    try {
      return await launchNode(launch, url);
    } catch (error) {
      await removeData();
      throw error;
    }
  }
  let node: NodeProcess | undefined = await start();
  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const ending = node;
    node = undefined;
    await ending?.end(signal);
  }
  return {
    url,
    port,
    dataDir,
    get pid() {
      if (!node) throw new Error(`Cannot name the process of "${url}": it is stopped`);
      return node.pid;
    },
    async stop(signal = "SIGTERM") {
      await end(signal);
      await removeData();
    },
    async restart() {
      await end("SIGTERM");
      node = await start();
    },
  };
}

interface NodeProcess {
  readonly pid: number;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

interface Launch {
  readonly jars: string;
  readonly port: number;
  readonly dataDir: string;
  readonly heapMiB: number;
}

async function launchNode(launch: Launch, url: string): Promise<NodeProcess> {
  await Deno.mkdir(launch.dataDir, { recursive: true });
  const logPath = `${launch.dataDir}/node.log`;
  const java = javaCommand(launch.jars, {
    heapMiB: launch.heapMiB,
    temporary: launch.dataDir,
    log: logPath,
    arguments: [launch.dataDir, String(launch.port), String(freePort())],
  });
  const child = java.command.spawn();
  let ended: Deno.CommandStatus | undefined;
  const status = child.status.then((value) => ended = value);
  const node: NodeProcess = {
    pid: child.pid,
    async end(signal) {
      if (!ended) child.kill(signal);
      const late = setTimeout(() => ended ?? child.kill("SIGKILL"), STOP_MS_MAX);
      await status;
      clearTimeout(late);
      await child.stdin.abort().catch(() => {});
      if (signal === "SIGTERM") await java.keep();
    },
  };
  try {
    await waitUntilReady(url, () => ended && `its process ended with code ${ended.code}`);
  } catch (error) {
    await node.end("SIGKILL");
    const log = await Deno.readTextFile(logPath).catch(() => "(no log)");
    throw new Error(`Cannot start OpenSearch at "${url}": ${(error as Error).message}\n${log.slice(-4_000)}`);
  }
  return node;
}

/** Asks until every index of the node serves, `givenUp` names a reason to stop, or the time is over. */
async function waitUntilReady(url: string, givenUp: () => string | undefined): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  while (performance.now() < deadline) {
    const reason = givenUp();
    if (reason) throw new Error(reason);
    try {
      const response = await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`, {
        signal: AbortSignal.timeout(5_000),
      });
      const health = await response.json();
      // Yellow is all that an index with copies reaches on one node.
      if (health.status === "green" || health.status === "yellow") return;
    } catch {
      // Not listening yet: the pause below paces the next attempt.
    }
    await new Promise<void>(function later(resolve) {
      setTimeout(resolve, 100);
    });
  }
  throw new Error(`not ready within ${READY_MS_MAX} ms`);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
