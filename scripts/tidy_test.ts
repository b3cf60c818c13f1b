/** Tests of tidy: each rule finds its breach in a small project, and leaves a tidy one alone. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { formatFinding, tidy } from "./tidy.ts";
import { checkHeaders, checkNames, checkSizes, checkTexts } from "./tidy/files.ts";
import { checkAssertions } from "./tidy/assertions.ts";
import { checkBounds } from "./tidy/bounds.ts";
import { checkClassNames, checkDeadExports } from "./tidy/exports.ts";
import { checkFolderCycles, checkLayers, formatLayers, reportLayers } from "./tidy/layers.ts";
import { checkCircles, checkDeadFiles, checkPackages } from "./tidy/modules.ts";
import { edgesOf, type Finding, lineAt, type Project } from "./tidy/project.ts";
import { checkGenerated, checkLinks, checkNamedFiles } from "./tidy/documents.ts";
import { checkChangelog, checkNamedTests, checkNips, formatNamedTests } from "./tidy/promises.ts";

type Check = (project: Project) => Finding[];

/** What a check finds in a project that is given as texts by path. */
function find(check: Check, texts: Record<string, string>): string[] {
  return check(new Map(Object.entries(texts))).map(formatFinding);
}

Deno.test("edgesOf() sees imports of every form and none in docstrings or texts", () => {
  const text = `/**
 * import { no } from "./docstring.ts";
 */
import { a } from "./a.ts";
import type { B } from "../b.ts";
import {
  c,
} from "@std/assert";
import "./d.ts";
export * from "./e.ts";
const late = await import("./f.ts");
// await import("./comment.ts")
new Worker(new URL("./worker.ts", import.meta.url));
const text = \`
  import { no } from "./text.ts";\`;
`;
  const edges = edgesOf(new Map([["lib/x/y.ts", text]]));
  assertEquals(edges.map((edge) => [edge.to ?? edge.specifier, edge.line, edge.static]), [
    ["lib/x/a.ts", 4, true],
    ["lib/b.ts", 5, false],
    ["@std/assert", 6, true],
    ["lib/x/d.ts", 9, true],
    ["lib/x/e.ts", 10, true],
    ["lib/x/f.ts", 11, false],
    ["lib/x/worker.ts", 13, false],
  ]);
});

Deno.test("lineAt() counts from 1", () => {
  assertEquals([0, 1, 2, 3].map((offset) => lineAt("a\nb\n", offset)), [1, 1, 2, 2]);
});

Deno.test("checkLayers() lets no layer import a higher one, in lib also in its tests", () => {
  const service = `import { a } from "../services/store/records.ts";\n`;
  assertEquals(find(checkLayers, { "lib/a.ts": service }), [
    'lib/a.ts:1: lib imports no higher layer: "services/store/records.ts"',
  ]);
  assertEquals(find(checkLayers, { "lib/a_test.ts": service, "wire/b.ts": service }).length, 2);
  assertEquals(find(checkLayers, { "runtime/a.ts": `import type { A } from "../main.ts";\n` }).length, 1);
  assertEquals(find(checkLayers, { "lib/a.ts": `import { a } from "./a_test.ts";\n` }).length, 1);
  const down = `import { a } from "../../runtime/log.ts";\nimport { b } from "../../lib/limits.ts";\n`;
  assertEquals(
    find(checkLayers, { "services/store/worker.ts": down, "main.ts": `import "./lib/a.ts";\n` }),
    [],
  );
});

Deno.test("checkLayers() keeps services apart, and the program from tests, benches and scripts", () => {
  const worker = `import { a } from "../store/worker.ts";\n`;
  assertEquals(find(checkLayers, { "services/gateway/worker.ts": worker }), [
    'services/gateway/worker.ts:1: a service imports no other one: "services/store/worker.ts"',
  ]);
  assertEquals(find(checkLayers, { "services/gateway/worker_test.ts": worker }), []);
  assertEquals(find(checkLayers, { "wire/a.ts": `import { a } from "../bench/a.ts";\n` }).length, 1);
  assertEquals(find(checkLayers, { "lib/a_test.ts": `import "../tests/support/prng.ts";\n` }), []);
});

Deno.test("checkFolderCycles() finds folders that import each other, parts of the store apart", () => {
  const cycle = {
    "lib/a/x.ts": `import type { B } from "../b/x.ts";\n`,
    "lib/b/x.ts": `import { c } from "../store/read/c.ts";\nimport { l } from "../limits.ts";\n`,
    "lib/store/read/c.ts": `import { a } from "../../a/y.ts";\n`,
    "lib/store/write/d.ts": `import { c } from "../read/c.ts";\n`,
  };
  assertEquals(find(checkFolderCycles, cycle), [
    "lib/a: is in a cycle of folders: lib/a → lib/b → lib/store/read → lib/a",
  ]);
  assertEquals(find(checkFolderCycles, { ...cycle, "lib/store/read/c.ts": "" }), []);
  const leaf = { ...cycle, "lib/store/read/c.ts": "", "lib/limits.ts": `import { b } from "./b/x.ts";\n` };
  assertEquals(find(checkFolderCycles, leaf).length, 1, "a root file of lib imports nothing of its folders");
});

