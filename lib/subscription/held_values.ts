/**
 * What filters take of memory, in values: how many their lists hold, a long one counting as several, and some for a filter
 * itself. A value takes `HELD_VALUE_BYTES` at most, wherever its filter is filed.
 * Runs on any thread; no state.
 *
 * @module
 */
import { HELD_VALUE_CHARS } from "../limits.ts";
import type { Filter, TagCondition } from "../nostr/filter.ts";

/** What a filter without any list counts as. */
const FILTER_VALUES = 4;
/** What a condition on tags counts as beside its values: there may be one for each letter, and for each value. */
const CONDITION_VALUES = 2;

/** What the filters of one request count as. */
export function heldValues(filters: readonly Filter[]): number {
  return filters.reduce((sum, filter) => sum + valuesOf(filter), 0);
}

function valuesOf({ ids, authors, kinds, tags, search }: Filter): number {
  let values = FILTER_VALUES + (ids?.length ?? 0) + (authors?.length ?? 0) + (kinds?.length ?? 0);
  for (const condition of tags) values += CONDITION_VALUES + valuesOfTag(condition);
  return search === undefined ? values : values + charsAsValues(search);
}

function valuesOfTag({ letter, values }: TagCondition): number {
  // Those are ids and keys; see `parseFilter`.
  if (letter === "e" || letter === "p") return values.length;
  return values.reduce((sum, value) => sum + charsAsValues(value), 0);
}

function charsAsValues(text: string): number {
  return Math.max(1, Math.ceil(text.length / HELD_VALUE_CHARS));
}
