/**
 * A filter whose message would be longer than a relay accepts, as several that together match the same events.
 * Runs on any thread; no state.
 *
 * @module
 */
import { UPSTREAM_FILTER_PARTS_MAX } from "../limits.ts";
import type { FilterJson } from "./asked_filter.ts";

/** What a REQ or NEG-OPEN holds beside its filter and a message in hex, bytes: verb, id, window, limit. */
const MESSAGE_REST_BYTES = 200;
const encoder = new TextEncoder();

/**
 * Splits a filter. Its parts are read as filters of their own, each with its own limit and its own pages: a page of all of
 * them together would not be one of the newest events.
 *
 * @param messageBytesMax What the relay accepts (`PoliteLimits`).
 * @returns The filter alone where it fits; null where no list can be split, or too many parts would come of it.
 *
 * @example Usage
 * ```ts
 * import { splitFilter } from "./split_filter.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const authors = Array.from({ length: 30 }, (_, n) => n.toString(16).padStart(64, "0"));
 * const parts = splitFilter({ kinds: [1], authors }, 1_500);
 * assertEquals(parts?.map((part) => (part.authors as string[]).length), [15, 15]);
 * ```
 */
export function splitFilter(filter: FilterJson, messageBytesMax: number): readonly FilterJson[] | null {
  const parts: FilterJson[] = [];
  const whole = [filter];
  while (whole.length > 0) {
    if (whole.length + parts.length > UPSTREAM_FILTER_PARTS_MAX) return null;
    const next = whole.pop()!;
    if (encoder.encode(JSON.stringify(next)).length + MESSAGE_REST_BYTES <= messageBytesMax) {
      parts.push(next);
      continue;
    }
    const name = longestList(next);
    if (name === null) return null;
    const list = next[name] as readonly unknown[];
    const middle = list.length >>> 1;
    whole.push({ ...next, [name]: list.slice(middle) }, { ...next, [name]: list.slice(0, middle) });
  }
  return parts;
}

/** The list of which an event needs to have one, with the most bytes. Of an `&x` list it needs all. */
function longestList(filter: FilterJson): string | null {
  let longest: string | null = null;
  let most = 0;
  for (const [name, value] of Object.entries(filter)) {
    if (!Array.isArray(value) || value.length < 2 || name.startsWith("&")) continue;
    const bytes = JSON.stringify(value).length;
    if (bytes <= most) continue;
    longest = name;
    most = bytes;
  }
  return longest;
}