Deno.test("formatLayers() prints what points up and what goes round", () => {
  const texts = {
    "lib/a/x.ts": `import { b } from "../../wire/b.ts";\n`,
    "wire/b.ts": `import "../lib/a/x.ts";\n`,
  };
  assertEquals(formatLayers(reportLayers(new Map(Object.entries(texts)))), [
    "layers: lib ← wire ← runtime ← services ← main",
    "arrows that point up: 1",
    "  lib/a/x.ts:1 → wire/b.ts",
    "arrows between services: none",
    "cycles of folders: 1",
    "  lib/a ↔ wire",
  ]);
  assertEquals(formatLayers(reportLayers(new Map())).slice(1).map((line) => line.split(": ")[1]), [
    "none",
    "none",
    "none",
  ]);
});

Deno.test("checkDeadExports() wants another module to name what one exports", () => {
  const texts = {
    "lib/a.ts":
      "export const used = 1;\nexport function dead(): void {}\nexport interface Typed {}\nconst own = 1;\n",
    "lib/b.ts":
      `import { type Typed, used } from "./a.ts";\n/** Like dead(). */\nexport { used as other };\n`,
    "lib/b_test.ts": `import { other } from "./b.ts";\n`,
    "bench/idle.ts": "export function main(): void {}\n",
  };
  assertEquals(find(checkDeadExports, texts), ['lib/a.ts:2: "dead" is exported and used nowhere else']);
});

Deno.test("checkClassNames() wants one class for one name, tests apart", () => {
  const texts = {
    "lib/a.ts": "export class Heartbeat {}\n",
    "lib/a_test.ts": "class Heartbeat {}\n",
    "services/b.ts": "\nclass Heartbeat {}\n",
  };
  assertEquals(find(checkClassNames, texts), ['services/b.ts:2: "Heartbeat" is a class of lib/a.ts too']);
});

Deno.test("checkBounds() wants each bound in lib/limits.ts, or named there with its file", () => {
  const limits = "// `lib/a.ts`: `ROWS_MAX`, `LOOK_MS`\nexport const OTHER_MS = 1;\n";
  const texts = {
    "lib/limits.ts": limits,
    "lib/a.ts": "const ROWS_MAX = 8;\nconst LOOK_MS = 4 * 250;\nconst KEY_BYTES = 32;\nconst TEXT = 1;\n",
    "lib/a_test.ts": "const WAIT_MS = 1;\n",
  };
  assertEquals(find(checkBounds, texts), []);
  assertEquals(find(checkBounds, { ...texts, "wire/b.ts": "const WAIT_MS = 5_000;\n" }), [
    'wire/b.ts:1: lib/limits.ts does not name the bound "WAIT_MS"',
  ]);
  assertEquals(
    find(checkBounds, { ...texts, "lib/a.ts": "const ROWS_MAX = 8;\nexport const LOOK_MS = 1;\n" }),
    [
      'lib/a.ts:2: "LOOK_MS" is a bound that others use: it belongs to lib/limits.ts',
      "lib/limits.ts:1: names a bound that is not there: lib/a.ts LOOK_MS",
    ],
  );
});

Deno.test("checkAssertions() finds a test that cannot fail, and looks into the functions that it calls", () => {
  const texts = {
    "lib/hold.ts": "export function holds(): void {\n  assertEquals(1, 1);\n}\n",
    "lib/a_test.ts": `import { holds } from "./hold.ts";
Deno.test("asserts", () => {
  assert(true);
});
Deno.test("asserts elsewhere", () => both());
Deno.test("asserts nothing", () => {
  // assert(false);
  holdsNothing();
});
Deno.test({
  name: "asserts nothing either",
  fn() {},
});
Deno.test({ name: "not here", ignore: true, fn() {} });
function both(): void {
  holds();
}
`,
  };
  assertEquals(find(checkAssertions, texts), [
    "lib/a_test.ts:6: the test asserts nothing",
    "lib/a_test.ts:10: the test asserts nothing",
  ]);
});

