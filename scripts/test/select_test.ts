/** Tests of choosing test files, over a small tree on disk. */
import { assert, assertEquals, assertFalse } from "@std/assert";
import { pathToFileURL } from "node:url";
import { phasesOf, selectTests } from "./select.ts";

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

Deno.test("selectTests() finds every test file and example, and keeps apart what starts relays", async () => {
  await withTree(async (root) => {
    const selection = await selectTests(root);
    assertEquals(selection.engines, [
      "lib/a_test.ts",
      "lib/search/shared_test.ts",
      "tests/fuzz/filters_test.ts",
      "tests/support/prng_test.ts",
    ]);
    assertEquals(selection.relays, ["tests/fuzz/frames_test.ts", "tests/protocol/nip01_test.ts"]);
    assertEquals(selection.alone, ["tests/pipeline/overload_test.ts"]);
    assertEquals(selection.examples, ["lib/a.ts"]);
    assert(selection.wantsOpenSearch);
  });
});

Deno.test("selectTests() keeps to its filters, and asks for OpenSearch only where a chosen file does", async () => {
  await withTree(async (root) => {
    const selection = await selectTests(root, ["./lib/a", "tests/protocol"]);
    assertEquals(selection.engines, ["lib/a_test.ts"]);
    assertEquals(selection.relays, ["tests/protocol/nip01_test.ts"]);
    assertFalse(selection.wantsOpenSearch);
  });
});

Deno.test("phasesOf() tries what clients see with both engines, unless the run names one", async () => {
  await withTree(async (root) => {
    const selection = await selectTests(root);
    const phases = phasesOf(selection, undefined);
    assertEquals(phases.map(({ name }) => name), [
      "engines",
      "examples",
      "relays",
      "alone",
      "ws",
      "ws-alone",
    ]);
    assertEquals(phases[4]!.files, ["tests/protocol/nip01_test.ts"]);
    assertEquals(phases[5]!.files, ["tests/pipeline/overload_test.ts"]);
    assertEquals(phasesOf(selection, "ws").map(({ name }) => name), [
      "engines",
      "examples",
      "relays",
      "alone",
    ]);
  });
});
