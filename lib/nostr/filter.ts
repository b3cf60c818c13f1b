/**
 * A filter of a REQ or COUNT (NIP-01, NIP-50, `&x` of the draft NIP-91): parsed once, refused with a reason, or
 * normalised.
 * Runs on any thread; no state.
 *
 * @module
 */
import { FILTER_ALL_VALUES_MAX, FILTER_VALUES_MAX, KIND_MAX, SEARCH_BYTES_MAX } from "../limits.ts";
import { distinctTexts } from "./chosen_texts.ts";
import { isHex64 } from "./event.ts";
import { isIndexedLetter } from "./packed_event.ts";

/** A condition on tags: any of the values. `#x` is one of them; `&x` is one for each of its values. */
export interface TagCondition {
  readonly letter: string;
  readonly values: readonly string[];
}

/** A filter with each list free of repeats. All conditions must hold. */
export interface Filter {
  readonly ids?: readonly string[];
  readonly authors?: readonly string[];
  readonly kinds?: readonly number[];
  readonly tags: readonly TagCondition[];
  readonly since?: number;
  readonly until?: number;
  /** Stored events wanted, already within the relay's maximum. */
  readonly limit: number;
  /** Set where `limit` is the relay's own: the client named none, or a higher one. */
  readonly isCapped?: true;
  readonly search?: string;
}

/** Bounds that the relay's configuration sets on filters. */
export interface FilterLimits {
  /** NIP-11 `max_limit`. */
  readonly limitMax: number;
  /** NIP-11 `default_limit`. */
  readonly limitDefault: number;
}

/** A client's mistake in a filter. The message begins with a prefix and is sent as it is. */
export class FilterError extends Error {
  override name = "FilterError";
}

/** Parses one filter. Throws {@linkcode FilterError}. */
export function parseFilter(value: unknown, limits: FilterLimits): Filter {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FilterError("invalid: a filter is not an object");
  }
  const filter: { -readonly [K in keyof Filter]: Filter[K] } = { tags: [], limit: limits.limitDefault };
  let asked = Infinity;
  const tags: TagCondition[] = [];
  const all: TagCondition[] = [];
  let values = 0;
  for (const [key, given] of Object.entries(value)) {
    if (Array.isArray(given)) values += given.length;
    if (values > FILTER_VALUES_MAX) {
      throw new FilterError(`invalid: a filter holds more than ${FILTER_VALUES_MAX} values`);
    }
    if (key === "ids" || key === "authors") filter[key] = hexList(key, given);
    else if (key === "kinds") filter.kinds = kindList(given);
    else if (key === "since" || key === "until") filter[key] = seconds(key, given);
    else if (key === "limit") asked = limitOf(given);
    else if (key === "search") filter.search = searchText(given);
    else if (key[0] === "#" && isIndexedLetter(key.slice(1))) tags.push(tagCondition(key, given));
    else if (key[0] === "&" && isIndexedLetter(key.slice(1))) all.push(tagCondition(key, given));
    else throw new FilterError(`unsupported: filter key "${key.slice(0, 32)}" is unknown here`);
  }
  filter.tags = all.length === 0 ? tags : joinConditions(tags, all);
  if (asked !== Infinity) filter.limit = Math.min(asked, limits.limitMax);
  if (asked > filter.limit) filter.isCapped = true;
  return filter;
}

function list(key: string, given: unknown): unknown[] {
  if (!Array.isArray(given)) throw new FilterError(`invalid: "${key}" is not an array`);
  return given;
}

function hexList(key: string, given: unknown): string[] {
  const values = list(key, given);
  for (const value of values) {
    if (!isHex64(value)) {
      throw new FilterError(`invalid: "${key}" holds something that is not 64 lowercase hex characters`);
    }
  }
  return unique(values as string[]);
}

/** Most lists hold one value, which repeats nothing. Of keys and of kinds nobody can choose many that share a bucket. */
function unique<Value>(values: Value[]): Value[] {
  return values.length < 2 ? values : [...new Set(values)];
}

function kindList(given: unknown): number[] {
  const values = list("kinds", given);
  for (const value of values) {
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > KIND_MAX) {
      throw new FilterError(`invalid: "kinds" holds something that is not an integer from 0 to ${KIND_MAX}`);
    }
  }
  return unique(values as number[]);
}

function tagCondition(key: string, given: unknown): TagCondition {
  const letter = key.slice(1);
  if (letter === "e" || letter === "p") return { letter, values: hexList(key, given) };
  const values = list(key, given);
  for (const value of values) {
    if (typeof value !== "string") {
      throw new FilterError(`invalid: "${key}" holds something that is not a string`);
    }
  }
  return { letter, values: distinctTexts(values as string[]) };
}

/**
 * Makes conditions of `&x` lists, in each of which an event must have every value. Of an `#x` list the values do not count
 * that are in `&x` too: they are there anyway, and the others would mean nothing (draft NIP-91).
 */
function joinConditions(any: readonly TagCondition[], all: readonly TagCondition[]): TagCondition[] {
  if (all.reduce((sum, { values }) => sum + values.length, 0) > FILTER_ALL_VALUES_MAX) {
    throw new FilterError(`invalid: a filter holds more than ${FILTER_ALL_VALUES_MAX} values in "&" lists`);
  }
  const joined: TagCondition[] = [];
  for (const condition of any) {
    const { letter } = condition;
    const required = all.find((other) => other.letter === letter)?.values ?? [];
    const values = condition.values.filter((value) => !required.includes(value));
    // An empty list matches nothing, whatever else the filter holds; one that only repeats is already satisfied.
    if (values.length > 0 || condition.values.length === 0) joined.push({ letter, values });
  }
  for (const { letter, values } of all) {
    if (values.length === 0) joined.push({ letter, values });
    for (const value of values) joined.push({ letter, values: [value] });
  }
  return joined;
}

function seconds(key: string, given: unknown): number {
  if (!Number.isSafeInteger(given)) {
    throw new FilterError(`invalid: "${key}" is not a whole number of seconds`);
  }
  return given as number;
}

function limitOf(given: unknown): number {
  if (!Number.isSafeInteger(given) || (given as number) < 0) {
    throw new FilterError('invalid: "limit" is not a whole number');
  }
  return given as number;
}

function searchText(given: unknown): string {
  if (typeof given !== "string") throw new FilterError('invalid: "search" is not a string');
  if (given.length > SEARCH_BYTES_MAX) {
    throw new FilterError(`invalid: "search" is longer than ${SEARCH_BYTES_MAX} characters`);
  }
  return given;
}

/** Whether no event can ever satisfy the filter: an empty list, or a window that ends before it begins. */
export function isEmptyFilter(filter: Filter): boolean {
  if (filter.ids?.length === 0 || filter.authors?.length === 0 || filter.kinds?.length === 0) return true;
  if (filter.tags.some((condition) => condition.values.length === 0)) return true;
  return filter.since !== undefined && filter.until !== undefined && filter.since > filter.until;
}
