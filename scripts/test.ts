/**
 * Runs the whole suite and brings up what it needs: the verification library, and one OpenSearch for all tests.
 *
 *   deno task test [PATH…] [--slowest] [--junit-path=FILE] [--without-opensearch] [--FLAG[=VALUE]…]
 *
 *   PATH                  run only the test files below this path, e.g. lib/store or tests/protocol/nip01_test.ts
 *   --slowest             name the ten slowest files at the end
 *   --junit-path=FILE     keep the results of all runs as one JUnit document
 *   --again               run the files of failed tests once more, alone; what passes then counts, and is named
 *   --without-opensearch  start no OpenSearch; the tests that need one are skipped
 *   --FLAG[=VALUE]        goes to `deno test`, e.g. --filter=NAME, --trace-leaks or --coverage=coverage
 *
 * Files run side by side; those that start relays mostly wait, and more of them run at a time than there are cores. The
 * tests of the protocol run twice, with the relay's default socket engine and with `ws`. `SLUICE_TEST_ENGINE` names one
 * engine for the whole run instead.
 *
 * Types are checked once, before the runs. What failed is told again at the end. The last line is `N passed, N failed,
 * N skipped`. The exit code is 0 only if types hold and every `deno test` ended with 0: a file that cannot be imported
 * fails the run, though Deno counts no test of it.
 *
 * Runs in a process of its own, which owns the OpenSearch node and the `deno test` processes.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the command's output
import { type FileReport, readJunit, sumTallies, writeJunit } from "./test/junit.ts";
import { runCommand } from "./command.ts";
import { type Phase, phasesOf, selectTests } from "./test/select.ts";

interface Options {
  readonly paths: readonly string[];
  readonly slowest: boolean;
  readonly junitPath: string | undefined;
  readonly openSearch: boolean;
  readonly again: boolean;
  readonly denoFlags: readonly string[];
}

/** What one `deno test` did. */
interface Run {
  readonly code: number;
  readonly reports: readonly FileReport[];
}

const ROOT = new URL("../", import.meta.url);
const OPENSEARCH = new URL("tests/support/opensearch.ts", ROOT).href;
/** A test that leaves a timer, a promise of the runtime or a file behind is wrong, and may spoil its neighbours. */
const SANITIZERS = ["--sanitize-ops", "--sanitize-resources"];
const SLOWEST_FILES = 10;
/** More files than these failing together are no accident. */
const MOST_FILES_AGAIN = 5;
/** Lines of a failure that are told at the end; the run's output has the rest. */
const REASON_LINES = 12;

/** Splits the command's arguments into ours and those of `deno test`. */
export function parseOptions(args: readonly string[]): Options {
  const flags = args.filter((arg) => arg.startsWith("--"));
  const junit = flags.find((flag) => flag.startsWith("--junit-path="));
  const own = new Set(["--slowest", "--without-opensearch", "--again", junit]);
  return {
    paths: args.filter((arg) => !arg.startsWith("--")),
    slowest: flags.includes("--slowest"),
    junitPath: junit?.slice("--junit-path=".length),
    again: flags.includes("--again"),
    openSearch: !flags.includes("--without-opensearch"),
    denoFlags: flags.filter((flag) => !own.has(flag)),
  };
}

/** The closing line; a run that failed without a failed test (a broken import) counts as one failure. */
export function summarize(runs: readonly Run[]): string {
  const { passed, failed, skipped } = sumTallies(runs.flatMap(({ reports }) => reports));
  const broken = runs.filter(({ code, reports }) => code !== 0 && sumTallies(reports).failed === 0);
  return `${passed} passed, ${failed + broken.length} failed, ${skipped} skipped`;
}

async function main(): Promise<number> {
  const options = parseOptions(Deno.args);
  const selection = await selectTests(ROOT, options.paths);
  const phases = phasesOf(selection, Deno.env.get("SLUICE_TEST_ENGINE"));
  if (phases.length === 0) {
    console.error(`Cannot find tests "${options.paths.join(" ")}": no file matches`);
    return 1;
  }
  await using started = new AsyncDisposableStack();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => void started.disposeAsync().then(() => Deno.exit(130)));
  }
  const work = await Deno.makeTempDir({ prefix: "sluice-suite-" });
  started.defer(() => Deno.remove(work, { recursive: true }));
  const [isReady, hasTypes] = await Promise.all([
    selection.wantsOpenSearch ? bringUpOpenSearch(options, started) : true,
    checkTypes(options, phases),
    bringUpNative(),
  ]);
  const runs: Run[] = isReady && hasTypes ? [] : [{ code: 1, reports: [] }];
  for (const phase of hasTypes ? phases : []) {
    const flags = new Set(["--no-check", ...phase.flags, ...options.denoFlags]);
    const command = { ...phase, flags: [...flags, `--junit-path=${work}/${phase.name}.xml`] };
    const run = await denoTest(command, started);
    runs.push(options.again ? await runAgain(run, command, started) : run);
  }
  return await report(runs, options);
}