Deno.test("checkCircles() names the way round, and takes no notice of types and workers", () => {
  const circle = {
    "lib/a.ts": `import { b } from "./b.ts";\n`,
    "lib/b.ts": `import { c } from "./c.ts";\n`,
    "lib/c.ts": `import { a } from "./a.ts";\n`,
  };
  assertEquals(find(checkCircles, circle), [
    "lib/a.ts: imports itself: lib/a.ts → lib/b.ts → lib/c.ts → lib/a.ts",
  ]);
  assertEquals(find(checkCircles, { ...circle, "lib/c.ts": `import type { A } from "./a.ts";\n` }), []);
  assertEquals(find(checkCircles, { ...circle, "lib/c.ts": `new URL("./a.ts", import.meta.url);\n` }), []);
});

Deno.test("checkDeadFiles() follows programs, scripts, tests, workers and the types of a re-export", () => {
  const texts = {
    "deno.json": `{"lint": {"plugins": ["./tools/plugin.ts"]}}`,
    "main.ts": `import { a } from "./services/store/handle.ts";\n`,
    "services/store/handle.ts": `new Worker(new URL("./worker.ts", import.meta.url));\n`,
    "services/store/worker.ts": `import { b } from "../../lib/b.ts";\n`,
    "lib/b.ts": `// @ts-types="./b.d.ts"\nexport * from "npm:b";\n`,
    "lib/b.d.ts": "",
    "lib/b_test.ts": "",
    "lib/dead.ts": `import { b } from "./b.ts";\n`,
    "scripts/import.ts": "",
    "tools/plugin.ts": "",
  };
  assertEquals(find(checkDeadFiles, texts), ["lib/dead.ts: nothing imports this file"]);
});

Deno.test("checkPackages() holds the import map, the imports and ARCHITECTURE.md together", () => {
  const texts = {
    "deno.json": JSON.stringify({
      imports: {
        "@std/assert": "./lib/std/assert.ts",
        "hono": "npm:hono@4",
        "hono/": "npm:/hono@4/",
        "ws": "npm:ws@8",
      },
    }),
    "main.ts":
      `import { cookie } from "hono/cookie";\nimport { a } from "npm:left@1";\nimport { b } from "node:fs";\n`,
    "lib/a_test.ts": `import { assert } from "@std/assert";\n`,
    "ARCHITECTURE.md": "`ws` for sockets",
  };
  assertEquals(find(checkPackages, texts), [
    'ARCHITECTURE.md: does not name the package "hono"',
    'deno.json: nothing imports "ws"',
    'main.ts:2: imports "npm:left@1", which is not in the import map',
  ]);
});

Deno.test("checkNames() finds words that say nothing, index.ts and other cases", () => {
  assertEquals(find(checkNames, { "lib/utils/a.ts": "", "lib/lane_helper.ts": "" }).length, 2);
  assertStringIncludes(find(checkNames, { "services/manager.ts": "" })[0]!, "name what it owns");
  assertEquals(find(checkNames, { "lib/index.ts": "" }), ["lib/index.ts: a module of re-exports is mod.ts"]);
  assertEquals(find(checkNames, { "lib/laneReader.ts": "" }), [
    "lib/laneReader.ts: the name is not snake_case",
  ]);
  assertEquals(find(checkNames, { "lib/database.ts": "", "lib/std/assert.d.ts": "", "README.md": "" }), []);
});

Deno.test("checkHeaders() wants a comment first, and the thread where code runs on one", () => {
  assertEquals(find(checkHeaders, { "scripts/a.ts": "export {};" }), ["scripts/a.ts:1: no header comment"]);
  assertEquals(find(checkHeaders, { "lib/a.ts": "/** An engine. */\n" }).length, 1);
  const good = {
    "lib/a.ts": "/** An engine. Runs on any thread. */\n",
    "lib/a_test.ts": "/** Tests. */\n",
    "native/a.c": "// A batch.\n",
    ".ci/run": "#!/usr/bin/env bash\n# Runs the suite.\n",
  };
  assertEquals(find(checkHeaders, good), []);
  assertEquals(find(checkHeaders, { ".ci/run": "#!/usr/bin/env bash\nset -e\n" }), [
    ".ci/run:1: no header comment",
  ]);
});

Deno.test("checkSizes() asks a long file for its reason and finds long lines that can be broken", () => {
  const long = "a();\n".repeat(401);
  assertEquals(find(checkSizes, { "lib/a.ts": long }).length, 1);
  assertEquals(find(checkSizes, { "lib/a.ts": `// long: one table\n${long}` }), []);
  assertEquals(find(checkSizes, { "lib/a.ts": "a();\n".repeat(400) }), []);
  assertEquals(find(checkSizes, { "lib/a.ts": `// ${"word ".repeat(30)}` }).length, 1);
  assertEquals(find(checkSizes, { "lib/a.ts": `  id: "${"0".repeat(128)}",` }), []);
  assertEquals(find(checkSizes, { "lib/a.ts": `// https://example.com/${"a".repeat(128)}` }), []);
});

