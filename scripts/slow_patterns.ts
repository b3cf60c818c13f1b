/**
 * Finds regular expressions that take more than linear time on some text, by their form: repetitions within a repetition,
 * two in a row that take the same characters, and one at the start of an open pattern that something has to follow.
 * Runs in the process of `deno lint`; holds no state. It knows the usual forms, not all.
 *
 * @module
 */

/** One part of a pattern with how often it may come. */
interface Part {
  readonly text: string;
  /** Of a group: its alternatives. */
  readonly inner: readonly (readonly Part[])[] | null;
  readonly isUnbounded: boolean;
  readonly isOptional: boolean;
}

/** What parts are tried with, to see whether two take the same character. */
const SAMPLES = Array.from({ length: 0x250 }, (_, code) => String.fromCharCode(code)).concat(
  "：",
  "日",
  "́",
  "\u2028",
);
const QUANTIFIER = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/;
const ANCHOR = /^(?:\^|\(\?<|\\b)/;

/** Why the pattern may be slow, or null. */
export function slowPart(pattern: string, flags: string): string | null {
  const alternatives = parse(pattern, { at: 0 });
  for (const sequence of alternatives) {
    const found = nested(sequence) ?? adjacent(sequence, flags) ?? open(sequence);
    if (found !== null) return found;
  }
  return null;
}

/** Reads alternatives up to the end of the pattern or of the group. */
function parse(pattern: string, place: { at: number }): Part[][] {
  const alternatives: Part[][] = [[]];
  while (place.at < pattern.length && pattern[place.at] !== ")") {
    if (pattern[place.at] === "|") {
      alternatives.push([]);
      place.at++;
    } else alternatives.at(-1)!.push(parsePart(pattern, place));
  }
  return alternatives;
}

function parsePart(pattern: string, place: { at: number }): Part {
  const start = place.at;
  let inner: Part[][] | null = null;
  if (pattern[start] === "(") {
    place.at += /^\((?:\?(?:[:=!]|<[=!]|<\w+>))?/.exec(pattern.slice(start))![0].length;
    inner = parse(pattern, place);
    place.at++;
  } else if (pattern[start] === "[") {
    for (place.at++; pattern[place.at] !== "]"; place.at++) if (pattern[place.at] === "\\") place.at++;
    place.at++;
  } else if (pattern[start] === "\\") {
    place.at += /^\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u\w{4}|x\w\w|.)/.exec(pattern.slice(start))![0].length;
  } else place.at++;
  const text = pattern.slice(start, place.at);
  const [quantifier = ""] = QUANTIFIER.exec(pattern.slice(place.at)) ?? [];
  place.at += quantifier.length;
  const isOptional = /^(?:[*?]|\{0)/.test(quantifier) || ANCHOR.test(text);
  return { text, inner, isUnbounded: /^(?:[*+]|\{\d+,\})/.test(quantifier), isOptional };
}

function nested(sequence: readonly Part[]): string | null {
  for (const { text, inner, isUnbounded } of sequence) {
    for (const alternative of inner ?? []) {
      if (isUnbounded && alternative.length === 1 && alternative[0]!.isUnbounded) {
        return `${text} repeats itself`;
      }
      const found = nested(alternative);
      if (found !== null) return found;
    }
  }
  return null;
}

function adjacent(sequence: readonly Part[], flags: string): string | null {
  for (const [at, part] of sequence.entries()) {
    for (const alternative of part.inner ?? []) {
      const found = adjacent(alternative, flags);
      if (found !== null) return found;
    }
    if (!part.isUnbounded) continue;
    for (const next of sequence.slice(at + 1)) {
      if (next.isUnbounded && share(part.text, next.text, flags)) {
        return `${part.text} and ${next.text} take the same characters`;
      }
      if (!next.isOptional) break;
    }
  }
  return null;
}

/** A repetition without a beginning is tried at each of its characters. */
function open(sequence: readonly Part[]): string | null {
  const [first, ...rest] = sequence;
  if (first === undefined || !first.isUnbounded) return null;
  return rest.some(({ isOptional }) => !isOptional) ? `${first.text} begins anywhere` : null;
}

function share(a: string, b: string, flags: string): boolean {
  const [one, other] = [a, b].map((text) => new RegExp(`^(?:${text})$`, flags.replace(/[gy]/g, "")));
  return SAMPLES.some((sample) => one!.test(sample) && other!.test(sample));
}
