/**
 * Rules about what the project says of itself: its NIPs, its settings, its versions.
 * Pure functions over the project and what its tables hold; they run in the process of `deno task tidy`.
 *
 * @module
 */
import { type Finding, lineAt, type Project } from "./project.ts";

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

/** Every test that SECURITY.md names, as `path_test.ts`: "name", is there. */
export function checkNamedTests(project: Project): Finding[] {
  const path = "SECURITY.md";
  const text = project.get(path) ?? "";
  const findings: Finding[] = [];
  for (const match of text.matchAll(/`([\w/]+_test\.ts)`:\s+"([^"]+)"/g)) {
    const [, file, words] = match;
    const name = words!.replace(/\s+/g, " ");
    if (project.get(file!)?.includes(name)) continue;
    findings.push({ path, line: lineAt(text, match.index), message: `no test "${name}" in ${file}` });
  }
  return findings;
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
