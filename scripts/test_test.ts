/** Tests of the suite's runner: its options, its closing line, and that broken files fail the run. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import type { FileReport } from "./test/junit.ts";
import { parseOptions, summarize } from "./test.ts";

const RUNNER = new URL("./test.ts", import.meta.url).pathname;

Deno.test("parseOptions() keeps its own flags and passes the others to Deno", () => {
  const options = parseOptions(["lib/store", "--slowest", "--filter=a b", "--junit-path=out.xml", "tests"]);
  assertEquals(options, {
    paths: ["lib/store", "tests"],
    slowest: true,
    junitPath: "out.xml",
    openSearch: true,
    again: false,
    denoFlags: ["--filter=a b"],
  });
  assertEquals(parseOptions(["--without-opensearch"]).openSearch, false);
});

function reportOf(counts: Partial<FileReport>): FileReport {
  return { path: "a", passed: 0, failed: 0, skipped: 0, failures: [], seconds: 0, xml: "", ...counts };
}

Deno.test("summarize() counts a run that failed without a failed test as one failure", () => {
  const good = { code: 0, reports: [reportOf({ passed: 5, skipped: 1 })] };
  assertEquals(
    summarize([good, { code: 1, reports: [reportOf({ passed: 1, failed: 2 })] }]),
    "6 passed, 2 failed, 1 skipped",
  );
  assertEquals(
    summarize([good, { code: 1, reports: [] }]),
    "5 passed, 1 failed, 1 skipped",
  );
});

/** Runs the runner in a copy of itself whose only test file has the given text; without flags it checks the types. */
async function runWith(
  text: string,
  ...flags: string[]
): Promise<{ code: number; lastLine: string; output: string }> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/scripts/test`, { recursive: true });
    await Deno.mkdir(`${root}/lib`);
    await Deno.copyFile(RUNNER, `${root}/scripts/test.ts`);
    for (const name of ["junit.ts", "select.ts"]) {
      await Deno.copyFile(RUNNER.replace("test.ts", `test/${name}`), `${root}/scripts/test/${name}`);
    }
    await Deno.copyFile(RUNNER.replace("test.ts", "command.ts"), `${root}/scripts/command.ts`);
    await Deno.writeTextFile(
      `${root}/scripts/native.ts`,
      `export const prepareNative = () => ({ line: "" });`,
    );
    await Deno.writeTextFile(`${root}/lib/only_test.ts`, text);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-all",
        "--no-check",
        `${root}/scripts/test.ts`,
        "--without-opensearch",
        ...flags,
      ],
      stderr: "null",
    }).output();
    const output = new TextDecoder().decode(stdout).trimEnd();
    return { code, lastLine: output.split("\n").at(-1)!, output };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("a run of passing and skipped tests ends with code 0 and its tally", async () => {
  const text = `Deno.test("a", () => {}); Deno.test.ignore("b", () => {});`;
  const { code, lastLine } = await runWith(text, "--no-check");
  assertEquals({ code, lastLine }, { code: 0, lastLine: "1 passed, 0 failed, 1 skipped" });
});

Deno.test("a broken import fails the run", async () => {
  const { code, lastLine } = await runWith(`import "./nowhere.ts"; Deno.test("a", () => {});`);
  assertNotEquals(code, 0);
  assertEquals(lastLine, "0 passed, 1 failed, 0 skipped");
});

Deno.test("a mistake of types fails the run before any test runs", async () => {
  const { code, lastLine } = await runWith(`const a: number = "text"; Deno.test("a", () => void a);`);
  assertNotEquals(code, 0);
  assertEquals(lastLine, "0 passed, 1 failed, 0 skipped");
});

Deno.test("a failing test and a leak fail the run", async () => {
  const text = `Deno.test("a", () => { throw 1; }); Deno.test("leak", () => { setTimeout(() => {}, 9e5); });`;
  const { code, lastLine } = await runWith(text, "--no-check");
  assertNotEquals(code, 0);
  assertStringIncludes(lastLine, "2 failed");
});

/** Fails while the folder of the run has no file `seen`, which it then makes. */
const FAILS_ONCE = `Deno.test("once", () => { const seen = new URL("seen", import.meta.url);
  try { Deno.statSync(seen); } catch { Deno.writeTextFileSync(seen, ""); throw new Error("first"); } });`;

Deno.test("what fails is named with its reason at the end", async () => {
  const { code, output } = await runWith(FAILS_ONCE, "--no-check");
  assertNotEquals(code, 0);
  assertStringIncludes(output, "FAILED lib/only_test.ts: once\n    Error: first");
});

Deno.test("with --again, what passes in a second run counts and is named, and what fails twice fails", async () => {
  const steady = await runWith(FAILS_ONCE + `Deno.test("a", () => {});`, "--again", "--no-check");
  assertEquals([steady.code, steady.lastLine], [0, "2 passed, 0 failed, 0 skipped"]);
  assertStringIncludes(steady.output, "UNSTEADY, runs again: lib/only_test.ts: once");
  const failing = await runWith(`Deno.test("a", () => { throw 1; });`, "--again", "--no-check");
  assertNotEquals(failing.code, 0);
  assertEquals(failing.lastLine, "0 passed, 1 failed, 0 skipped");
});
