/**
 * Rules about what the project says of itself: its NIPs, its settings, its versions.
 * Pure functions over the project and what its tables hold; they run in the process of `deno task tidy`.
 *
 * @module
 */
import { type Finding, lineAt, type Project } from "./project.ts";

const SECURITY = "SECURITY.md";
const CHANGELOG_SECTIONS = ["Performance", "Features", "Internals"];

/** Every NIP that the relay advertises has a test file of its own, and every such test belongs to one. */
export function checkNips(project: Project, nips: readonly { number: number | string }[]): Finding[] {
  const names = new Set(nips.map(({ number }) => `nip${String(number).padStart(2, "0").toLowerCase()}`));
  const findings: Finding[] = [];
  for (const name of names) {
    if (project.has(`tests/protocol/${name}_test.ts`)) continue;
    findings.push({ path: "lib/relay/nips.ts", message: `no test tests/protocol/${name}_test.ts` });
  }
  for (const path of project.keys()) {
    const name = /^tests\/protocol\/(nip\w\w)_test\.ts$/.exec(path)?.[1];
    if (name && !names.has(name)) {
      findings.push({ path, message: "lib/relay/nips.ts does not advertise this NIP" });
    }
  }
  return findings;
}

/** A test that SECURITY.md names, as `path_test.ts`: "name". */
interface NamedTest {
  /** Where the property begins that the test holds: an attack that must fail. Offset in the document. */
  readonly property: number;
  readonly line: number;
  readonly file: string;
  /** Null: the document gives none. */
  readonly name: string | null;
}

/** The tests of properties that SECURITY.md names, in its order; a property is a paragraph, or an entry of a list. */
function namedTests(project: Project): NamedTest[] {
  const text = project.get(SECURITY) ?? "";
  const starts = [...text.matchAll(/^- |^(?=\S)(?<=\n\n)/gm)].map(({ index }) => index);
  const ofProperties = text.search(/^## Properties and their tests$/m);
  if (ofProperties < 0) return [];
  const end = text.indexOf("\n## ", ofProperties + 1);
  return [...text.matchAll(/`([\w/]+_test\.ts)`(?::\s+"([^"]+)")?/g)]
    .filter(({ index }) => index > ofProperties && (end < 0 || index < end))
    .map(({ index, 1: file, 2: name }) => ({
      property: starts.findLast((start) => start <= index) ?? 0,
      line: lineAt(text, index),
      file: file!,
      name: name?.replace(/\s+/g, " ") ?? null,
    }));
}

/** Every test that SECURITY.md names for a property has a name there, and is there. */
export function checkNamedTests(project: Project): Finding[] {
  return namedTests(project)
    .filter(({ file, name }) => name === null || !project.get(file)?.includes(name))
    .map(({ line, file, name }) => ({
      path: SECURITY,
      line,
      message: name === null ? `no test of ${file} is named` : `no test "${name}" in ${file}`,
    }));
}

/** How many attacks SECURITY.md says that tests hold, and how many tests those are. */
export function formatNamedTests(project: Project): string {
  const tests = namedTests(project);
  const attacks = new Set(tests.map(({ property }) => property)).size;
  const names = new Set(tests.map(({ file, name }) => `${file} ${name}`)).size;
  return `attacks that ${SECURITY} says are held off: ${attacks}, by ${names} tests`;
}

/** The changelog's newest version is the project's, and its sections are the three known ones in their order. */
export function checkChangelog(project: Project): Finding[] {
  const path = "CHANGELOG.md";
  const text = project.get(path);
  if (text === undefined) return [];
  const findings: Finding[] = [];
  const { version } = JSON.parse(project.get("deno.json") ?? "{}") as { version?: string };
  const newest = /^## (\S+)/m.exec(text)?.[1];
  if (newest !== version) {
    findings.push({ path, message: `the newest version is ${newest}, deno.json has ${version}` });
  }
  let last = -1;
  text.split("\n").forEach((content, i) => {
    if (content.startsWith("## ")) last = -1;
    if (!content.startsWith("### ")) return;
    const position = CHANGELOG_SECTIONS.indexOf(content.slice(4));
    if (position <= last) {
      findings.push({
        path,
        line: i + 1,
        message: `sections are ${CHANGELOG_SECTIONS.join(", ")}, in this order`,
      });
    }
    last = Math.max(last, position);
  });
  return findings;
}
