/**
 * What the index holds of an event, and how much each part and kind counts. Both backends and their queries follow it.
 * Runs on the indexer's thread and on readers; constants only.
 *
 * @module
 */

/** The text fields and their weights: a name that fits says more than a mention of it. */
export const TEXT_FIELD_WEIGHTS = {
  name: 5,
  display_name: 5,
  nip05: 3,
  title: 4,
  summary: 2,
  about: 1,
  content: 1,
} as const;
export type TextField = keyof typeof TEXT_FIELD_WEIGHTS;
export const TEXT_FIELDS = Object.keys(TEXT_FIELD_WEIGHTS) as readonly TextField[];

/** Kinds whose scores are multiplied: articles (NIP-23) before notes, reactions and labels (NIP-25, NIP-32) last. */
export const KIND_WEIGHTS: ReadonlyMap<number, number> = new Map([[30_023, 1.5], [7, 0.25], [1_985, 0.25]]);

/** What a text feels like, in NIP-50's words. */
export const SENTIMENTS = ["negative", "neutral", "positive"] as const;
export type Sentiment = typeof SENTIMENTS[number];

/** An event as the index holds it. */
export interface SearchDocument {
  readonly id: string;
  readonly pubkey: string;
  readonly kind: number;
  /** Seconds. */
  readonly created_at: number;
  /** Seconds (NIP-40); 0 means never. */
  readonly expires_at: number;
  /** `letter:value` of single-letter tags, each once. */
  readonly tags: readonly string[];
  /** Fields that have a text, normalised. */
  readonly texts: Readonly<Partial<Record<TextField, string>>>;
  /** The language of the texts, ISO 639-1; empty: unknown. */
  readonly language: string;
  /** Empty: unknown. */
  readonly sentiment: Sentiment | "";
  /** Whether searches leave it out unless they say `include:spam`. */
  readonly isSpam: boolean;
  /** Whether its author warns of the content, so that `nsfw:false` leaves it out. */
  readonly isSensitive: boolean;
}

/** How a tag condition's value appears in `tags`. */
export function tagTerm(letter: string, value: string): string {
  return `${letter}:${value}`;
}
