/**
 * The language of an event's text: what its author says by a label (NIP-32), else a guess.
 * Runs on the indexer's thread; no state but the tables of the detector.
 *
 * @module
 */
import { eld } from "eld/extrasmall";
import { LANGUAGE_CHARS_MAX, LANGUAGE_LETTERS_MIN } from "../limits.ts";
import type { NostrEvent } from "../nostr/event.ts";

/** The name space of labels that name a language (NIP-32). */
const LANGUAGE_LABELS = "ISO-639-1";
/** What is no language: addresses of all kinds, and tags. */
const NO_WORDS = /\b(?:https?|wss?|nostr|lightning):\S+|\b(?:npub|note|nevent|nprofile|naddr)1\w+|[#@]\S+/gi;
const OTHER_THAN_LATIN = /(?!\p{Script=Latin})\p{L}/u;
const ENOUGH_LATIN = new RegExp(`^(?:\\P{L}*\\p{L}){${LANGUAGE_LETTERS_MIN}}`, "u");
const ENOUGH_OF_OTHERS = /\p{L}.*\p{L}/su;

/**
 * The language as an ISO 639-1 code; empty if nobody can tell. A label of the event itself comes before any guess.
 *
 * @param words What is read of the event, normalised.
 *
 * @example Usage
 * ```ts
 * import { languageOf } from "./language.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(languageOf({ tags: [] }, "Ich habe heute einen Apfel gegessen"), "de");
 * assertEquals(languageOf({ tags: [["l", "fr", "ISO-639-1"]] }, "gm"), "fr");
 * ```
 */
export function languageOf(event: Pick<NostrEvent, "tags">, words: string): string {
  for (const [name, value, space] of event.tags) {
    if (name === "l" && space === LANGUAGE_LABELS && value !== undefined) {
      const code = readLanguage(value);
      if (code !== null) return code;
    }
  }
  return guessLanguage(words);
}

/** A code of two letters, in lower case; null: it is none. Of `pt-BR` the language counts. */
export function readLanguage(value: string): string | null {
  return value.toLowerCase().match(/^([a-z]{2})(?:[-_][a-z]{2,4})?$/)?.[1] ?? null;
}

function guessLanguage(words: string): string {
  const text = words.slice(0, LANGUAGE_CHARS_MAX).replace(NO_WORDS, " ");
  // Many languages share the Latin letters; a few words of them are too little to tell those apart.
  const enough = OTHER_THAN_LATIN.test(text) ? ENOUGH_OF_OTHERS : ENOUGH_LATIN;
  if (!enough.test(text)) return "";
  const guess = eld.detect(text);
  return guess.isReliable() ? guess.language : "";
}