Deno.test("checkTexts() finds plans, history and places of one machine", () => {
  const bad = [
    "// TODO: more\n",
    "/**\n * Will be replaced.\n */\n",
    "/** Previously a table. */\n",
    `const path = "/home/somebody/relay";\n`,
    `const url = "https://registry.example.org/ws";\n`,
  ];
  for (const text of bad) assertEquals(find(checkTexts, { "lib/a.ts": text }).length, 1, text);
  const good = [
    `const text = "for now";\n`,
    "/** A date in the future is refused. */\n",
    `const url = "https://relay.example.com/work/home";\n`,
    `import { a } from "../work/a.ts";\n`,
  ];
  for (const text of good) assertEquals(find(checkTexts, { "lib/a.ts": text }), [], text);
  assertEquals(find(checkTexts, { "README.md": "Search\nwill be added.\n" }).length, 1);
  assertEquals(find(checkTexts, { "CHANGELOG.md": "The log previously had no cursor.\n" }), []);
});

Deno.test("checkNips() pairs what is advertised with its tests, both ways", () => {
  const project = new Map([["tests/protocol/nip01_test.ts", ""], ["tests/protocol/nip50_test.ts", ""]]);
  assertEquals(checkNips(project, [{ number: 1 }, { number: 50 }]), []);
  assertEquals(checkNips(project, [{ number: 1 }, { number: 9 }]).map(formatFinding), [
    "lib/relay/nips.ts: no test tests/protocol/nip09_test.ts",
    "tests/protocol/nip50_test.ts: lib/relay/nips.ts does not advertise this NIP",
  ]);
});

Deno.test("checkGenerated() wants documents as they are generated", () => {
  assertEquals(checkGenerated([{ path: "a.md", actual: "x", expected: "x" }]), []);
  assertEquals(checkGenerated([{ path: "a.md", actual: "x", expected: "y" }]).length, 1);
});

Deno.test("checkLinks() wants the file and the heading that a link of a document names", () => {
  const project = new Map([
    ["docs/a.md", "# A\n[b](b.md#two-words), [c](../c.ts), [web](https://example.com/x.md), [self](#a)\n"],
    ["docs/b.md", "# B\n## Two words\n"],
    ["c.ts", ""],
  ]);
  assertEquals(find(checkLinks, Object.fromEntries(project)), []);
  const broken = { "a.md": "# A\n[b](b.md), [c](c.md#no)\n", "c.md": "# C\n" };
  assertEquals(find(checkLinks, broken).length, 2);
});

Deno.test("checkNamedFiles() wants the files that ARCHITECTURE.md names", () => {
  const project = {
    "ARCHITECTURE.md": "`lib/a.ts`, `lib/b.ts`, `tests/nipNN_test.ts`, `a.ts`",
    "lib/a.ts": "",
  };
  const findings = find(checkNamedFiles, project);
  assertEquals(findings, ['ARCHITECTURE.md:1: no file "lib/b.ts"']);
});

Deno.test("checkNamedTests() wants every test that SECURITY.md names", () => {
  const security = `## Properties and their tests

Held: \`lib/a_test.ts\`: "it\nholds", and \`lib/b_test.ts\`: "it is gone".

- Held too: \`lib/a_test.ts\`: "it holds".
- Held by \`lib/a_test.ts\`.

## Another table: \`lib/c_test.ts\`
`;
  const project = new Map([["SECURITY.md", security], ["lib/a_test.ts", 'Deno.test("it holds", () => {});']]);
  assertEquals(checkNamedTests(project).map(({ line, message }) => [line, message]), [
    [4, 'no test "it is gone" in lib/b_test.ts'],
    [7, "no test of lib/a_test.ts is named"],
  ]);
  assertEquals(
    formatNamedTests(project),
    "attacks that SECURITY.md says are held off: 3, by 3 tests",
  );
});

Deno.test("checkChangelog() wants the project's version first, and known sections in order", () => {
  const configuration = { "deno.json": `{"version": "0.2.0"}` };
  const good = "# Changelog\n\n## 0.2.0\n\n### Features\n\n### Internals\n\n## 0.1.0\n\n### Performance\n";
  assertEquals(find(checkChangelog, { ...configuration, "CHANGELOG.md": good }), []);
  assertEquals(find(checkChangelog, { ...configuration, "CHANGELOG.md": "## 0.1.0\n" }).length, 1);
  const swapped = "## 0.2.0\n### Internals\n### Features\n";
  assertEquals(find(checkChangelog, { ...configuration, "CHANGELOG.md": swapped }).length, 1);
  assertEquals(find(checkChangelog, { ...configuration, "CHANGELOG.md": "## 0.2.0\n### Fixes\n" }).length, 1);
});

Deno.test("the project is tidy", async () => {
  const findings = await tidy(new URL("../", import.meta.url));
  assertEquals(findings.map(formatFinding), []);
});
