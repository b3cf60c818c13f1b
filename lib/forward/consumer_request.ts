/**
 * What somebody asks for who fetches events: a filter, and where to begin. Either the query string of `/ws`, or the first
 * line at `FORWARD_TCP_PORT`.
 * Runs on the router's thread; no state.
 *
 * @module
 */
import { FilterError } from "../nostr/filter.ts";
import { type EventFilter, readEventFilter } from "./event_filter.ts";

/** A request that was read. */
export interface ConsumerRequest {
  readonly filter: EventFilter;
  /** The entry of the log after which it begins; null: with the next event. */
  readonly after: number | null;
  /** Whether each event comes with its place in the log. */
  readonly withSeq: boolean;
  /** `API_TOKEN`, where one was named. */
  readonly token: string | null;
}

/** A mistake in a request; the message is for whoever sent it. */
export class ConsumerRequestError extends Error {
  override name = "ConsumerRequestError";
}

/** Parameters of a filter whose values are numbers; the others' are texts. */
const NUMBER_LISTS: ReadonlySet<string> = new Set(["kinds"]);
const NUMBERS: ReadonlySet<string> = new Set(["since", "until"]);

/**
 * Reads a query string: `filter=` with JSON, or the fields of a filter by name, lists with commas (`kinds=1,6&#t=nostr`);
 * `after=` and `seq=true`.
 *
 * @throws {ConsumerRequestError}
 */
export function readQueryRequest(query: string): ConsumerRequest {
  const fields: Record<string, unknown> = {};
  let [after, withSeq]: [number | null, boolean] = [null, false];
  // A `#` ends a URL's query, so that clients have to write `%23t`; a bare `t` means the same.
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === "after") after = readAfter(Number(value || NaN));
    else if (name === "seq") withSeq = value !== "false";
    else if (name === "filter") Object.assign(fields, readJson(value, "filter"));
    else if (NUMBERS.has(name)) fields[name] = Number(value || NaN);
    else {
      const key = name.length === 1 ? `#${name}` : name;
      const items = value.split(",");
      const list = NUMBER_LISTS.has(name) ? items.map((item) => Number(item || NaN)) : items;
      const before = Object.hasOwn(fields, key) ? fields[key] : [];
      if (!Array.isArray(before)) {
        throw new ConsumerRequestError(`Cannot read "${key.slice(0, 32)}": it is no list in the filter`);
      }
      fields[key] = [...before, ...list];
    }
  }
  return { filter: readFilter(fields), after, withSeq: withSeq || after !== null, token: null };
}

/**
 * Reads a line: `{"after":SEQ,"filter":{…},"token":"…"}`, each of them optional; an empty line asks for new events.
 *
 * @throws {ConsumerRequestError}
 */
export function readLineRequest(line: string): ConsumerRequest {
  const { after, filter, token, ...rest } = line.trim() === "" ? {} : readJson(line, "request");
  const strange = Object.keys(rest)[0];
  if (strange !== undefined) {
    throw new ConsumerRequestError(`Cannot read field "${strange.slice(0, 32)}": there is none of this name`);
  }
  if (token !== undefined && typeof token !== "string") {
    throw new ConsumerRequestError('Cannot read field "token": it is no text');
  }
  return {
    filter: readFilter(filter ?? {}),
    after: after === undefined || after === null ? null : readAfter(after),
    withSeq: true,
    token: token ?? null,
  };
}

function readAfter(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new ConsumerRequestError('Cannot read "after": it is no place in the log');
}

function readJson(text: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Falls through to what is said of all that is no object.
  }
  throw new ConsumerRequestError(`Cannot read ${what}: it is no object of JSON`);
}

function readFilter(fields: unknown): EventFilter {
  try {
    return readEventFilter(fields);
  } catch (error) {
    if (error instanceof FilterError) throw new ConsumerRequestError(error.message);
    throw error;
  }
}

/** An event as a line, or a frame, that says where it lies in the log. */
export function lineOf({ seq, text }: { readonly seq: number; readonly text: string }): string {
  return `{"seq":${seq},"event":${text}}`;
}
