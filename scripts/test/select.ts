/**
 * Chooses the test files of a run, their order, and which of them run by themselves.
 * Runs in the process of `deno task test`; holds no state.
 *
 * @module
 */
import { existsSync, readdirSync } from "node:fs";

/** One `deno test`. */
export interface Task {
  /** Relative to the project's root. */
  readonly files: readonly string[];
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Wants the machine to itself, and runs after all others. */
  readonly isAlone: boolean;
  readonly wantsOpenSearch: boolean;
}

/** In this order, so that no long file starts last and runs on while a core is idle; whatever is not named is short. */
const LONG_FIRST = [
  "tests/torture",
  "bench",
  "tests/pipeline",
  "lib/search",
  "tests/protocol",
  "tests/hostile",
];
const FOLDERS = ["lib", "wire", "runtime", "services", "check_relay", "scripts", "native", "bench", "tests"];
const SKIPPED_FOLDERS = /\/(?:node_modules|build|target|data)\//;
const WANTS_OPENSEARCH =
  /^(?:import .*|\} )from ".*\/(?:opensearch|search_backends|search_node)\.ts"|Deno\.env\.\w+\("SLUICE_TEST_OPENSEARCH"/m;
const EXAMPLE = /^\s*\*\s*```ts\s*$/m;
/** What a file says, with its reason, that wants the machine to itself. */
const ALONE = /^\/\/ alone: \S/m;
/** What clients see must not depend on the socket engine. */
const OF_SOCKETS =
  /^tests\/(?:protocol\/|upstream\/pages_test\.ts$|pipeline\/(?:overload|misbehaving_clients|fairness|descriptors)_test\.ts$)/;

/**
 * The test files under `root` whose path starts with one of `filters`, all of them when there is none, each as a task of
 * its own; and the sources whose docstrings hold examples, which are one task.
 *
 * @param root A folder, as a `file:` URL that ends with a slash.
 * @param filters Files or folders relative to `root`, e.g. `lib/store` or `./tests/protocol/nip01_test.ts`.
 * @param engine The socket engine of the whole run; if none is named, what clients see is tried with each.
 */
export async function selectTests(root: URL, filters: readonly string[], engine?: string): Promise<Task[]> {
  const wanted = filters.map((filter) => filter.replace(/^\.\//, ""));
  const tasks: Task[] = [];
  const examples: string[] = [];
  for (const path of sources(root)) {
    if (wanted.length > 0 && !wanted.some((filter) => path.startsWith(filter))) continue;
    const text = await Deno.readTextFile(new URL(path, root));
    if (!path.endsWith("_test.ts")) {
      if (EXAMPLE.test(text)) examples.push(path);
      continue;
    }
    const [isAlone, wantsOpenSearch] = [ALONE.test(text), WANTS_OPENSEARCH.test(text)];
    const task = { files: [path], flags: [], env: {}, isAlone, wantsOpenSearch };
    tasks.push(task);
    if (engine === undefined && OF_SOCKETS.test(path)) {
      tasks.push({ ...task, env: { SLUICE_TEST_ENGINE: "ws" } });
    }
  }
  if (examples.length > 0) {
    tasks.push({ files: examples, flags: ["--doc"], env: {}, isAlone: false, wantsOpenSearch: false });
  }
  return tasks.sort((a, b) => rankOf(a) - rankOf(b));
}

function rankOf({ files }: Task): number {
  const rank = LONG_FIRST.findIndex((folder) => files[0]!.startsWith(`${folder}/`));
  return rank < 0 || files.length > 1 ? LONG_FIRST.length : rank;
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
