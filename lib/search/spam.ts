/**
 * Whether an event looks like spam, by the event alone: a few signs that real notes hardly ever show, and two of them
 * at least. It decides nothing but what searches leave out by default (NIP-50).
 * Runs on the indexer's thread; no state.
 *
 * @module
 */
import { SPAM_CHARS_MAX, SPAM_EXEMPT_BITS, SPAM_SIGNS_MIN } from "../limits.ts";
import { distinctTexts } from "../nostr/chosen_texts.ts";
import type { NostrEvent } from "../nostr/event.ts";
import { leadingZeroBits } from "../nostr/proof_of_work.ts";

/** What of an event the signs look at. Most events are short and plain, and few signs look further then. */
class Traits {
  readonly event: NostrEvent;
  /** As its author wrote it. */
  readonly raw: string;
  /** Normalised, in lower case. */
  readonly text: string;
  #words: readonly string[] | null = null;
  #baits: number | null = null;

  constructor(event: NostrEvent, words: string) {
    this.event = event;
    this.raw = event.content.slice(0, SPAM_CHARS_MAX);
    this.text = words.slice(0, SPAM_CHARS_MAX).toLowerCase();
  }

  get words(): readonly string[] {
    return this.#words ??= this.text.match(/\S+/g) ?? [];
  }

  /** Kinds of bait. Nearly all texts have none, which one pass tells. */
  get baits(): number {
    return this.#baits ??= ANY_BAIT.test(this.text)
      ? BAIT.filter((phrase) => phrase.test(this.text)).length
      : 0;
  }
}

/** Kinds of which a long list of `p` tags is no sign: lists and the like have them by nature. */
const SPOKEN_KINDS = new Set([1, 42, 1_111]);
const LINK = /\b(?:https?:\/\/|www\.|t\.me\/|wa\.me\/)\S+/g;
// Not the space without width, which parts words in Khmer and Thai.
const HIDDEN = /[\u2060-\u2064\u202D\u202E\uFEFF]/gu;
/** Letters of mathematics that stand for plain ones, and marks piled on each other. */
const DISGUISED = /[\u{1D400}-\u{1D7FF}]|\p{Mn}{4,}/gu;
const BAIT = [
  /\b(?:double|triple|multiply) your (?:btc|bitcoin|sats|money|crypto|investment)\b/,
  /\bguaranteed (?:profits?|returns?|income)\b/,
  /\b(?:claim|get) your (?:free )?(?:airdrop|reward|bonus|tokens?|prize|gift ?card)\b/,
  /\b(?:earn|make) \$?\d[\d,.]*\$?(?: usd| dollars)? (?:a|per|every|each) (?:hour|day|week|month)\b/,
  /\b(?:dm|message|contact|text) (?:me|us) (?:now )?on (?:whatsapp|telegram|signal|instagram)\b/,
  /\b(?:whatsapp|telegram)\s*(?:[:：]\s*)?[@+]\S/,
  /\brecover(?:y)? (?:of )?(?:your )?(?:lost|stolen|scammed) (?:funds|crypto|bitcoin|wallet)/,
  /\b(?:forex|binary options?) (?:trading )?(?:expert|mentor|signals?|manager)\b/,
  /\bbuy (?:cheap )?(?:followers|likes|reviews|accounts)\b/,
  /\b(?:online casino|free spins|sportsbook bonus|no deposit bonus)\b/,
] as const;

const ANY_BAIT = new RegExp(BAIT.map(({ source }) => source).join("|"));
/** What hidden and disguised letters are among. */
const BEYOND_LATIN_1 = /[\u0100-\u{10FFFF}]/u;

/** Every sign by what it says of the event. */
const SIGNS: Readonly<Record<string, (traits: Traits) => boolean>> = {
  "more hashtags than anybody reads": ({ event, text }) =>
    Math.max(event.tags.filter(([name]) => name === "t").length, count(text, /(?<!\S)#\S/g)) > 20,
  "a crowd is called": ({ event }) =>
    SPOKEN_KINDS.has(event.kind) &&
    distinctTexts(event.tags.flatMap(([name, key]) => name === "p" && key !== undefined ? [key] : []))
        .length > 40,
  "mostly links": (traits) => {
    const links = count(traits.text, LINK);
    return links >= 4 && links * 3 > traits.words.length;
  },
  // Forty words have as many spaces between them.
  "the same words again and again": (traits) =>
    traits.text.length >= 79 && traits.words.length >= 40 &&
    distinctTexts(traits.words).length * 5 < traits.words.length,
  "shouting": ({ raw }) => {
    if (raw.length < 50) return false;
    const capitals = count(raw, /\p{Lu}/gu);
    return capitals >= 50 && capitals > 4 * count(raw, /\p{Ll}/gu);
  },
  "hidden or disguised letters": ({ raw }) =>
    BEYOND_LATIN_1.test(raw) && (count(raw, HIDDEN) >= 6 || count(raw, DISGUISED) >= 12),
  "bait": ({ baits }) => baits >= 1,
  "bait of several kinds": ({ baits }) => baits >= 2,
};

/**
 * Whether an event has at least `SPAM_SIGNS_MIN` signs of spam. Who did much work for it (NIP-13) is taken at their
 * word.
 *
 * @param words What is read of the event, normalised.
 */
export function isSpam(event: NostrEvent, words: string): boolean {
  if (words === "" || isMined(event)) return false;
  const traits = new Traits(event, words);
  let signs = 0;
  for (const isShown of Object.values(SIGNS)) {
    if (isShown(traits) && ++signs >= SPAM_SIGNS_MIN) return true;
  }
  return false;
}

/** Whether its author meant to do so much work, and did. */
function isMined(event: NostrEvent): boolean {
  return leadingZeroBits(event.id) >= SPAM_EXEMPT_BITS &&
    event.tags.some(([name, , target]) => name === "nonce" && Number(target) >= SPAM_EXEMPT_BITS);
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
