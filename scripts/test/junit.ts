/**
 * Reads what `deno test --junit-path` writes.
 * Pure functions; they run in the process of `deno task test`.
 *
 * @module
 */

/** What became of the tests of one or several files. A test counts once, whatever its steps. */
interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The tests of one file. */
export interface FileReport extends Tally {
  readonly path: string;
  /** The tests and the steps that failed, and what they threw, as text. */
  readonly failures: readonly { readonly name: string; readonly reason: string }[];
  /** The time of its tests together, seconds. */
  readonly seconds: number;
  /** Its part of the document. */
  readonly xml: string;
}

const SUITE = /<testsuite name="([^"]*)"[^>]*>([\s\S]*?)<\/testsuite>/g;
const CASE = /<testcase name="([^"]*)"[^>]*? time="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g;
const FAILURE = /<failure[^>]*>([\s\S]*?)<\/failure>/;
/** Deno lists the step `b` of the test `a` as a case of its own, named `a > b`. */
const STEP_SEPARATOR = " &gt; ";
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** One report for each file that a JUnit document names. */
export function readJunit(xml: string): FileReport[] {
  return [...xml.matchAll(SUITE)].map(([suite, path, body]) => {
    const cases = [...body!.matchAll(CASE)].map(([, name, seconds, inner = ""]) => ({
      name,
      seconds,
      inner,
    }));
    const names = new Set(cases.map(({ name }) => name!));
    const tests = cases.filter(({ name }) => !isStep(name!, names));
    const failures = cases.flatMap(({ name, inner }) => {
      const reason = FAILURE.exec(inner)?.[1];
      return reason === undefined ? [] : [{ name: plainText(name!), reason: plainText(reason) }];
    });
    const failed = tests.filter(({ inner }) => FAILURE.test(inner)).length;
    const skipped = tests.filter(({ inner }) => inner.includes("<skipped")).length;
    const passed = tests.length - failed - skipped;
    const seconds = tests.reduce((sum, { seconds }) => sum + Number(seconds), 0);
    return { path: path!.replace(/^\.\//, ""), passed, failed, skipped, failures, seconds, xml: suite };
  });
}

/** The sum of several reports. */
export function sumTallies(tallies: readonly Tally[]): Tally {
  const sum = (count: keyof Tally) => tallies.reduce((total, tally) => total + tally[count], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

/** Several reports as one JUnit document. */
export function writeJunit(reports: readonly FileReport[]): string {
  const suites = reports.map(({ xml }) => `    ${xml}\n`).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="sluice">\n${suites}</testsuites>\n`;
}

function isStep(name: string, names: ReadonlySet<string>): boolean {
  const parts = name.split(STEP_SEPARATOR);
  return parts.some((_, end) => end > 0 && names.has(parts.slice(0, end).join(STEP_SEPARATOR)));
}

function plainText(xml: string): string {
  return xml.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name]!);
}
