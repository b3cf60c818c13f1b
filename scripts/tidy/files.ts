/**
 * Rules about one file: its name, its header, its size, and what its text may not say.
 * Pure functions; they run in the process of `deno task tidy`.
 *
 * @module
 */
import { BANNED_WORDS, bannedWord } from "../lint_plugin.ts";
import { type Finding, lineAt, type Project } from "./project.ts";

const FILE_LINES_MAX = 400;
/** `deno fmt` breaks code at 110; this is for what it leaves alone. */
const LINE_CHARS_MAX = 124;

/** Names are snake_case and say something. */
export function checkNames(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const path of project.keys()) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const word = bannedWord(path.replace(/\.\w+$/, ""));
    if (word !== undefined) {
      findings.push({ path, message: `the name says "${word}": name ${BANNED_WORDS[word]}` });
    }
    if (name === "index.ts") findings.push({ path, message: "a module of re-exports is mod.ts" });
    if (name.endsWith(".ts") && !/^[a-z0-9_]+(\.d)?\.ts$/.test(name)) {
      findings.push({ path, message: "the name is not snake_case" });
    }
  }
  return findings;
}

/** Every source starts with a comment that tells what it is; in `lib` and `services` also which thread runs it. */
export function checkHeaders(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const [path, text] of project) {
    if (!/\.(ts|c|h|rs|java|sh)$|^\.ci\/run$/.test(path)) continue;
    const header = /^(?:\/\*[\s\S]*?\*\/|(?:(?:\/\/|#).*\n?)+)/.exec(text.replace(/^#!.*\n/, ""))?.[0];
    if (header === undefined) {
      findings.push({ path, line: 1, message: "no header comment" });
    } else if (
      /^(lib|services)\/.*(?<!_test)(?<!\.d)\.ts$/.test(path) && !/thread|worker|process/i.test(header)
    ) {
      findings.push({ path, line: 1, message: "the header does not tell which thread runs this" });
    }
  }
  return findings;
}

/** A file beyond 400 lines gives a reason (`// long: …`), a line has 124 characters unless it cannot be broken. */
export function checkSizes(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const [path, text] of project) {
    if (!/\.(ts|c|h|rs|java)$/.test(path)) continue;
    const lines = text.trimEnd().split("\n");
    if (lines.length > FILE_LINES_MAX && !/^\s*\/\/ long: \S/m.test(text)) {
      findings.push({ path, message: `${lines.length} lines without a reason ("// long: …")` });
    }
    lines.forEach((content, i) => {
      if (content.length <= LINE_CHARS_MAX || /\S{60}|https?:\/\//.test(content)) return;
      findings.push({
        path,
        line: i + 1,
        message: `${content.length} characters; ${LINE_CHARS_MAX} are the most`,
      });
    });
  }
  return findings;
}

/** Words of plans and of history, in comments and documents: the text tells what is. */
const NOT_PRESENT =
  /\b(TODO|FIXME|XXX|for now|not yet (?:implemented|supported|done)|coming soon|in (?:a|some|the next) (?:future|version|release)|will be (?:added|implemented|replaced|removed)|previously|formerly|used to be|no longer needed|legacy|old version of this|was renamed)\b/i;
/** Absolute paths of one machine's user, and hosts of package registries. */
const ONE_MACHINE =
  /(?<![\w.:/])\/(?:work|root|home|Users|workspace)\/\w|\b(?:registry|repo\d*|proxy|mirrors?|static|index|deb|files)\.[a-z]+(?:\.[a-z]+)*\.?(?:org|io|com|net|dev)\b/;

/** Texts speak of the project as it is, and of no machine. */
export function checkTexts(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const [path, text] of project) {
    // These two spell the banned words out, to find them and to prove that they are found.
    if (path === "scripts/tidy/files.ts" || path === "scripts/tidy_test.ts") continue;
    for (const [offset, comment] of proseOf(path, text)) {
      const word = NOT_PRESENT.exec(comment);
      if (!word) continue;
      const message = `"${word[0]}" tells a plan or history: say what is`;
      findings.push({ path, line: lineAt(text, offset + word.index), message });
    }
    const place = ONE_MACHINE.exec(text);
    if (place) {
      findings.push({
        path,
        line: lineAt(text, place.index),
        message: `"${place[0]}" belongs to one machine`,
      });
    }
  }
  return findings;
}

/** The prose of a file with its offsets: comments of a source, the whole of a document. */
function* proseOf(path: string, text: string): Generator<[offset: number, prose: string]> {
  if (path.endsWith(".md") && path !== "CHANGELOG.md") yield [0, text];
  if (!/\.(ts|c|h|rs|java)$/.test(path)) return;
  for (const match of text.matchAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*/g)) yield [match.index, match[0]];
}
