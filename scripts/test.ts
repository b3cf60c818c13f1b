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
 * Each file is a `deno test` of its own, and all files are one queue, with one process more at a time than there are cores
 * (`DENO_JOBS` says otherwise): files that start relays wait while others compute. What a file writes is shown when it
 * ends. The tests of the protocol run twice, with the relay's default socket engine and with `ws`. `SLUICE_TEST_ENGINE`
 * names one engine for the whole run instead.
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
import { runCommand } from "./command.ts";
import { type FileReport, readJunit, sumTallies, writeJunit } from "./test/junit.ts";
import { selectTests, type Task } from "./test/select.ts";

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

type Runner = (task: Task) => Promise<Run>;

const ROOT = new URL("../", import.meta.url);
const OPENSEARCH = new URL("tests/support/opensearch.ts", ROOT).href;
/** A test that leaves a timer, a promise of the runtime or a file behind is wrong, and may spoil its neighbours. */
const FLAGS = ["test", "--allow-all", "--no-check", "--sanitize-ops", "--sanitize-resources"];
const JOBS = Number(Deno.env.get("DENO_JOBS")) || navigator.hardwareConcurrency + 1;
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
  return `${passed} passed, ${failed + runs.filter(isBroken).length} failed, ${skipped} skipped`;
}

function isBroken({ code, reports }: Run): boolean {
  return code !== 0 && sumTallies(reports).failed === 0;
}

async function main(): Promise<number> {
  const options = parseOptions(Deno.args);
  const tasks = await selectTests(ROOT, options.paths, Deno.env.get("SLUICE_TEST_ENGINE"));
  if (tasks.length === 0) {
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
    tasks.some((task) => task.wantsOpenSearch) ? bringUpOpenSearch(options, started) : true,
    options.denoFlags.includes("--no-check") || checkTypes(options.paths.length === 0 ? [] : tasks),
    import("./native.ts").then(async ({ prepareNative }) => console.log((await prepareNative()).line)),
  ]);
  const runs: Run[] = isReady && hasTypes ? [] : [{ code: 1, reports: [] }];
  const run: Runner = (task) => denoTest(task, work, options, started);
  if (hasTypes) runs.push(...await runAll(tasks, run, options.again));
  return await report(runs, options);
}

/** Once for all runs and for the workers that tests start, of which each would have its own check. */
async function checkTypes(tasks: readonly Task[]): Promise<boolean> {
  const args = ["check", "--quiet", ...new Set(tasks.flatMap(({ files }) => files))];
  const child = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null" }).spawn();
  return (await child.status).success;
}

/**
 * All tasks, those that want the machine to themselves at the end. With `again`, what failed runs once more, alone, and
 * then counts: for machines that others use too, where a test that failed for lack of time passes alone.
 */
async function runAll(tasks: readonly Task[], run: Runner, again: boolean): Promise<Run[]> {
  const runs = new Map<Task, Run>();
  const waiting = tasks.filter(({ isAlone }) => !isAlone).values();
  async function work(): Promise<void> {
    for (const task of waiting) runs.set(task, await run(task));
  }
  await Promise.all(Array.from({ length: JOBS }, work));
  for (const task of tasks) if (task.isAlone) runs.set(task, await run(task));
  const failed = [...runs].filter(([, first]) => first.code !== 0);
  const isAccident = failed.length <= MOST_FILES_AGAIN && !failed.some(([, first]) => isBroken(first));
  for (const [task, first] of again && isAccident ? failed : []) {
    for (const line of failuresOf(first.reports)) console.log(`UNSTEADY, runs again: ${line}`);
    runs.set(task, await run(task));
  }
  return [...runs.values()];
}

async function denoTest(
  task: Task,
  work: string,
  options: Options,
  started: AsyncDisposableStack,
): Promise<Run> {
  if (started.disposed) return { code: 130, reports: [] };
  const junit = `${work}/${crypto.randomUUID()}.xml`;
  const flags = [...new Set([...FLAGS, ...task.flags, ...options.denoFlags]), `--junit-path=${junit}`];
  const child = started.use(
    new Deno.Command(Deno.execPath(), {
      args: [...flags, ...task.files],
      cwd: ROOT,
      env: task.env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  console.log(text.decode(stdout).trim());
  if (stderr.length > 0) console.error(text.decode(stderr).trim());
  // Deno writes no document when it cannot load the files.
  return { code, reports: readJunit(await Deno.readTextFile(junit).catch(() => "")) };
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

if (import.meta.main) await runCommand(import.meta.url, main);
