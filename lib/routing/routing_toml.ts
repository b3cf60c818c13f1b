/**
 * Reads a file of streams in TOML: `[[streams]]`, and the sections by which relayers are configured elsewhere, whose keys
 * stand for settings of this relay.
 * Runs on any thread; no state.
 *
 * ```toml
 *   [[streams]]
 *   name = "friends"
 *   direction = "down"                      # up, down or both
 *   filter = { kinds = [0, 3] }             # optional, as are plugin_up and plugin_down
 *   urls = ["wss://relay.example.com"]
 *
 *   [filters]
 *   allowed_kinds = [30931, 30932]          # UPSTREAM_FILTER
 * ```
 *
 * @module
 */
import { parse, type TomlTable, type TomlValue } from "smol-toml";
import { type SettingName, SETTINGS } from "../config/settings.ts";
import { KIND_MAX, STREAMS_FILE_BYTES_MAX, STREAMS_FILE_DEPTH_MAX, STREAMS_MAX } from "../limits.ts";
import { hasMoreBytesThan } from "../nostr/characters.ts";
import { RoutingError } from "./routing_error.ts";
import type { RoutingConfig, Stream } from "./stream.ts";
import { readStream, type StreamFields } from "./stream_fields.ts";

/** A key that means nothing here, and why. */
interface Meaningless {
  readonly because: string;
}

/** What the keys of each section stand for. */
const SECTIONS: Readonly<Record<string, Readonly<Record<string, SettingName | Meaningless>>>> = {
  relay: {
    bootstrap_relays: "UPSTREAM_RELAYS",
    max_connections: "UPSTREAM_RELAYS_MAX",
    health_check_interval: "UPSTREAM_HEALTH_SECONDS",
  },
  deduplication: {
    hotset_size: "UPSTREAM_RECENT_IDS",
    bloom_capacity: "UPSTREAM_BLOOM_IDS",
    lru_size: "UPSTREAM_LRU_IDS",
    rocksdb_path: { because: "the store in DATA_DIR knows all ids" },
  },
  output: {
    websocket_enabled: "FORWARD_WS",
    websocket_port: { because: "/ws is served on the relay's own port" },
    downstream_tcp: "FORWARD_TCP",
    downstream_rest: "FORWARD_HTTP",
    batch_size: "FORWARD_BATCH_EVENTS",
    max_latency_ms: "FORWARD_LATENCY_MS",
  },
  monitoring: {
    prometheus_port: { because: "/metrics is served on the relay's own port" },
    log_level: "LOG_LEVEL",
  },
  filters: { allowed_kinds: "UPSTREAM_FILTER" },
  postgres: {
    dsn: "DATABASE_URL",
    max_connections: { because: "the number of connections is fixed" },
  },
  nostr: { secret_key: "RELAY_SECRET_KEY" },
};
/** The fields of a stream, by their names in the file. */
const FIELDS: Readonly<Record<string, keyof StreamFields>> = {
  name: "name",
  direction: "direction",
  filter: "filter",
  urls: "urls",
  plugin_up: "pluginUp",
  plugin_down: "pluginDown",
};

/**
 * Reads the text of a file.
 *
 * @throws {RoutingError} that names the line, if the text is not TOML, or else the section and key.
 */
export function readRoutingToml(text: string): RoutingConfig {
  if (hasMoreBytesThan(text, STREAMS_FILE_BYTES_MAX)) {
    throw new RoutingError(`Cannot read streams: the file is longer than ${STREAMS_FILE_BYTES_MAX} bytes`);
  }
  const settings: Record<string, string> = {};
  const ignored: string[] = [];
  let streams: Stream[] = [];
  let connectMsMax: number | null = null;
  for (const [name, value] of Object.entries(parsed(text))) {
    if (name === "streams") streams = readStreams(value);
    else if (name === "connection_timeout") connectMsMax = seconds(value) * 1000;
    else readSection(name, value, { settings, ignored });
  }
  return { streams, connectMsMax, settings, ignored };
}

