/**
 * Chooses the test files of a run, and which of them run side by side.
 * Runs in the process of `deno task test`; holds no state.
 *
 * @module
 */
import { existsSync, readdirSync } from "node:fs";

/** The files of one run, relative to the project's root, in a fixed order. */
interface Selection {
  /** Test files of engines: they compute, and as many run at a time as there are cores. */
  readonly engines: string[];
  /** Test files that start relays or whole pipelines: they mostly wait. */
  readonly relays: string[];
  /** Test files that want the machine to themselves, and say so. */
  readonly alone: string[];
  /** Sources whose docstrings hold examples, which run as tests. */
  readonly examples: string[];
  /** Whether any of them asks for OpenSearch. */
  readonly wantsOpenSearch: boolean;
}

/** One run of `deno test`. */
export interface Phase {
  readonly name: string;
  readonly files: readonly string[];
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const FOLDERS = ["lib", "wire", "runtime", "services", "check_relay", "scripts", "native", "bench", "tests"];
const SKIPPED_FOLDERS = /\/(?:node_modules|build|target|data)\//;
const WANTS_OPENSEARCH =
  /^(?:import .*|\} )from ".*\/(?:opensearch|search_backends|search_node)\.ts"|Deno\.env\.\w+\("SLUICE_TEST_OPENSEARCH"/m;
const EXAMPLE = /^\s*\*\s*```ts\s*$/m;
/** What a file says, with its reason, that wants the machine to itself. */
const ALONE = /^\/\/ alone: \S/m;
/** Files with relays at a time: two cores are busy with three, and none waits so long that its bounds pass. */
const RELAY_FILES_AT_ONCE = 3;

/**
 * Finds the test files under `root` whose path starts with one of `filters`; all of them when there is none.
 *
 * @param root A folder, as a `file:` URL that ends with a slash.
 * @param filters Files or folders relative to `root`, e.g. `lib/store` or `./tests/protocol/nip01_test.ts`.
 */
export async function selectTests(root: URL, filters: readonly string[] = []): Promise<Selection> {
  const wanted = filters.map((filter) => filter.replace(/^\.\//, ""));
  const [engines, relays, alone, examples]: [string[], string[], string[], string[]] = [[], [], [], []];
  let wantsOpenSearch = false;
  for (const path of sources(root)) {
    if (wanted.length > 0 && !wanted.some((filter) => path.startsWith(filter))) continue;
    const text = await Deno.readTextFile(new URL(path, root));
    if (path.endsWith("_test.ts")) {
      (ALONE.test(text) ? alone : startsRelays(path, text) ? relays : engines).push(path);
      wantsOpenSearch ||= WANTS_OPENSEARCH.test(text);
    } else if (EXAMPLE.test(text)) {
      examples.push(path);
    }
  }
  return { engines, relays, alone, examples, wantsOpenSearch };
}

/**
 * The runs of `deno test`, in their order, without those that have nothing to run.
 *
 * @param engine The socket engine of the whole run, where one is named: what clients see is tried with that one only.
 */
export function phasesOf(
  { engines, relays, alone, examples }: Selection,
  engine: string | undefined,
): Phase[] {
  const side = { flags: ["--parallel"], env: { DENO_JOBS: String(RELAY_FILES_AT_ONCE) } };
  const phases: Phase[] = [
    { name: "engines", files: engines, flags: ["--parallel"], env: {} },
    { name: "examples", files: examples, flags: ["--parallel", "--doc"], env: {} },
    { name: "relays", files: relays, ...side },
    { name: "alone", files: alone, flags: [], env: {} },
  ];
  if (engine === undefined) {
    const env = { SLUICE_TEST_ENGINE: "ws" };
    phases.push({ name: "ws", files: relays.filter(isOfSockets), ...side, env: { ...side.env, ...env } });
    phases.push({ name: "ws-alone", files: alone.filter(isOfSockets), flags: [], env });
  }
  return phases.filter(({ files }) => files.length > 0);
}

/** What clients see must not depend on the engine. */
function isOfSockets(path: string): boolean {
  return path.startsWith("tests/protocol/") ||
    /^tests\/pipeline\/(overload|misbehaving_clients|fairness|descriptors)_test\.ts$/.test(path);
}

/** Tests of `tests/` do, except for those of engines (fuzz) and of the test support itself. */
function startsRelays(path: string, text: string): boolean {
  if (!path.startsWith("tests/") || path.startsWith("tests/support/")) return false;
  return !path.startsWith("tests/fuzz/") || text.includes("support/relay.ts");
}

function sources(root: URL): string[] {
  const folders = FOLDERS.filter((folder) => existsSync(new URL(folder, root)));
  const paths = folders.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" }).map((path) =>
      `${folder}/${path}`
    )
  );
  return paths.filter((path) => /(?<!\.d)\.ts$/.test(path) && !SKIPPED_FOLDERS.test(path)).sort();
}
