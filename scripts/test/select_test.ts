/** Tests of choosing test files, over a small tree on disk. */
import { assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import { selectTests, type Task } from "./select.ts";

const EXAMPLE = "/**\n * @example Usage\n * ```ts\n * 1;\n * ```\n */\nexport const a = 1;\n";

const TREE: Record<string, string> = {
  "lib/a.ts": EXAMPLE,
  "lib/a_test.ts": "",
  "lib/plain.ts": "export const b = 1;\n",
  "lib/search/shared_test.ts":
    `/** Shared. */\nimport { useOpenSearch } from "../../tests/support/opensearch.ts";`,
  "scripts/test.ts": "throw new Error()",
  "native/build/x_test.ts": "",
  "tests/protocol/nip01_test.ts": "",
  "tests/fuzz/filters_test.ts": "",
  "tests/fuzz/frames_test.ts": `import { startRelay } from "../support/relay.ts";`,
  "tests/pipeline/overload_test.ts": "// alone: counts what the machine does\n",
  "tests/support/prng_test.ts": "",
};

async function withTree(test: (root: URL) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const root = pathToFileURL(`${folder}/`);
  try {
    for (const [path, text] of Object.entries(TREE)) {
      await Deno.mkdir(new URL(".", new URL(path, root)), { recursive: true });
      await Deno.writeTextFile(new URL(path, root), text);
    }
    await test(root);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function pathsOf(tasks: readonly Task[]): string[] {
  return tasks.flatMap(({ files }) => files);
}

Deno.test("selectTests() finds every test file and example, the long ones first", async () => {
  await withTree(async (root) => {
    const tasks = await selectTests(root, [], "serve");
    assertEquals(pathsOf(tasks), [
      "tests/pipeline/overload_test.ts",
      "lib/search/shared_test.ts",
      "tests/protocol/nip01_test.ts",
      "lib/a_test.ts",
      "tests/fuzz/filters_test.ts",
      "tests/fuzz/frames_test.ts",
      "tests/support/prng_test.ts",
      "lib/a.ts",
    ]);
    assertEquals(pathsOf(tasks.filter(({ isAlone }) => isAlone)), ["tests/pipeline/overload_test.ts"]);
    assertEquals(pathsOf(tasks.filter(({ wantsOpenSearch }) => wantsOpenSearch)), [
      "lib/search/shared_test.ts",
    ]);
    assertEquals(pathsOf(tasks.filter(({ flags }) => flags.includes("--doc"))), ["lib/a.ts"]);
  });
});

Deno.test("selectTests() keeps to its filters", async () => {
  await withTree(async (root) => {
    const tasks = await selectTests(root, ["./lib/a", "tests/protocol"], "serve");
    assertEquals(pathsOf(tasks), ["tests/protocol/nip01_test.ts", "lib/a_test.ts", "lib/a.ts"]);
  });
});

Deno.test("selectTests() tries what clients see with both engines, unless the run names one", async () => {
  await withTree(async (root) => {
    const twice = (await selectTests(root, [])).filter(({ env }) => env.SLUICE_TEST_ENGINE === "ws");
    assertEquals(pathsOf(twice), ["tests/pipeline/overload_test.ts", "tests/protocol/nip01_test.ts"]);
    assertEquals(twice.map(({ isAlone }) => isAlone), [true, false]);
    const once = await selectTests(root, [], "ws");
    assertEquals(once.filter(({ env }) => "SLUICE_TEST_ENGINE" in env), []);
  });
});
