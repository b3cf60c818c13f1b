/**
 * Reads what `deno test --junit-path` writes.
 * Pure functions; they run in the process of `deno task test`.
 *
 * @module
 */

/** What became of the tests of one or several files. A test counts once, whatever its steps. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A test that failed. */
interface Failure {
  readonly name: string;
  /** What it threw, as text. */
  readonly reason: string;
}

/** The tests of one file. */
export interface FileReport extends Tally {
  readonly path: string;
  /** The tests and the steps that failed, and why. */
  readonly failures: readonly Failure[];
  /** The time of its tests together, seconds. */
  readonly seconds: number;
}

const SUITE = /<testsuite name="([^"]*)"[^>]*>([\s\S]*?)<\/testsuite>/g;
const CASE = /<testcase name="([^"]*)"[^>]*? time="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g;
const FAILURE = /<failure[^>]*>([\s\S]*?)<\/failure>/;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** One report for each file that a JUnit document names. */
export function readJunit(xml: string): FileReport[] {
  return [...xml.matchAll(SUITE)].map(function read([, name, body]) {
    return { path: name!.replace(/^\.\//, ""), ...readSuite(body!) };
  });
}

/** The sum of several reports. */
export function sumTallies(tallies: readonly Tally[]): Tally {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of tallies) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

/** The parts of a JUnit document, one for each file. */
export function splitJunit(xml: string): { path: string; xml: string }[] {
  return [...xml.matchAll(SUITE)].map(([part, name]) => ({ path: name!.replace(/^\.\//, ""), xml: part }));
}

/** Several JUnit documents as one. */
export function joinJunit(documents: readonly string[]): string {
  const suites = documents.flatMap((xml) => xml.match(SUITE) ?? []);
  const indented = suites.map((suite) => `    ${suite}\n`).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="sluice">\n${indented}</testsuites>\n`;
}

function readSuite(body: string): Omit<FileReport, "path"> {
  const cases = [...body.matchAll(CASE)].map(([, name, seconds, inner]) => ({
    name: name!,
    seconds: Number(seconds),
    inner: inner ?? "",
  }));
  const names = new Set(cases.map(({ name }) => name));
  const report = { passed: 0, failed: 0, skipped: 0, seconds: 0, failures: [] as Failure[] };
  for (const { name, seconds, inner } of cases) {
    const failure = FAILURE.exec(inner);
    if (failure) report.failures.push({ name: plainText(name), reason: plainText(failure[1]!) });
    if (isStep(name, names)) continue;
    report.seconds += seconds;
    if (failure) report.failed += 1;
    else if (inner.includes("<skipped")) report.skipped += 1;
    else report.passed += 1;
  }
  return report;
}

/** Deno lists the step `b` of the test `a` as a case of its own, named `a > b`. */
function isStep(name: string, names: ReadonlySet<string>): boolean {
  const separator = " &gt; ";
  for (let at = name.indexOf(separator); at >= 0; at = name.indexOf(separator, at + 1)) {
    if (names.has(name.slice(0, at))) return true;
  }
  return false;
}

function plainText(xml: string): string {
  return xml.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name]!);
}
