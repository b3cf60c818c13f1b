/**
 * What a relay answers that holds a list of events and nothing else: the oracle of the tests of readers' rights, which
 * give it the events that a reader may know of.
 * Runs on a test's thread; no state.
 *
 * @module
 */
import { naiveMatch, type PlainEvent, type PlainFilter } from "../support/naive_matcher.ts";

/** A filter, with a search of words that have to stand in the content. */
interface ModelFilter extends PlainFilter {
  search?: string;
}

/** A REQ's answer. */
interface Page {
  readonly ids: readonly string[];
  /** What the EOSE says of the rest (NIP-67). */
  readonly hint: readonly string[];
}

/** The relay's own limits. */
interface ModelLimits {
  readonly limitMax: number;
  readonly limitDefault: number;
}

/** Kinds whose content is encrypted, so that no word of it is found. */
const SEALED = [4, 1059];

/** One filter's page: its events, and the first that matches and is not in it, or null. Undefined: nothing was asked. */
interface FilterPage {
  readonly events: readonly PlainEvent[];
  readonly next: PlainEvent | null | undefined;
}

/** All events that match, newest first, ties by the lowest id. */
export function matching(events: readonly PlainEvent[], filter: PlainFilter): PlainEvent[] {
  return events.filter((event) => naiveMatch(filter, event))
    .toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
}

/** The stored part of a REQ. */
export function pageOf(
  events: readonly PlainEvent[],
  filters: readonly PlainFilter[],
  limits: ModelLimits,
): Page {
  const pages = filters.map((filter) => filterPage(events, filter, limits));
  const ids = [...new Set(pages.flatMap((page) => page.events.map(({ id }) => id)))];
  if (pages.every(({ next }) => next === null)) return { ids, hint: ["finish"] };
  const isMore = pages.some(({ next }) => next !== null && next !== undefined && !ids.includes(next.id));
  return { ids, hint: isMore ? ["more"] : [] };
}

/** How many events match any of the filters. */
export function countOf(events: readonly PlainEvent[], filters: readonly PlainFilter[]): number {
  return events.filter((event) => filters.some((filter) => naiveMatch(filter, event))).length;
}

/** The registers of the events' authors (NIP-45), for a filter that names one event id. */
export function registersOf(events: readonly PlainEvent[], id: string): string {
  const offset = parseInt(id[32]!, 16) + 8;
  const registers = new Uint8Array(256);
  for (const { pubkey } of events) {
    const bits = [...pubkey.slice(offset * 2 + 2, offset * 2 + 16)]
      .map((digit) => parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
    const zeros = bits.includes("1") ? bits.indexOf("1") : bits.length;
    const register = parseInt(pubkey.slice(offset * 2, offset * 2 + 2), 16);
    registers[register] = Math.max(registers[register]!, zeros + 1);
  }
  return registers.toHex();
}

/** The ids of a search for a word, newest first (`sort:new`), or by the points of answers and the time (`sort:hot`). */
export function searchOf(
  events: readonly PlainEvent[],
  filter: PlainFilter & { readonly limit: number },
  { word, sort }: { readonly word: string; readonly sort: "new" | "hot" },
): string[] {
  const found = matching(events, filter)
    .filter(({ kind, content }) => !SEALED.includes(kind) && content.split(" ").includes(word));
  const score = (event: PlainEvent) =>
    sort === "new" ? 0 : Math.log10(Math.max(1, pointsOf(events, event))) + event.created_at / 45_000;
  const scores = new Map(found.map((event) => [event.id, score(event)]));
  return found.toSorted((a, b) => scores.get(b.id)! - scores.get(a.id)!).slice(0, filter.limit)
    .map(({ id }) => id);
}

function filterPage(
  events: readonly PlainEvent[],
  filter: PlainFilter,
  { limitMax, limitDefault }: ModelLimits,
): FilterPage {
  const all = matching(events, filter);
  const limit = Math.min(filter.limit ?? limitDefault, limitMax);
  if (limit === 0) return { events: [], next: undefined };
  const last = all[limit - 1]?.created_at;
  const isCapped = (filter.limit ?? Infinity) > limit;
  const page = all.filter(({ created_at }, at) => at < limit || (isCapped && created_at === last));
  return { events: page, next: all[page.length] ?? null };
}

/** Likes count one, replies two; each author once for each. */
function pointsOf(events: readonly PlainEvent[], { id, pubkey }: PlainEvent): number {
  const authors = (kind: number) =>
    new Set(
      events.filter((event) =>
        event.kind === kind && event.pubkey !== pubkey &&
        event.tags.some(([name, value]) => name === "e" && value === id)
      ).map((event) => event.pubkey),
    ).size;
  return authors(7) + 2 * authors(1);
}
