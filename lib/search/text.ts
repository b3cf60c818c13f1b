/**
 * The one form in which texts are indexed and searched for, so that what looks alike is found alike.
 * Runs on any thread; no state.
 *
 * @module
 */

/** For a character class: what Chinese, Japanese and Korean are written with, iteration and length marks included. */
export const CJK = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}ー";

/** Variation selectors, skin tones and joiners: they change how a pictograph looks, not what it is. */
const PICTOGRAPH_STYLE = /[\uFE0E\uFE0F\u200D\u{1F3FB}-\u{1F3FF}]/gu;
/** Control characters separate words. U+0000 would end a text for SQLite. */
// deno-lint-ignore no-control-regex -- finding them is the purpose
const CONTROLS = /[\u0000-\u001F\u007F]+/g;

/**
 * Folds compatibility forms by Unicode's NFKC (full-width letters, half-width kana, mathematical alphabets, ligatures),
 * composes accents, and replaces what no index takes: lone surrogates, controls.
 *
 * @example Usage
 * ```ts
 * import { normalizeText } from "./text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(normalizeText("ＮＯＳＴＲ ｶﾀｶﾅ 𝗯𝗼𝗹𝗱"), "NOSTR カタカナ bold");
 * ```
 */
export function normalizeText(text: string): string {
  return text.toWellFormed().normalize("NFKC").replace(PICTOGRAPH_STYLE, "").replace(CONTROLS, " ");
}