function parsed(text: string): TomlTable {
  try {
    return parse(text, { maxDepth: STREAMS_FILE_DEPTH_MAX });
  } catch (error) {
    const { message, line, column } = error as Error & { line?: number; column?: number };
    // The message goes on with a drawing of the place.
    const state = message.split("\n", 1)[0]!.replace(/^Invalid TOML document: /, "");
    const place = line === undefined ? "" : `, line ${line}, column ${column}`;
    throw new RoutingError(`Cannot read streams${place}: ${state}`, { cause: error });
  }
}

function fault(place: string, state: string): RoutingError {
  return new RoutingError(`Cannot read streams, ${place}: ${state}`);
}

function seconds(value: TomlValue): number {
  if (Number.isInteger(value) && value as number > 0 && value as number <= 3_600) return value as number;
  throw fault("connection_timeout", "it is not a number of seconds from 1 to 3600");
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}

function readSection(
  section: string,
  value: TomlValue,
  to: { readonly settings: Record<string, string>; readonly ignored: string[] },
): void {
  const keys = Object.hasOwn(SECTIONS, section) ? SECTIONS[section]! : null;
  if (keys === null) throw fault(JSON.stringify(section.slice(0, 64)), "it is unknown");
  if (!isTable(value)) throw fault(`[${section}]`, "it is not a table");
  for (const [key, given] of Object.entries(value)) {
    const meaning = Object.hasOwn(keys, key) ? keys[key]! : null;
    if (meaning === null) throw fault(`[${section}] ${JSON.stringify(key.slice(0, 64))}`, "it is unknown");
    const place = `[${section}] ${key}`;
    if (typeof meaning === "object") to.ignored.push(`${place} is ignored: ${meaning.because}`);
    // An empty list is none, as in a setting that is not set.
    else if (!Array.isArray(given) || given.length > 0) {
      to.settings[meaning] = settingText(meaning, given, place);
    }
  }
}

/** The text that the environment would hold for a value. */
function settingText(name: SettingName, given: TomlValue, place: string): string {
  const { kind } = SETTINGS[name];
  const items = Array.isArray(given) ? given : [given];
  const text = name === "UPSTREAM_FILTER"
    ? JSON.stringify({ kinds: kindsOf(given, place) })
    : items.some((item) => typeof item === "object")
    ? null
    : items.join(",");
  // The value is not repeated: it may be a secret.
  if (text === null || kind.read(text) === undefined) throw fault(place, `${kind.allowed} is allowed`);
  return text;
}

function kindsOf(given: TomlValue, place: string): number[] {
  const isKind = (item: TomlValue) =>
    typeof item === "number" && Number.isInteger(item) && item >= 0 && item <= KIND_MAX;
  if (Array.isArray(given) && given.every(isKind)) return given as number[];
  throw fault(place, "an array of kinds from 0 to 65535 is allowed");
}

function readStreams(value: TomlValue): Stream[] {
  if (!Array.isArray(value)) throw fault("streams", "it is not an array of tables, [[streams]]");
  if (value.length > STREAMS_MAX) throw fault("streams", `there are more than ${STREAMS_MAX} streams`);
  const names = new Set<string>();
  return value.map((item, place) => {
    const stream = streamAt(item, `[[streams]] ${place + 1}`);
    if (names.has(stream.name)) throw fault(`[[streams]] ${place + 1} name`, "another stream has it");
    names.add(stream.name);
    return stream;
  });
}

function streamAt(value: TomlValue, place: string): Stream {
  if (!isTable(value)) throw fault(place, "it is not a table");
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(FIELDS, key)) {
      throw fault(`${place} ${JSON.stringify(key.slice(0, 64))}`, "it is unknown");
    }
  }
  const { name, direction, filter, urls, plugin_up: pluginUp, plugin_down: pluginDown } = value;
  if (typeof name !== "string") {
    throw fault(`${place} name`, name === undefined ? "it is missing" : "it is not a string");
  }
  return readStream({ name, direction, filter, urls, pluginUp, pluginDown }, (field, state, element) => {
    const key = Object.keys(FIELDS).find((key) => FIELDS[key] === field)!;
    return fault(`${place} ${key}${element === undefined ? "" : `[${element}]`}`, state);
  });
}
