/**
 * What of an event is searchable: both backends index these documents.
 * Runs on the indexer's thread; no state. Its tables of words are large, so that readers must not import it.
 *
 * @module
 */
import { SEARCH_FIELD_CHARS_MAX, TAG_VALUE_SEARCHED_CHARS_MAX } from "../limits.ts";
import { expiresAt, type NostrEvent } from "../nostr/event.ts";
import { isIndexedLetter } from "../nostr/packed_event.ts";
import { languageOf } from "./language.ts";
import { type SearchDocument, tagTerm, TEXT_FIELDS, type TextField } from "./search_fields.ts";
import { sentimentOf } from "./sentiment.ts";
import { isSpam } from "./spam.ts";
import { normalizeText } from "./text.ts";

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

/** The document of an event. Takes any event that passed `shapeFault`. */
export function searchDocument(event: NostrEvent): SearchDocument {
  const texts = event.kind === 0 ? profileTexts(event.content) : noteTexts(event);
  const words = [texts.title, texts.about, texts.content].filter(Boolean).join("\n");
  const language = languageOf(event, words);
  return {
    id: event.id,
    pubkey: event.pubkey,
    kind: event.kind,
    created_at: event.created_at,
    expires_at: expiresAt(event),
    tags: tagTerms(event),
    texts,
    language,
    sentiment: sentimentOf(words, language),
    isSpam: isSpam(event, words),
    isSensitive: isSensitive(event),
  };
}

/** Whether the author warns of the content: by NIP-36's tag, or by the hashtag that older clients use. */
function isSensitive(event: NostrEvent): boolean {
  return event.tags.some(([name, value]) =>
    name === "content-warning" || (name === "t" && value?.toLowerCase() === "nsfw")
  );
}

function tagTerms(event: NostrEvent): string[] {
  const terms: string[] = [];
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
