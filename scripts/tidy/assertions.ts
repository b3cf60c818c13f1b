/**
 * A rule about tests: each of them can fail by what it asserts.
 * Pure functions; they run in the process of `deno task tidy`.
 *
 * @module
 */
import { edgesOf, type Finding, lineAt, type Project, withoutComments } from "./project.ts";

/** What fails a test by itself: an assertion, an error that is thrown, or a wait with a bound. */
const ASSERTS =
  /\bassert\w*\(|\bassert\.|\bthrow\b|\bfail\(|\binvariant\(|\beventually\(|\.(?:next|publish)\(/;
/** A test with a name of its own; where the name is a variable, a function makes tests of what it is given. */
const TEST = /^( *)Deno\.test\((?:["`]|\{\s*name: ["`])/gm;
const FUNCTION = /^ *(?:export )?(?:async )?function\*? (\w+)/gm;

/** Every test asserts something, itself or by a function that it calls. */
export function checkAssertions(project: Project): Finding[] {
  const texts = new Map(
    [...project].filter(([path]) => path.endsWith(".ts")).map(([path, text]) => [
      path,
      withoutComments(text),
    ]),
  );
  const asserting = assertingFunctions(texts, project);
  const findings: Finding[] = [];
  for (const [path, text] of texts) {
    if (!path.endsWith("_test.ts")) continue;
    for (const match of text.matchAll(TEST)) {
      const body = blockAt(text, match.index, `^ {${match[1]!.length}}[)}\\]].*\\);$`);
      if (/\bignore: true\b/.test(body) || asserts(body, asserting.get(path))) continue;
      findings.push({ path, line: lineAt(text, match.index), message: "the test asserts nothing" });
    }
  }
  return findings;
}

/** The names of functions that assert, by the files that know them: those that declare them, and those that import them. */
function assertingFunctions(texts: ReadonlyMap<string, string>, project: Project): Map<string, Set<string>> {
  const known = new Map([...texts.keys()].map((path) => [path, new Set<string>()]));
  const bodies = [...texts].flatMap(([path, text]) =>
    [...text.matchAll(FUNCTION)].map((match) => {
      const indent = /^ */.exec(match[0])![0].length;
      return { path, name: match[1]!, body: blockAt(text, match.index, `^ {${indent}}}`) };
    })
  );
  const importers = Map.groupBy(edgesOf(project).filter(({ to }) => to !== undefined), ({ to }) => to!);
  // A function may call one that is found later: again until nothing is new.
  for (let grows = true; grows;) {
    grows = false;
    for (const { path, name, body } of bodies) {
      if (known.get(path)!.has(name) || !asserts(body, known.get(path))) continue;
      grows = true;
      known.get(path)!.add(name);
      for (const { from } of importers.get(path) ?? []) known.get(from)?.add(name);
    }
  }
  return known;
}

function asserts(body: string, functions: ReadonlySet<string> | undefined): boolean {
  if (ASSERTS.test(body)) return true;
  return [...body.matchAll(/\b(\w+)\b/g)].some(([word], at) => at > 0 && functions?.has(word) === true);
}

/** The text from a statement to the line that closes it, which `deno fmt` indents as the first. */
function blockAt(text: string, start: number, closing: string): string {
  const firstLine = text.slice(start, text.indexOf("\n", start));
  if (/[;}]\s*$/.test(firstLine)) return firstLine;
  const end = new RegExp(closing, "gm");
  end.lastIndex = start + firstLine.length;
  return text.slice(start, end.exec(text)?.index);
}
