/**
 * A set of texts that clients choose. V8 hashes texts with a seed of the process, except those that are array indexes
 * (`"0"` to `"4294967294"`): their number is their hash, so that a few thousand can be chosen that share a bucket, and a
 * `Set` of them takes quadratic time. Such texts are kept with a mark before them, which makes them texts like others.
 * Runs on any thread; belongs to whoever made it.
 *
 * @module
 */

/** So many texts may share a bucket. */
const FEW = 32;
/** Digits of the greatest array index. */
const INDEX_CHARS_MAX = 10;
const ZERO = 48;
const NINE = 57;

/** See the module's text. */
export class ChosenTexts {
  readonly #texts = new Set<string>();

  constructor(texts: readonly string[]) {
    for (const text of texts) this.#texts.add(keyOf(text));
  }

  /** Whether the text is in it. */
  has(text: string): boolean {
    return this.#texts.has(keyOf(text));
  }
}

/** The texts without repeats, in the order in which each first came. */
export function distinctTexts(texts: readonly string[]): string[] {
  if (texts.length <= FEW) return [...new Set(texts)];
  const seen = new Set<string>();
  return texts.filter((text) => {
    const key = keyOf(text);
    return !seen.has(key) && seen.add(key);
  });
}

/** A text under which `text` alone is found, and which is no array index. */
function keyOf(text: string): string {
  if (text.length === 0 || text.length > INDEX_CHARS_MAX) return text;
  // A text that begins with the mark gets another one, so that no two texts have one key.
  if (text.charCodeAt(0) === MARK_CODE) return MARK + text;
  // Most texts are no numbers, though many begin with a digit: to make a text with the mark costs more than to see that.
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) return text;
  }
  return MARK + text;
}

const MARK = "#";
const MARK_CODE = MARK.charCodeAt(0);
