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

const EVENT_HEAD = /^\s*\[\s*"EVENT"\s*,\s*"([^"\\]{1,64})"\s*,\s*(?=\{)/;
const ID_NAME = '"id":"';

/** Reads a message; null where the text is none of a relay. */
export function readRelayMessage(text: string): RelayMessage | null {
  return readEvent(text) ?? readParsed(text);
}

/** An EVENT in the usual spelling: the id is found by a scan. */
function readEvent(text: string): RelayMessage | null {
  const head = EVENT_HEAD.exec(text);
  if (head === null) return null;
  const trimmed = text.trimEnd();
  if (!trimmed.endsWith("]")) return null;
  const event = trimmed.slice(head[0].length, -1).trimEnd();
  const id = scannedId(event);
  return id === null ? null : { type: "EVENT", subscriptionId: head[1]!, text: event, id };
}

/**
 * The first `"id":"` whose quote is not escaped cannot be inside of a string. It may belong to an inner object, or be one
 * of several: whoever parses the event compares.
 */
function scannedId(event: string): string | null {
  const at = event.indexOf(ID_NAME);
  if (at < 1 || event[at - 1] === "\\") return null;
  const from = at + ID_NAME.length;
  const id = event.slice(from, from + 64);
  return isHex64(id) && event[from + 64] === '"' ? id : null;
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
