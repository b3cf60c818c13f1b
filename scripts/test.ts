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
 * The tests of the protocol run twice, with the relay's default socket engine and with `ws`. `SLUICE_TEST_ENGINE` names
 * one engine for the whole run instead.
 *
 * What failed is told again at the end. The last line is `N passed, N failed, N skipped`. The exit code is 0 only if every
 * `deno test` ended with 0: a file that cannot be imported fails the run, though Deno counts no test of it.
 *
 * Runs in a process of its own, which owns the OpenSearch node and the `deno test` processes.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the command's output
import { type FileReport, joinJunit, readJunit, splitJunit, sumTallies, type Tally } from "./test/junit.ts";
import { runCommand } from "./command.ts";
import { type Selection, selectTests } from "./test/select.ts";

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
  readonly xml: string;
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
export function summarize(runs: readonly { code: number; tally: Tally }[]): string {
  let { passed, failed, skipped } = sumTallies(runs.map((run) => run.tally));
  failed += runs.filter(({ code, tally }) => code !== 0 && tally.failed === 0).length;
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

async function main(): Promise<number> {
  const options = parseOptions(Deno.args);
  const selection = await selectTests(ROOT, options.paths);
  if (phasesOf(selection).length === 0) {
    console.error(`Cannot find tests "${options.paths.join(" ")}": no file matches`);
    return 1;
  }
  const started = new Started();
  endOnInterrupt(started);
  try {
    const work = await Deno.makeTempDir({ prefix: "sluice-suite-" });
    started.add(() => Deno.remove(work, { recursive: true }));
    const [ready] = await Promise.all([
      selection.wantsOpenSearch ? bringUpOpenSearch(options, started) : true,
      bringUpNative(),
    ]);
    const runs: Run[] = ready ? [] : [{ code: 1, xml: "" }];
    for (const { name, files, flags, env = {} } of phasesOf(selection)) {
      const command = { files, flags: [...flags, ...options.denoFlags], env };
      const run = await denoTest(command, `${work}/${name}.xml`, started);
      runs.push(options.again ? await runAgain(run, command, `${work}/${name}-again.xml`, started) : run);
    }
    return await report(runs, options);
  } finally {
    await started.end();
  }
}

/** One run of `deno test`. */
interface Phase {
  readonly name: string;
  readonly files: readonly string[];
  readonly flags: readonly string[];
  readonly env?: Record<string, string>;
}

/** The runs of `deno test`, in their order, without those that have nothing to run. */
function phasesOf({ together, examples, alone }: Selection): Phase[] {
  // What clients see must not depend on the engine; whoever names one for the whole run gets that one only.
  const withOtherEngine = Deno.env.has("SLUICE_TEST_ENGINE") ? [] : alone.filter(isOfSockets);
  const phases = [
    { name: "together", files: together, flags: ["--parallel"] },
    // No type check: Deno imports all exports of its module into every example, which `noUnusedLocals` refuses.
    { name: "examples", files: examples, flags: ["--parallel", "--doc", "--no-check"] },
    { name: "alone", files: alone, flags: [] },
    { name: "ws", files: withOtherEngine, flags: [], env: { SLUICE_TEST_ENGINE: "ws" } },
  ];
  return phases.filter(({ files }) => files.length > 0);
}

function isOfSockets(path: string): boolean {
  return path.startsWith("tests/protocol/") ||
    /^tests\/pipeline\/(overload|misbehaving_clients|fairness|descriptors)_test\.ts$/.test(path);
}

/** What the run has started and must end, newest first: at its own end, or when it is interrupted. */
class Started {
  readonly #ends: (() => Promise<unknown>)[] = [];
  #ending: Promise<void> | undefined;

  add(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  /** Whoever calls again waits for the first call. */
  end(): Promise<void> {
    return this.#ending ??= this.#endAll();
  }

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  async #endAll(): Promise<void> {
    while (this.#ends.length > 0) await this.#ends.pop()!();
  }
}

/** SIGINT and SIGTERM end what has been started, and then the run. */
function endOnInterrupt(started: Started): void {
  async function end(): Promise<void> {
    await started.end();
    Deno.exit(130);
  }
  Deno.addSignalListener("SIGINT", end);
  Deno.addSignalListener("SIGTERM", end);
}

/** The command of a run of `deno test`. */
interface Command {
  readonly files: readonly string[];
  readonly flags: readonly string[];
  readonly env: Record<string, string>;
}

/**
 * The same run with the results of a second try for the files that failed.
 * For machines that others use too: a test that failed for lack of time passes alone, and a real failure fails twice.
 */
async function runAgain(run: Run, command: Command, junitPath: string, started: Started): Promise<Run> {
  const reports = readJunit(run.xml);
  const failed = reports.filter((file) => file.failed > 0).map((file) => file.path);
  const files = command.files.filter((path) => failed.includes(path.replace(/^\.\//, "")));
  const isOfTests = failed.length > 0 && files.length === failed.length && files.length <= MOST_FILES_AGAIN;
  if (!isOfTests || started.isEnding) return run;
  for (const line of failuresOf(reports)) console.log(`UNSTEADY, runs again: ${line}`);
  const flags = command.flags.filter((flag) => flag !== "--parallel");
  const second = await denoTest({ ...command, files, flags }, junitPath, started);
  const kept = splitJunit(run.xml).filter(({ path }) => !failed.includes(path)).map(({ xml }) => xml);
  return { code: second.code, xml: joinJunit([...kept, second.xml]) };
}

function failuresOf(reports: readonly FileReport[]): string[] {
  return reports.flatMap(({ path, failures }) =>
    failures.map(({ name, reason }) => {
      const lines = reason.split("\n").slice(0, REASON_LINES).join("\n    ");
      return `${path}: ${name}\n    ${lines}`;
    })
  );
}

async function report(runs: readonly Run[], options: Options): Promise<number> {
  if (options.junitPath !== undefined) {
    await Deno.writeTextFile(options.junitPath, joinJunit(runs.map((run) => run.xml)));
  }
  const files = runs.map((run) => ({ code: run.code, reports: readJunit(run.xml) }));
  if (options.slowest) printSlowest(files.flatMap((file) => file.reports));
  for (const line of failuresOf(files.flatMap((file) => file.reports))) console.log(`FAILED ${line}`);
  console.log(summarize(files.map(({ code, reports }) => ({ code, tally: sumTallies(reports) }))));
  return runs.find((run) => run.code !== 0)?.code ?? 0;
}

async function denoTest(
  { files, flags, env }: Command,
  junitPath: string,
  started: Started,
): Promise<Run> {
  if (started.isEnding) return { code: 130, xml: "" };
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", `--junit-path=${junitPath}`, ...SANITIZERS, ...flags, ...files],
    cwd: ROOT,
    env,
    stdin: "null",
  }).spawn();
  let ended = false;
  started.add(async () => {
    if (!ended) child.kill("SIGTERM");
    await child.status;
  });
  const { code } = await child.status;
  ended = true;
  // Deno writes no document when it cannot load the files.
  const xml = await Deno.readTextFile(junitPath).catch(() => "");
  return { code, xml };
}

/** Starts the node that all tests share. Returns false if it does not start: its tests are skipped then. */
async function bringUpOpenSearch(options: Options, started: Started): Promise<boolean> {
  if (options.openSearch && Deno.env.has("SLUICE_TEST_OPENSEARCH")) return true;
  Deno.env.set("SLUICE_TEST_OPENSEARCH", "none");
  if (!options.openSearch) {
    console.log("OpenSearch is left out: its tests are skipped");
    return true;
  }
  try {
    const { startOpenSearch } = await import(OPENSEARCH);
    const node = await startOpenSearch();
    started.add(() => node.stop());
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

function printSlowest(reports: readonly FileReport[]): void {
  const slowest = reports.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_FILES);
  for (const { path, seconds } of slowest) console.log(`${seconds.toFixed(2).padStart(8)} s  ${path}`);
}

if (import.meta.main) await runCommand(import.meta.url, main);
