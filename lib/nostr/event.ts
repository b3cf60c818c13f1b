/**
 * An event as NIP-01 defines it: its shape, its exact serialisation, its text.
 * Runs on any thread; no state.
 *
 * @module
 */
import { CREATED_AT_MAX, KIND_MAX } from "../limits.ts";

/** An event whose fields have the right types. Its id and signature may still be wrong. */
export interface NostrEvent {
  readonly id: string;
  readonly pubkey: string;
  readonly created_at: number;
  readonly kind: number;
  readonly tags: readonly (readonly string[])[];
  readonly content: string;
  readonly sig: string;
}

const HEX_64 = /^[0-9a-f]{64}$/;
const HEX_128 = /^[0-9a-f]{128}$/;

/** Whether a text is exactly 64 lowercase hex characters. */
export function isHex64(text: unknown): text is string {
  return typeof text === "string" && HEX_64.test(text);
}

/**
 * What is wrong with the shape of an event, or null.
 *
 * @example Usage
 * ```ts
 * import { shapeFault } from "./event.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(shapeFault({ id: "ABC" }), "id is not 64 lowercase hex characters");
 * ```
 */
export function shapeFault(value: unknown): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "event is not an object";
  const event = value as Record<string, unknown>;
  if (!isHex64(event.id)) return "id is not 64 lowercase hex characters";
  if (!isHex64(event.pubkey)) return "pubkey is not 64 lowercase hex characters";
  if (!isIntegerUpTo(event.created_at, CREATED_AT_MAX)) return "created_at is not a whole number of seconds";
  if (!isIntegerUpTo(event.kind, KIND_MAX)) return `kind is not an integer from 0 to ${KIND_MAX}`;
  if (!Array.isArray(event.tags)) return "tags is not an array";
  for (const tag of event.tags) {
    if (!Array.isArray(tag)) return "a tag is not an array";
    for (const item of tag) if (typeof item !== "string") return "a tag holds something that is not a string";
  }
  if (typeof event.content !== "string") return "content is not a string";
  if (typeof event.sig !== "string" || !HEX_128.test(event.sig)) {
    return "sig is not 128 lowercase hex characters";
  }
  return null;
}

function isIntegerUpTo(value: unknown, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}

/** The two parts of an event's texts that take work to write. */
export interface EventParts {
  /** The tags as JSON. */
  readonly tags: string;
  /** The content as JSON. */
  readonly content: string;
}

/** Writes tags and content as JSON without white space, as both texts below need them. */
export function eventParts(event: NostrEvent): EventParts {
  return { tags: JSON.stringify(event.tags), content: JSON.stringify(event.content) };
}

/** The text whose SHA-256 is the id (NIP-01): `[0,pubkey,created_at,kind,tags,content]`. */
export function idText(event: NostrEvent, parts: EventParts): string {
  return `[0,"${event.pubkey}",${event.created_at},${event.kind},${parts.tags},${parts.content}]`;
}

/**
 * The same with control characters verbatim. NIP-01's text asks for this; every implementation in use escapes them
 * (`\u0001`). Both name the same event, so both are accepted.
 *
 * @returns null where the event has no such character: then the texts are the same.
 */
export function idTextVerbatim(text: string): string | null {
  if (!text.includes("\\u00")) return null;
  const verbatim = text.replace(
    /(?<!\\)((?:\\\\)*)\\u00([01][0-9a-f])/g,
    (_, slashes, hex) => slashes + String.fromCharCode(parseInt(hex, 16)),
  );
  return verbatim === text ? null : verbatim;
}

/** Where the id begins in an event's text: `{"id":"`. */
export const TEXT_ID_AT = 7;
/** Where the pubkey begins in an event's text: `{"id":"…","pubkey":"`. */
export const TEXT_PUBKEY_AT = 83;
/** Where created_at begins in an event's text: `{"id":"…","pubkey":"…","created_at":`. */
export const TEXT_CREATED_AT_AT = 162;

/** The text under which the event is stored and sent. Its first fields have fixed places. */
export function eventText(event: NostrEvent, parts: EventParts): string {
  return `{"id":"${event.id}","pubkey":"${event.pubkey}","created_at":${event.created_at},"kind":${event.kind},` +
    `"tags":${parts.tags},"content":${parts.content},"sig":"${event.sig}"}`;
}

/** The value of the first `d` tag, or the empty string (NIP-01). */
export function dValue(event: NostrEvent): string {
  for (const tag of event.tags) if (tag[0] === "d") return tag[1] ?? "";
  return "";
}

/** When the event expires, in seconds (NIP-40), or 0: never. A tag that is no number is no expiration. */
export function expiresAt(event: NostrEvent): number {
  for (const tag of event.tags) {
    if (tag[0] !== "expiration" || tag[1] === undefined || !/^\d{1,15}$/.test(tag[1])) continue;
    // 0 is taken for "never" here; a client that writes it means 1970.
    return Math.max(1, Number(tag[1]));
  }
  return 0;
}
