/**
 * Holds the code to those rules of STYLE.md that a program can check. Rules that need a syntax tree are `deno lint`'s.
 *
 *   deno task tidy
 *
 * Prints the layers with the arrows that point up and the cycles of folders, how many attacks SECURITY.md says that tests
 * hold off, then one line for each breach, `path:line: message`. The exit code is 1 if there is a breach.
 * Runs in a process of its own, which only reads.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the command's output
import { parseArgs } from "node:util";
import { runCommand } from "./command.ts";
import { checkAssertions } from "./tidy/assertions.ts";
import { checkBounds } from "./tidy/bounds.ts";
import { checkGenerated, checkLinks, checkNamedFiles } from "./tidy/documents.ts";
import { checkClassNames, checkDeadExports } from "./tidy/exports.ts";
import { checkHeaders, checkNames, checkSizes, checkTexts } from "./tidy/files.ts";
import { checkFolderCycles, checkLayers, formatLayers, reportLayers } from "./tidy/layers.ts";
import { checkCircles, checkDeadFiles, checkPackages } from "./tidy/modules.ts";
import { type Finding, type Project, readProject } from "./tidy/project.ts";
import { checkChangelog, checkNamedTests, checkNips, formatNamedTests } from "./tidy/promises.ts";

const CHECKS: readonly ((project: Project) => Finding[])[] = [
  checkLayers,
  checkFolderCycles,
  checkCircles,
  checkDeadFiles,
  checkDeadExports,
  checkClassNames,
  checkPackages,
  checkBounds,
  checkAssertions,
  checkNames,
  checkHeaders,
  checkSizes,
  checkTexts,
  checkChangelog,
  checkNamedTests,
  checkLinks,
  checkNamedFiles,
];

/** Every breach in the project below `root`, a `file:` URL that ends with a slash. */
export async function tidy(root: URL): Promise<Finding[]> {
  const project = await readProject(root);
  const findings = CHECKS.flatMap((check) => check(project));
  if (project.has("lib/relay/nips.ts")) {
    const { NIPS } = await import(new URL("lib/relay/nips.ts", root).href);
    findings.push(...checkNips(project, NIPS));
  }
  if (project.has("scripts/docs/generated.ts")) {
    const { generatedDocuments } = await import(new URL("scripts/docs/generated.ts", root).href);
    findings.push(...checkGenerated(await generatedDocuments(root)));
  }
  return findings;
}

/** A finding as one line, in the form that editors follow. */
export function formatFinding({ path, line, message }: Finding): string {
  return line === undefined ? `${path}: ${message}` : `${path}:${line}: ${message}`;
}

async function main(): Promise<number> {
  parseArgs({ args: Deno.args, options: {} });
  const root = new URL("../", import.meta.url);
  const project = await readProject(root);
  for (const line of formatLayers(reportLayers(project))) console.log(line);
  console.log(formatNamedTests(project));
  const findings = await tidy(root);
  for (const finding of findings) console.error(formatFinding(finding));
  console.log(findings.length === 0 ? "tidy" : `${findings.length} to tidy`);
  return findings.length === 0 ? 0 : 1;
}

if (import.meta.main) await runCommand(import.meta.url, main);
