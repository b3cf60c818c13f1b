/**
 * Texts and clauses in the form that SQLite's `unicode61` tokenizer splits as we want.
 * Runs on the indexer's thread (texts) and on readers (clauses); no state.
 *
 * DESIGN. Chinese, Japanese and Korean write no word bounds that everyone agrees on. A run of such characters becomes
 * its overlapping pairs, and its last character once more:
 *
 *     日本語 → 日本 本語 語        position of a word = position of its first character
 *
 * A clause of two or more characters is the phrase of its pairs. A single character is a prefix: every character of a
 * run begins exactly one word. Pictographs become words of their own.
 *
 * @module
 */
import type { SearchClause } from "../search_text.ts";
import { CJK } from "../text.ts";

/** The tokenizer's options: marks belong to words (Indic vowels), pictographs are words. */
export const TOKENIZER = "unicode61 remove_diacritics 2 categories 'L* N* Co M* So'";

const CJK_RUN = new RegExp(`[${CJK}]+`, "gu");
const PICTOGRAPH = /\p{Extended_Pictographic}/gu;
/** Whether a text has any character that the rules below change: most texts have none. */
const SPECIAL = /[\u0250-\u{10FFFF}ßẞæÆœŒøØłŁđĐðÐþÞı©®]/u;
const LETTER = /[ßẞæÆœŒøØłŁđĐðÐþÞı]/g;
/** Latin letters that Unicode does not decompose, as Lucene's ASCII folding writes them. */
const LETTERS: Readonly<Record<string, string>> = {
  "ß": "ss",
  "ẞ": "ss",
  "æ": "ae",
  "Æ": "ae",
  "œ": "oe",
  "Œ": "oe",
  "ø": "o",
  "Ø": "o",
  "ł": "l",
  "Ł": "l",
  "đ": "d",
  "Đ": "d",
  "ð": "d",
  "Ð": "d",
  "þ": "th",
  "Þ": "th",
  "ı": "i",
};
/** What the tokenizer makes words of; everything else separates them. */
const WORD = /[\p{L}\p{N}\p{Co}\p{M}\p{So}]+/gu;

/** A normalised text for the index. */
export function indexedWords(text: string): string {
  return split(text, (run) => `${pairs(run)} ${run.at(-1)}`);
}

/**
 * One clause as a phrase of FTS5's query language, or null if the tokenizer would find no word in it. Only what makes
 * words is taken from the clause, so nothing of FTS5's syntax can come from a client.
 *
 * @example Usage
 * ```ts
 * import { matchPhrase } from "./words.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(matchPhrase({ text: 'col:"a* OR b', cjk: false }), '"col a OR b"');
 * ```
 */
export function matchPhrase(clause: SearchClause): string | null {
  const text = clause.text;
  let prefix = false;
  const words = split(text, (run, end) => {
    // Inside a phrase the next word stands after the run's last character, which has a position of its own.
    if (end < text.length) return run.length > 1 ? `${pairs(run)} ${run.at(-1)}` : run[0]!;
    prefix = run.length === 1;
    return prefix ? run[0]! : pairs(run);
  }).match(WORD);
  if (!words) return null;
  return `"${words.join(" ")}"${prefix ? "*" : ""}`;
}

/** Replaces runs and pictographs by words between spaces, and letters by their ASCII form. */
function split(text: string, words: (run: readonly string[], end: number) => string): string {
  if (!SPECIAL.test(text)) return text;
  return text
    .replace(CJK_RUN, (run, at: number) => ` ${words([...run], at + run.length)} `)
    .replace(PICTOGRAPH, " $& ")
    .replace(LETTER, (letter) => LETTERS[letter]!);
}

function pairs(run: readonly string[]): string {
  let text = "";
  for (let i = 0; i + 1 < run.length; i++) text += `${run[i]}${run[i + 1]} `;
  return text.trimEnd();
}
