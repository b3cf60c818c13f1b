/** Tests of the suite's runner: its options, its closing line, and that broken files fail the run. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { parseOptions, summarize } from "./test.ts";

const RUNNER = new URL("./test.ts", import.meta.url).pathname;

Deno.test("parseOptions() keeps its own flags and passes the others to Deno", () => {
  const options = parseOptions(["lib/store", "--slowest", "--filter=a b", "--junit-path=out.xml", "tests"]);
  assertEquals(options, {
    paths: ["lib/store", "tests"],
    slowest: true,
    junitPath: "out.xml",
    openSearch: true,
    denoFlags: ["--filter=a b"],
  });
  assertEquals(parseOptions(["--without-opensearch"]).openSearch, false);
});

Deno.test("summarize() counts a run that failed without a failed test as one failure", () => {
  const good = { code: 0, tally: { passed: 5, failed: 0, skipped: 1 } };
  assertEquals(
    summarize([good, { code: 1, tally: { passed: 1, failed: 2, skipped: 0 } }]),
    "6 passed, 2 failed, 1 skipped",
  );
  assertEquals(
    summarize([good, { code: 1, tally: { passed: 0, failed: 0, skipped: 0 } }]),
    "5 passed, 1 failed, 1 skipped",
  );
});

/** Runs the runner in a copy of itself whose only test file has the given text. */
async function runWith(text: string): Promise<{ code: number; lastLine: string }> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/scripts/test`, { recursive: true });
    await Deno.mkdir(`${root}/lib`);
    await Deno.copyFile(RUNNER, `${root}/scripts/test.ts`);
    for (const name of ["junit.ts", "select.ts"]) {
      await Deno.copyFile(RUNNER.replace("test.ts", `test/${name}`), `${root}/scripts/test/${name}`);
    }
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
        "--no-check",
        "--without-opensearch",
      ],
      stderr: "null",
    }).output();
    return { code, lastLine: new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1)! };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("a run of passing and skipped tests ends with code 0 and its tally", async () => {
  const text = `Deno.test("a", () => {}); Deno.test.ignore("b", () => {});`;
  assertEquals(await runWith(text), { code: 0, lastLine: "1 passed, 0 failed, 1 skipped" });
});

Deno.test("a broken import fails the run", async () => {
  const { code, lastLine } = await runWith(`import "./nowhere.ts"; Deno.test("a", () => {});`);
  assertNotEquals(code, 0);
  assertEquals(lastLine, "0 passed, 1 failed, 0 skipped");
});

Deno.test("a failing test and a leak fail the run", async () => {
  const text = `Deno.test("a", () => { throw 1; }); Deno.test("leak", () => { setTimeout(() => {}, 9e5); });`;
  const { code, lastLine } = await runWith(text);
  assertNotEquals(code, 0);
  assertStringIncludes(lastLine, "2 failed");
});
