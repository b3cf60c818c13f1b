/**
 * What of an event is searchable, and how much each part and kind counts. Both backends index this.
 * Runs on the indexer's thread (documents) and on readers (weights); no state.
 *
 * @module
 */
import { SEARCH_FIELD_CHARS_MAX, TAG_VALUE_SEARCHED_CHARS_MAX } from "../limits.ts";
import { expiresAt, type NostrEvent } from "../nostr/event.ts";
import { isIndexedLetter } from "../nostr/packed_event.ts";
import { normalizeText } from "./text.ts";

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

/**
 * Kinds whose content is no text for people: contact lists' JSON (NIP-02), encrypted messages and wraps (NIP-04, 59,
 * 60), reposted events (NIP-18), wallet requests (NIP-47), remote signing (NIP-46).
 */
const KINDS_WITHOUT_TEXT = new Set([
  3,
  4,
  6,
  13,
  16,
  1_059,
  1_060,
  7_374,
  7_375,
  7_376,
  9_734,
  9_735,
  24_133,
]);

/** An event as the index holds it. */
export interface SearchDocument {
  readonly id: string;
  readonly pubkey: string;
  readonly kind: number;
  /** Seconds. */
  readonly created_at: number;
  /** Seconds (NIP-40); 0 means never. */
  readonly expires_at: number;
  /** `letter:value` of single-letter tags, each once; and {@linkcode SENSITIVE_TERM}, where it is so. */
  readonly tags: readonly string[];
  /** Fields that have a text, normalised. */
  readonly texts: Readonly<Partial<Record<TextField, string>>>;
}

/** The document of an event. Takes any event that passed `shapeFault`. */
export function searchDocument(event: NostrEvent): SearchDocument {
  return {
    id: event.id,
    pubkey: event.pubkey,
    kind: event.kind,
    created_at: event.created_at,
    expires_at: expiresAt(event),
    tags: tagTerms(event),
    texts: event.kind === 0 ? profileTexts(event.content) : noteTexts(event),
  };
}

/** How a tag condition's value appears in `tags`. */
export function tagTerm(letter: string, value: string): string {
  return `${letter}:${value}`;
}

/** Stands among the tags of an event whose author warns of its content. No tag has such a term: they hold a colon. */
export const SENSITIVE_TERM = "sensitive";

/** Whether the author warns of the content: by NIP-36's tag, or by the hashtag that older clients use. */
function isSensitive(event: NostrEvent): boolean {
  return event.tags.some(([name, value]) =>
    name === "content-warning" || (name === "t" && value?.toLowerCase() === "nsfw")
  );
}

function tagTerms(event: NostrEvent): string[] {
  const terms: string[] = isSensitive(event) ? [SENSITIVE_TERM] : [];
  for (const [name, value] of event.tags) {
    if (name === undefined || value === undefined || !isIndexedLetter(name)) continue;
    // OpenSearch refuses a document with a term of more than 32 KiB.
    if (value.length <= TAG_VALUE_SEARCHED_CHARS_MAX) terms.push(tagTerm(name, value.toWellFormed()));
  }
  return terms.length > 1 ? [...new Set(terms)] : terms;
}

/** The fields of a kind 0 (NIP-01, NIP-24), whose content is JSON. A content that is not has no text. */
function profileTexts(content: string): SearchDocument["texts"] {
  let profile: unknown;
  try {
    profile = JSON.parse(content);
  } catch {
    return {};
  }
  if (typeof profile !== "object" || profile === null) return {};
  const { name, display_name, displayName, nip05, about } = profile as Record<string, unknown>;
  return written({ name, display_name: display_name ?? displayName, nip05, about });
}

function noteTexts(event: NostrEvent): SearchDocument["texts"] {
  const titles: string[] = [];
  const summaries: string[] = [];
  for (const [name, value] of event.tags) {
    if (value === undefined) continue;
    if (name === "title" || name === "subject" || name === "name") titles.push(value);
    else if (name === "summary" || name === "description" || name === "t") summaries.push(value);
  }
  const content = hasText(event.kind) ? event.content : "";
  return written({ title: titles.join("\n"), summary: summaries.join("\n"), content });
}

function hasText(kind: number): boolean {
  // NIP-51's lists (10000..19999) keep their private part in the content, encrypted.
  return !KINDS_WITHOUT_TEXT.has(kind) && !(kind >= 10_000 && kind < 20_000);
}

/** The fields that are texts with something in them, normalised and cut. */
function written(fields: Partial<Record<TextField, unknown>>): SearchDocument["texts"] {
  const texts: Partial<Record<TextField, string>> = {};
  for (const field of TEXT_FIELDS) {
    const value = fields[field];
    if (typeof value !== "string" || value === "") continue;
    // Cut twice: normalising can make a text eighteen times as long.
    const text = normalizeText(value.slice(0, SEARCH_FIELD_CHARS_MAX));
    texts[field] = text.slice(0, SEARCH_FIELD_CHARS_MAX).toWellFormed();
  }
  return texts;
}
