/**
 * Chooses the test files of a run, and which of them may run side by side.
 * Runs in the process of `deno task test`; holds no state.
 *
 * @module
 */

/** The files of one run, relative to the project's root, in a fixed order. */
export interface Selection {
  /** Test files that may run at the same time. */
  readonly together: string[];
  /** Test files that start relays or whole pipelines: one after another, so that each has the machine to itself. */
  readonly alone: string[];
  /** Sources whose docstrings hold examples, which run as tests. */
  readonly examples: string[];
  /** Whether any of them asks for OpenSearch. */
  readonly wantsOpenSearch: boolean;
}

const FOLDERS = ["lib", "wire", "runtime", "services", "check_relay", "scripts", "native", "bench", "tests"];
const SKIPPED_FOLDERS = new Set(["node_modules", "build", "target", "data"]);
const WANTS_OPENSEARCH =
  /^(?:import .*|\} )from ".*\/(?:opensearch|search_backends|search_node)\.ts"|Deno\.env\.\w+\("SLUICE_TEST_OPENSEARCH"/m;
const EXAMPLE = /^\s*\*\s*```ts\s*$/m;

/**
 * Finds the test files under `root` whose path starts with one of `filters`; all of them when there is none.
 *
 * @param root A folder, as a `file:` URL that ends with a slash.
 * @param filters Files or folders relative to `root`, e.g. `lib/store` or `./tests/protocol/nip01_test.ts`.
 */
export async function selectTests(root: URL, filters: readonly string[] = []): Promise<Selection> {
  const wanted = filters.map((filter) => filter.replace(/^\.\//, ""));
  const selection = { together: [] as string[], alone: [] as string[], examples: [] as string[] };
  let wantsOpenSearch = false;
  for (const path of await sources(root)) {
    if (wanted.length > 0 && !wanted.some((filter) => path.startsWith(filter))) continue;
    const text = await Deno.readTextFile(new URL(path, root));
    if (path.endsWith("_test.ts")) {
      (runsAlone(path, text) ? selection.alone : selection.together).push(path);
      wantsOpenSearch ||= WANTS_OPENSEARCH.test(text);
    } else if (EXAMPLE.test(text)) {
      selection.examples.push(path);
    }
  }
  return { ...selection, wantsOpenSearch };
}

/** Tests of `tests/` share the machine badly, except for those of engines (fuzz) and of the test support itself. */
function runsAlone(path: string, text: string): boolean {
  if (!path.startsWith("tests/") || path.startsWith("tests/support/")) return false;
  return !path.startsWith("tests/fuzz/") || text.includes("support/relay.ts");
}

async function sources(root: URL): Promise<string[]> {
  const found: string[] = [];
  async function walk(folder: string): Promise<void> {
    for await (const entry of Deno.readDir(new URL(folder, root))) {
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory && !SKIPPED_FOLDERS.has(entry.name)) await walk(`${path}/`);
      else if (entry.isFile && entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts")) found.push(path);
    }
  }
  for (const folder of FOLDERS) {
    try {
      await walk(`${folder}/`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found.sort();
}
