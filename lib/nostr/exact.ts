/**
 * Checks of what a 52-bit key found against the event itself, at the price of a comparison.
 * An event's text has its first fields in fixed places (`lib/nostr/event.ts`).
 * Runs on any thread; no state.
 *
 * @module
 */
import { type NostrEvent, TEXT_CREATED_AT_AT, TEXT_ID_AT, TEXT_PUBKEY_AT } from "./event.ts";

/** Whether the text is that of the event with this id. */
export function hasId(text: string, id: string): boolean {
  return text.startsWith(id, TEXT_ID_AT);
}

/** Whether the text is that of an event by this author. */
export function hasPubkey(text: string, pubkey: string): boolean {
  return text.startsWith(pubkey, TEXT_PUBKEY_AT);
}

/**
 * Whether the text holds this value as JSON wrote it, quotes included. Together with an equal key this says that the
 * tag is there, unless a tag only collides and the value stands elsewhere.
 */
export function holdsQuoted(text: string, quoted: string): boolean {
  return text.includes(quoted);
}

/** How a tag with this letter and value begins in a text. It stands nowhere else there, because strings escape quotes. */
export function tagStart(letter: string, value: string): string {
  return `["${letter}",${JSON.stringify(value)}`;
}

/** Whether the text, or the part of it that holds the tags, has a tag that begins so ({@linkcode tagStart}). */
export function holdsTag(text: string, start: string): boolean {
  return text.includes(start);
}

/** The tags in an event's text, as JSON: what lies between them and the content is found without reading the content. */
export function tagsPart(text: string): string {
  const at = text.indexOf(TAGS, TEXT_CREATED_AT_AT) + TAGS.length;
  return text.slice(at, text.indexOf(CONTENT, at));
}

/** The tags in an event's text. */
export function tagsOf(text: string): NostrEvent["tags"] {
  return JSON.parse(tagsPart(text)) as NostrEvent["tags"];
}

/** The id in an event's text. */
export function idOf(text: string): string {
  return text.slice(TEXT_ID_AT, TEXT_ID_AT + 64);
}

/** The pubkey in an event's text. */
export function pubkeyOf(text: string): string {
  return text.slice(TEXT_PUBKEY_AT, TEXT_PUBKEY_AT + 64);
}

/** `created_at` in an event's text. */
export function createdAtOf(text: string): number {
  return parseInt(text.slice(TEXT_CREATED_AT_AT, TEXT_CREATED_AT_AT + 16), 10);
}

/** The kind in an event's text. */
export function kindOf(text: string): number {
  const at = text.indexOf(KIND, TEXT_CREATED_AT_AT) + KIND.length;
  return Number(text.slice(at, text.indexOf(",", at)));
}

const KIND = ',"kind":';
const TAGS = ',"tags":';
const CONTENT = ',"content":';

/** The event of a text that the store itself wrote. */
export function eventOf(text: string): NostrEvent {
  return JSON.parse(text) as NostrEvent;
}
