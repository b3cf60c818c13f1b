/**
 * The id of an event in the text of a message, without parsing it: most events that upstream relays send were seen before,
 * and need no more than that.
 * Runs on any thread; no state.
 *
 * The scan goes from one field of the event to the next until it meets the id. It finds no id that a parser would not
 * find: where the text is unusual (a field that is an object, a name with an escape, another `"id"` further on), it gives
 * up, and the caller parses. What it finds is a claim all the same: the verifier decides whether the id is the event's.
 *
 * @module
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const BRACE = 0x7b;
const ID_DIGITS = 64;
/** Names of fields before the id; an event has six others. */
const FIELDS = 8;

/**
 * The id of the event in a text: an event, or a message `["EVENT",…]` whose other parts hold no brace.
 *
 * @returns null where the scan gives up.
 *
 * @example Usage
 * ```ts
 * import { eventIdIn } from "./event_id.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const id = "a".repeat(64);
 * assertEquals(eventIdIn(`["EVENT","a",{"content":"\\"id\\":","id":"${id}"}]`), id);
 * assertEquals(eventIdIn(`{"id":"${id.toUpperCase()}"}`), null);
 * ```
 */
export function eventIdIn(text: string): string | null {
  let at = text.indexOf("{") + 1;
  if (at === 0) return null;
  for (let fields = 0; fields < FIELDS; fields++) {
    at = pastSpace(text, at);
    if (text.startsWith('"id"', at)) return idAt(text, at + 4);
    at = pastField(text, at);
    if (at < 0 || text.charCodeAt(at) !== COMMA) return null;
    at++;
  }
  return null;
}

/** The id behind its name, if nothing in the rest of the text can replace it. */
function idAt(text: string, afterName: number): string | null {
  const colon = pastSpace(text, afterName);
  if (text.charCodeAt(colon) !== COLON) return null;
  const at = pastSpace(text, colon + 1) + 1;
  const end = at + ID_DIGITS;
  if (text.charCodeAt(at - 1) !== QUOTE || text.charCodeAt(end) !== QUOTE) return null;
  for (let digit = at; digit < end; digit++) if (!isHex(text.charCodeAt(digit))) return null;
  // JSON's last "id" counts; its letters may be written as \u0069 and \u0064.
  if (text.includes('"id"', end) || text.includes("\\u006", end)) return null;
  return text.slice(at, end);
}

/** Behind a field's name and value, and the space after them; -1: it is unusual. */
function pastField(text: string, at: number): number {
  const nameEnd = pastString(text, at);
  if (nameEnd < 0 || text.slice(at, nameEnd).includes("\\")) return -1;
  const colon = pastSpace(text, nameEnd);
  if (text.charCodeAt(colon) !== COLON) return -1;
  const value = pastSpace(text, colon + 1);
  const code = text.charCodeAt(value);
  const end = code === QUOTE
    ? pastString(text, value)
    : code === BRACKET
    ? pastArray(text, value)
    : pastNumber(text, value);
  return end < 0 ? -1 : pastSpace(text, end);
}

/** Behind the closing quote of a string that begins here, or -1. */
function pastString(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) return -1;
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  return -1;
}

/** Behind the end of an array of arrays and strings, or -1. */
function pastArray(text: string, at: number): number {
  let depth = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = pastString(text, at);
      if (at < 0) return -1;
      continue;
    }
    if (code === BRACE) return -1;
    if (code === BRACKET) depth++;
    if (code === BRACKET_END && --depth === 0) return at + 1;
    at++;
  }
  return -1;
}

function pastNumber(text: string, at: number): number {
  const start = at;
  while (text.charCodeAt(at) - 0x30 >>> 0 < 10) at++;
  return at === start ? -1 : at;
}

function pastSpace(text: string, at: number): number {
  for (let code = text.charCodeAt(at); code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;) {
    code = text.charCodeAt(++at);
  }
  return at;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);
}
