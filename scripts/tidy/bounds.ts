/**
 * Rules about bounds: `lib/limits.ts` holds each of them, or names the one file that does.
 * Pure functions; they run in the process of `deno task tidy`.
 *
 * @module
 */
import { type Finding, isTest, lineAt, type Project } from "./project.ts";

const LIMITS = "lib/limits.ts";
/** A constant whose name ends with a unit or with MAX or MIN, and whose value is a number. */
const BOUND =
  /^(export )?const ([A-Z][A-Z0-9_]*_(?:MAX|MIN|MS|SECONDS|BYTES|CHARS|ROWS)) =\s+[\d_.*+\-/() ]+;/gm;
/** Sizes that a layout or a format gives bound nothing. */
const FORMAT_SIZE =
  /(^|_)(HEADER|ITEM|ID|KEY|UNIT|FINGERPRINT|FIXED|VERSION|PADDING|TAIL|NAME|DESCRIPTION|HASH|CHALLENGE|CODE|NONCE|MAC|TAG|DIGEST|BLOCK|SECRET)_BYTES(_MAX)?$|_DIGITS_MAX$/;
/** A line of `lib/limits.ts` that names a file and its bounds. */
const POINTER = /^\/\/ `([\w/]+\.ts)`: ((?:`\w+`(?:, )?)+)$/gm;

/** A bound of the program stands in `lib/limits.ts`, or at the top of the one file that uses it and is named there. */
export function checkBounds(project: Project): Finding[] {
  const limits = project.get(LIMITS);
  if (limits === undefined) return [];
  const pointers = pointersOf(limits);
  const findings: Finding[] = [];
  for (const [path, text] of project) {
    if (path === LIMITS || isTest(path) || !/^(main|(lib|wire|runtime|services)\/.*)\.ts$/.test(path)) {
      continue;
    }
    for (const match of text.matchAll(BOUND)) {
      const [, isExported, name] = match;
      if (FORMAT_SIZE.test(name!) || !isExported && pointers.delete(`${path} ${name}`)) continue;
      const message = isExported
        ? `"${name}" is a bound that others use: it belongs to ${LIMITS}`
        : `${LIMITS} does not name the bound "${name}"`;
      findings.push({ path, line: lineAt(text, match.index), message });
    }
  }
  for (const [pointer, line] of pointers) {
    findings.push({ path: LIMITS, line, message: `names a bound that is not there: ${pointer}` });
  }
  return findings;
}

/** The lines of the pointers, by `path NAME`. */
function pointersOf(limits: string): Map<string, number> {
  const pointers = new Map<string, number>();
  for (const match of limits.matchAll(POINTER)) {
    for (const [, name] of match[2]!.matchAll(/`(\w+)`/g)) {
      pointers.set(`${match[1]} ${name}`, lineAt(limits, match.index));
    }
  }
  return pointers;
}
