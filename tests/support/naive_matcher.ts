/**
 * The oracle of the differential tests: NIP-01, and `&x` filters, written down in the most obvious way, over a plain array.
 * Shares no code with the program on purpose. Runs in the tests.
 *
 * @module
 */
import type { NostrEvent as PlainEvent } from "nostr-tools/core";

/** An event as clients see it. */
export type { PlainEvent };

/** A filter as clients send it. */
export interface PlainFilter {
  ids?: string[];
  authors?: string[];
  kinds?: number[];
  since?: number;
  until?: number;
  limit?: number;
  [tag: `#${string}` | `&${string}`]: string[] | undefined;
}

/** Whether the filter's conditions hold for the event. */
export function naiveMatch(filter: PlainFilter, event: PlainEvent): boolean {
  if (filter.ids !== undefined && !filter.ids.some((id) => id === event.id)) return false;
  if (filter.authors !== undefined && !filter.authors.some((author) => author === event.pubkey)) return false;
  if (filter.kinds !== undefined && !filter.kinds.some((kind) => kind === event.kind)) return false;
  if (filter.since !== undefined && event.created_at < filter.since) return false;
  if (filter.until !== undefined && event.created_at > filter.until) return false;
  for (const key of Object.keys(filter)) {
    if (!/^[#&]/.test(key)) continue;
    const wanted = filter[key as `#${string}`]!;
    const present = event.tags.filter((tag) => tag[0] === key.slice(1)).map((tag) => tag[1]);
    if (wanted.length === 0) return false;
    const all = filter[`&${key.slice(1)}`] ?? [];
    if (key[0] === "&" && !wanted.every((value) => present.includes(value))) return false;
    // What `&x` asks for is no choice of `#x` any more.
    const choices = wanted.filter((value) => !all.includes(value));
    if (key[0] === "#" && choices.length > 0 && !choices.some((value) => present.includes(value))) {
      return false;
    }
  }
  return true;
}

/** The stored events of one filter, in NIP-01's order, cut at its limit. */
export function naiveQuery(
  filter: PlainFilter,
  events: readonly PlainEvent[],
  limitMax: number,
): PlainEvent[] {
  return events
    .filter((event) => naiveMatch(filter, event))
    .toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
    .slice(0, Math.min(filter.limit ?? limitMax, limitMax));
}
