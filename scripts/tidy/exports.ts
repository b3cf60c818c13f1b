/**
 * Rules about names: what is exported is used elsewhere, and a class has its name to itself.
 * Pure functions; they run in the process of `deno task tidy`.
 *
 * @module
 */
import { edgesOf, type Finding, isTest, lineAt, type Project, withoutComments } from "./project.ts";

const DECLARED =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type|enum) (\w+)/gm;
const LISTED = /^export (?:type )?\{([^}]*)\};?$/gm;
const CLASS = /^(?:export )?(?:abstract )?class (\w+)/gm;

/** Files whose exports are there for somebody outside the project, and who that is. */
const PUBLIC: Readonly<Record<string, string>> = {
  "scripts/lint_plugin.ts": "`deno lint`",
  "tests/support/narrow_keys.ts": "an import map, which puts it in place of lib/nostr/keys.ts",
};

/** What a module exports, another one names: one that imports the module, be it a test. */
export function checkDeadExports(project: Project): Finding[] {
  const importers = new Map<string, string[]>();
  for (const { from, to } of edgesOf(project)) {
    if (to === undefined || to === from) continue;
    importers.set(to, [...importers.get(to) ?? [], from]);
  }
  const texts = new Map([...project].map(([path, text]) => [path, withoutComments(text)]));
  const findings: Finding[] = [];
  for (const [path, text] of texts) {
    if (!path.endsWith(".ts") || path.endsWith(".d.ts") || path in PUBLIC) continue;
    for (const { name, index } of exportsOf(text)) {
      if (name === "main" && path.startsWith("bench/")) continue; // bench.ts imports its scenarios by their names.
      const named = new RegExp(`\\b${name}\\b`);
      if (importers.get(path)?.some((importer) => named.test(texts.get(importer)!))) continue;
      findings.push({
        path,
        line: lineAt(text, index),
        message: `"${name}" is exported and used nowhere else`,
      });
    }
  }
  return findings;
}

/** Two classes of the program with one name are one word for two things. */
export function checkClassNames(project: Project): Finding[] {
  const first = new Map<string, string>();
  const findings: Finding[] = [];
  for (const [path, text] of project) {
    if (!path.endsWith(".ts") || isTest(path)) continue;
    for (const match of text.matchAll(CLASS)) {
      const name = match[1]!;
      const other = first.get(name);
      if (other === undefined) first.set(name, path);
      else {findings.push({
          path,
          line: lineAt(text, match.index),
          message: `"${name}" is a class of ${other} too`,
        });}
    }
  }
  return findings;
}

function exportsOf(text: string): { name: string; index: number }[] {
  const declared = [...text.matchAll(DECLARED)].map((match) => ({ name: match[1]!, index: match.index }));
  const listed = [...text.matchAll(LISTED)].flatMap((match) =>
    match[1]!.split(",").map((entry) => entry.trim().split(/\s+/).at(-1)!).filter((name) => name !== "")
      .map((name) => ({ name, index: match.index }))
  );
  return [...declared, ...listed];
}