/** Once for all runs and for the workers that tests start, of which each would have its own check. */
async function checkTypes({ paths, denoFlags }: Options, phases: readonly Phase[]): Promise<boolean> {
  if (denoFlags.includes("--no-check")) return true;
  const files = paths.length === 0 ? [] : new Set(phases.flatMap((phase) => phase.files));
  const args = ["check", "--quiet", ...files];
  const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null" }).spawn()
    .status;
  return success;
}

async function denoTest({ files, flags, env }: Phase, started: AsyncDisposableStack): Promise<Run> {
  if (started.disposed) return { code: 130, reports: [] };
  const child = started.use(
    new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", ...SANITIZERS, ...flags, ...files],
      cwd: ROOT,
      env,
      stdin: "null",
    }).spawn(),
  );
  const { code } = await child.status;
  // Deno writes no document when it cannot load the files.
  const xml = await Deno.readTextFile(flags.at(-1)!.replace("--junit-path=", "")).catch(() => "");
  return { code, reports: readJunit(xml) };
}

/**
 * The same run with the results of a second try for the files that failed.
 * For machines that others use too: a test that failed for lack of time passes alone, and a real failure fails twice.
 */
async function runAgain(run: Run, phase: Phase, started: AsyncDisposableStack): Promise<Run> {
  const failed = run.reports.filter((file) => file.failed > 0);
  const files = phase.files.filter((path) => failed.some((file) => file.path === path));
  if (files.length === 0 || files.length < failed.length || files.length > MOST_FILES_AGAIN) return run;
  for (const line of failuresOf(failed)) console.log(`UNSTEADY, runs again: ${line}`);
  const flags = phase.flags.filter((flag) => flag !== "--parallel");
  const second = await denoTest({ ...phase, files, flags }, started);
  return {
    code: second.code,
    reports: [...run.reports.filter((file) => file.failed === 0), ...second.reports],
  };
}

function failuresOf(reports: readonly FileReport[]): string[] {
  return reports.flatMap(({ path, failures }) =>
    failures.map(({ name, reason }) => {
      const lines = reason.split("\n").slice(0, REASON_LINES).join("\n    ");
      return `${path}: ${name}\n    ${lines}`;
    })
  );
}

async function report(runs: readonly Run[], { junitPath, slowest }: Options): Promise<number> {
  const reports = runs.flatMap((run) => run.reports);
  if (junitPath !== undefined) await Deno.writeTextFile(junitPath, writeJunit(reports));
  const named = slowest ? reports.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_FILES) : [];
  for (const { path, seconds } of named) console.log(`${seconds.toFixed(2).padStart(8)} s  ${path}`);
  for (const line of failuresOf(reports)) console.log(`FAILED ${line}`);
  console.log(summarize(runs));
  return runs.find((run) => run.code !== 0)?.code ?? 0;
}

/** Starts the node that all tests share. Returns false if it does not start: its tests are skipped then. */
async function bringUpOpenSearch({ openSearch }: Options, started: AsyncDisposableStack): Promise<boolean> {
  if (openSearch && Deno.env.has("SLUICE_TEST_OPENSEARCH")) return true;
  Deno.env.set("SLUICE_TEST_OPENSEARCH", "none");
  if (!openSearch) {
    console.log("OpenSearch is left out: its tests are skipped");
    return true;
  }
  try {
    const { startOpenSearch } = await import(OPENSEARCH);
    const node = await startOpenSearch();
    started.defer(() => node.stop());
    Deno.env.set("SLUICE_TEST_OPENSEARCH", node.url);
    console.log(`OpenSearch serves at ${node.url}`);
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(
      "The tests of OpenSearch are skipped, and the run fails. --without-opensearch leaves them out.",
    );
    return false;
  }
}

async function bringUpNative(): Promise<void> {
  const { prepareNative } = await import("./native.ts");
  console.log((await prepareNative()).line);
}

if (import.meta.main) await runCommand(import.meta.url, main);
