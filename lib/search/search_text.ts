/**
 * The `search` text of NIP-50, taken apart: words, quoted phrases, and `key:value` extensions.
 * It is forgiving: no text is a mistake. What cannot be searched for is left out.
 * Runs on any thread; no state.
 *
 * @module
 */
import { SEARCH_BYTES_MAX, SEARCH_CLAUSES_MAX } from "../limits.ts";
import { CJK, normalizeText } from "./text.ts";

/** The extensions of NIP-50 and of its `sort` proposal. Others are ignored, as the NIP asks. */
const SEARCH_EXTENSIONS = ["include", "domain", "language", "sentiment", "nsfw", "sort"] as const;
type SearchExtension = typeof SEARCH_EXTENSIONS[number];

/** One condition of a search: words that stand one after another in one field of an event. */
export interface SearchClause {
  readonly text: string;
  /** Whether all its letters are Chinese, Japanese or Korean, which are found without word bounds. */
  readonly cjk: boolean;
}

/** A search text. All terms and phrases must be found. */
export interface SearchText {
  readonly terms: readonly SearchClause[];
  readonly phrases: readonly SearchClause[];
  /** The first value of each known extension. */
  readonly extensions: ReadonlyMap<SearchExtension, string>;
  /** Whether it asks for words of which none can be found (`!!!`): then nothing matches. */
  readonly unsearchable: boolean;
}

/** What an index can find: letters, digits, pictographs. Marks and signs alone are not searched for. */
const SEARCHABLE = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;
/** Cuts a term where its script changes between CJK and others: `日本語text`. */
const SCRIPT_CHANGE = new RegExp(`(?<=[${CJK}])(?=[^${CJK}])|(?<=[^${CJK}])(?=[${CJK}])`, "u");
const ONLY_CJK = new RegExp(`^[${CJK}\\s\\p{P}]+$`, "u");
/** One token: an extension with a quoted value, a quoted phrase, or what stands between white space and quotes. */
const TOKEN = /([a-z][a-z_-]*):"([^"]*)"|"([^"]*)"|([^\s"]+)/g;
/** An extension without quotes. `https://…` and `nostr:…` are addresses: people search for them. */
const EXTENSION = /^(?!nostr:)([a-z][a-z_-]*):(?!\/\/)(.+)$/;

/**
 * Takes a search text apart. Never throws.
 *
 * @example Usage
 * ```ts
 * import { parseSearchText } from "./search_text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const { terms, phrases, extensions } = parseSearchText('best "lightning wallet" language:en');
 * assertEquals(terms, [{ text: "best", cjk: false }]);
 * assertEquals(phrases, [{ text: "lightning wallet", cjk: false }]);
 * assertEquals(extensions.get("language"), "en");
 * ```
 */
export function parseSearchText(text: string): SearchText {
  const terms: SearchClause[] = [];
  const phrases: SearchClause[] = [];
  const extensions = new Map<SearchExtension, string>();
  let dropped = false;
  const clean = normalizeText(text.slice(0, SEARCH_BYTES_MAX)).replace(/[“”„«»]/g, '"');
  for (const [, quotedKey, quotedValue, phrase, bare] of clean.matchAll(TOKEN)) {
    const extension = quotedKey === undefined ? bare?.match(EXTENSION)?.slice(1) : [quotedKey, quotedValue];
    if (extension) {
      note(extensions, extension[0]!, extension[1] ?? "");
      continue;
    }
    const wanted = phrase === undefined ? bare!.split(SCRIPT_CHANGE) : [phrase];
    for (const part of wanted) {
      const found = SEARCHABLE.test(part);
      if (!found) dropped ||= part.trim() !== "";
      else if (terms.length + phrases.length < SEARCH_CLAUSES_MAX) {
        const trimmed = part.trim();
        (phrase === undefined ? terms : phrases).push({ text: trimmed, cjk: ONLY_CJK.test(trimmed) });
      }
    }
  }
  return { terms, phrases, extensions, unsearchable: dropped && terms.length + phrases.length === 0 };
}

function note(extensions: Map<SearchExtension, string>, key: string, value: string): void {
  const known = SEARCH_EXTENSIONS.find((name) => name === key);
  if (known && !extensions.has(known)) extensions.set(known, value);
}
