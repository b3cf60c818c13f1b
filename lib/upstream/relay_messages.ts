/**
 * What a relay says, read with as little work as its kind allows. The text of an event is never copied or written anew.
 * Runs on any thread; no state.
 *
 * @module
 */
import { UPSTREAM_TEXT_CHARS_MAX } from "../limits.ts";
import { isHex64 } from "../nostr/event.ts";

/** A message of a relay whose shape is right. */
export type RelayMessage =
  | {
    readonly type: "EVENT";
    readonly subscriptionId: string;
    /** The event's JSON as it came. */
    readonly text: string;
    /** As the text says; nothing is verified. */
    readonly id: string;
  }
  | { readonly type: "EOSE"; readonly subscriptionId: string }
  | {
    readonly type: "CLOSED" | "NEG-MSG" | "NEG-ERR";
    readonly subscriptionId: string;
    readonly message: string;
  }
  | { readonly type: "OK"; readonly id: string; readonly accepted: boolean; readonly message: string }
  | { readonly type: "NOTICE"; readonly message: string }
  | { readonly type: "AUTH"; readonly challenge: string }
  /** An array with a verb that is not known here. */
  | { readonly type: "other" };

/** As nearly all relays write it; what else is possible is parsed. */
const EVENT_HEAD = '["EVENT","';
const ID_NAME = '"id":"';
const [QUOTE, BACKSLASH, BRACE, BRACKET, COMMA] = ['"', "\\", "{", "]", ","].map((sign) =>
  sign.charCodeAt(0)
);

/** Reads a message; null where the text is none of a relay. */
export function readRelayMessage(text: string): RelayMessage | null {
  return readEvent(text) ?? readParsed(text);
}

/** An EVENT in the usual spelling: the id is found by a scan, because most events have come from another relay already. */
function readEvent(text: string): RelayMessage | null {
  if (!text.startsWith(EVENT_HEAD) || text.charCodeAt(text.length - 1) !== BRACKET) return null;
  const idEnd = text.indexOf('"', EVENT_HEAD.length);
  if (text.charCodeAt(idEnd + 1) !== COMMA || text.charCodeAt(idEnd + 2) !== BRACE) return null;
  const subscriptionId = text.slice(EVENT_HEAD.length, idEnd);
  const at = scannedIdAt(text, idEnd + 3);
  if (at < 0 || subscriptionId.includes("\\")) return null;
  return { type: "EVENT", subscriptionId, text: text.slice(idEnd + 2, -1), id: text.slice(at, at + 64) };
}

/**
 * Where the id begins, or -1. The first `"id":"` whose quote is not escaped cannot be inside of a string. It may belong to
 * an inner object, or be one of several: whoever parses the event compares.
 */
function scannedIdAt(text: string, from: number): number {
  const nameAt = text.indexOf(ID_NAME, from);
  if (nameAt < 0 || text.charCodeAt(nameAt - 1) === BACKSLASH) return -1;
  const at = nameAt + ID_NAME.length;
  for (let n = at; n < at + 64; n++) {
    const code = text.charCodeAt(n);
    if (!(code >= 48 && code <= 57 || code >= 97 && code <= 102)) return -1;
  }
  return text.charCodeAt(at + 64) === QUOTE ? at : -1;
}

function readParsed(text: string): RelayMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(value) || typeof value[0] !== "string") return null;
  const [verb, first, second, third] = value as [string, ...unknown[]];
  switch (verb) {
    case "EVENT":
      return typeof first === "string" ? parsedEvent(first, second) : null;
    case "EOSE":
      return typeof first === "string" ? { type: verb, subscriptionId: first } : null;
    case "CLOSED":
    case "NEG-ERR":
      return typeof first === "string"
        ? { type: verb, subscriptionId: first, message: shownText(second ?? "") }
        : null;
    case "NEG-MSG":
      return typeof first === "string" && typeof second === "string"
        ? { type: verb, subscriptionId: first, message: second }
        : null;
    case "OK":
      return typeof first === "string" && typeof second === "boolean"
        ? { type: verb, id: first, accepted: second, message: shownText(third ?? "") }
        : null;
    case "NOTICE":
      return { type: verb, message: shownText(first ?? "") };
    case "AUTH":
      return typeof first === "string" ? { type: verb, challenge: first } : null;
    default:
      return { type: "other" };
  }
}

function parsedEvent(subscriptionId: string, event: unknown): RelayMessage | null {
  const id = (event as { id?: unknown } | null | undefined)?.id;
  if (!isHex64(id)) return null;
  return { type: "EVENT", subscriptionId, text: JSON.stringify(event), id };
}

/** A relay's text as people may see it: short, in one line. */
export function shownText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  // deno-lint-ignore no-control-regex -- these are what is taken out
  return text.slice(0, UPSTREAM_TEXT_CHARS_MAX).replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ");
}
