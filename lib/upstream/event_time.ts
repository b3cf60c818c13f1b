/**
 * `created_at` in the text of an event as another relay wrote it, found without parsing where the spelling is the usual
 * one.
 * Runs on any thread; no state.
 *
 * @module
 */

const NAME = '"created_at":';

/**
 * Seconds since 1970, unverified; null where the text has none. A name with its quotes and colon stands in no JSON string,
 * because a string escapes quotes.
 *
 * @example Usage
 * ```ts
 * import { createdAtIn } from "./event_time.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(createdAtIn('{"content":"\\"created_at\\":1","created_at":5}'), 5);
 * assertEquals(createdAtIn('{ "created_at" : 5 }'), 5);
 * assertEquals(createdAtIn("{}"), null);
 * ```
 */
export function createdAtIn(text: string): number | null {
  const at = text.indexOf(NAME);
  if (at >= 0) {
    const seconds = parseInt(text.slice(at + NAME.length, at + NAME.length + 20), 10);
    if (Number.isSafeInteger(seconds)) return seconds;
  }
  return parsedTime(text);
}

function parsedTime(text: string): number | null {
  try {
    const seconds = (JSON.parse(text) as { created_at?: unknown } | null)?.created_at;
    return Number.isSafeInteger(seconds) ? seconds as number : null;
  } catch {
    return null;
  }
}
