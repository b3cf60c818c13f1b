/**
 * What the fields of a stream mean, whichever file they stand in.
 * Runs on any thread; no state.
 *
 * @module
 */
import {
  FILTER_VALUES_MAX,
  STREAM_NAME_CHARS_MAX,
  STREAM_PLUGIN_CHARS_MAX,
  UPSTREAM_RELAYS_BOUND,
} from "../limits.ts";
import { FilterError, parseFilter } from "../nostr/filter.ts";
import { normalRelayUrl } from "../nostr/relay_url.ts";
import type { Direction, Stream } from "./stream.ts";

/** The fields as a file gives them; undefined: it does not. */
export interface StreamFields {
  readonly name: string;
  readonly direction: unknown;
  readonly filter: unknown;
  readonly urls: unknown;
  readonly pluginUp: unknown;
  readonly pluginDown: unknown;
}

/** Makes the error of a field, or of an element of its list. */
type FieldFault = (field: keyof StreamFields, state: string, element?: number) => Error;

/** Reads a stream. Throws what `fault` makes. */
export function readStream(fields: StreamFields, fault: FieldFault): Stream {
  const { name, direction } = fields;
  if (name === "" || name.length > STREAM_NAME_CHARS_MAX) {
    throw fault("name", `a stream's name has 1 to ${STREAM_NAME_CHARS_MAX} characters`);
  }
  if (direction !== "up" && direction !== "down" && direction !== "both") {
    throw fault("direction", direction === undefined ? "it is missing" : 'it is not "up", "down" or "both"');
  }
  return {
    name,
    direction: direction satisfies Direction,
    filter: streamFilter(fields.filter, (state) => fault("filter", state)),
    urls: streamUrls(fields.urls, fault),
    pluginUp: plugin("pluginUp", fields, fault),
    pluginDown: plugin("pluginDown", fields, fault),
  };
}

/** Checks the filter of a stream. A stream has no end, so `limit` is left out. Throws what `fault` makes. */
function streamFilter(value: unknown, fault: (state: string) => Error): Stream["filter"] {
  if (value === undefined) return {};
  try {
    const { search } = parseFilter(value, { limitMax: FILTER_VALUES_MAX, limitDefault: 0 });
    if (search !== undefined) throw new FilterError("a stream cannot search");
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw fault(error.message.replace(/^\w+: /, ""));
  }
  const { limit: _, ...filter } = value as Record<string, unknown>;
  return filter;
}

function streamUrls(value: unknown, fault: FieldFault): string[] {
  if (!Array.isArray(value)) {
    throw fault("urls", value === undefined ? "it is missing" : "it is not an array");
  }
  if (value.length === 0) throw fault("urls", "it names no relay");
  if (value.length > UPSTREAM_RELAYS_BOUND) {
    throw fault("urls", `it names more than ${UPSTREAM_RELAYS_BOUND} relays`);
  }
  const urls = value.map((item: unknown, place) => {
    const url = typeof item === "string" ? normalRelayUrl(item) : null;
    if (url === null) {
      throw fault("urls", "it is not a URL with ws:// or wss:// and without credentials", place);
    }
    return url;
  });
  return [...new Set(urls)];
}

function plugin(field: "pluginUp" | "pluginDown", fields: StreamFields, fault: FieldFault): string | null {
  const value = fields[field];
  if (value === undefined || value === "") return null;
  if (typeof value !== "string" || value.length > STREAM_PLUGIN_CHARS_MAX) {
    throw fault(field, `it is not a command of at most ${STREAM_PLUGIN_CHARS_MAX} characters`);
  }
  return value;
}
