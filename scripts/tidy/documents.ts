/**
 * What tidy demands of documents: their generated parts are current, and their links lead somewhere.
 * Runs in the process of `deno task tidy`; holds no state.
 *
 * @module
 */
import type { Generated } from "../docs/generated.ts";
import { type Finding, lineAt, type Project } from "./project.ts";

/** `lib/queue/lane.ts`; not `tests/protocol/nipNN_test.ts`, which stands for many. */
const NAMED_FILE =
  /`((?:lib|wire|runtime|services|scripts|native|tests|bench|check_relay|docs)\/(?![\w/]*NN)[\w/]+\.(?:ts|c|h|md))`/g;

/** Each document is what `deno task docs` writes. */
export function checkGenerated(documents: readonly Generated[]): Finding[] {
  return documents.filter(({ actual, expected }) => actual !== expected)
    .map(({ path }) => ({ path, message: "differs from what `deno task docs` writes" }));
}

/** Every link of a document to a text file of the project names one that exists, and a heading that it has. */
export function checkLinks(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const [path, text] of project) {
    if (!path.endsWith(".md")) continue;
    for (const match of text.matchAll(/\]\(([^)\s]*)\)/g)) {
      const message = brokenLink(project, path, match[1]!);
      if (message !== undefined) findings.push({ path, line: lineAt(text, match.index), message });
    }
  }
  return findings;
}

/** Every path of a file that a document names in backticks, from the root of the project, is there. */
export function checkNamedFiles(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const [path, text] of project) {
    if (!/^[A-Z]+\.md$|^docs\/engineering\//.test(path) || path === "CHANGELOG.md") continue;
    for (const match of text.matchAll(NAMED_FILE)) {
      if (project.has(match[1]!)) continue;
      findings.push({ path, line: lineAt(text, match.index), message: `no file "${match[1]}"` });
    }
  }
  return findings;
}

/** What is wrong with a link; pages of the web, images and the results that tidy does not read are not looked at. */
function brokenLink(project: Project, path: string, link: string): string | undefined {
  const [target = "", heading] = link.split("#");
  if (/^[a-z]+:/.test(link) || !/^$|\.(md|ts)$/.test(target)) return undefined;
  const to = target === "" ? path : new URL(target, `file:///${path}`).pathname.slice(1);
  if (to.startsWith("bench/results/")) return undefined;
  const text = project.get(to);
  if (text === undefined) return `no file "${to}"`;
  if (heading === undefined || headingsOf(text).has(heading)) return undefined;
  return `no heading "${heading}" in ${to}`;
}

/** The anchors of a document's headings, as GitHub makes them. */
function headingsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) => heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")),
  );
}
