/**
 * Every setting an operator has, in one table. The reader, `.env.example` and docs/operating/settings.md follow from it.
 * A setting has one name everywhere: the environment variable is also the key in {@linkcode Config}.
 * Runs on any thread; constants only.
 *
 * @module
 */
// long: one table
import * as limits from "../limits.ts";
import { VERIFY_TIERS } from "../verify/verifier.ts";
import { PRIVATE_KINDS_DEFAULT } from "../policy/private_kinds.ts";
import {
  boolean,
  choice,
  filter,
  integer,
  kinds,
  matching,
  networks,
  path,
  paths,
  pubkeys,
  text,
  texts,
  url,
  urls,
  type ValueKind,
} from "./value_kinds.ts";

/** The groups, in the order of the documents. */
export const GROUPS = {
  network: "Network",
  relay: "The relay's description (NIP-11)",
  storage: "Storage",
  search: "Search",
  limits: "Limits (NIP-11 shows most of them)",
  policies: "Access, members, rates and plugins",
  upstream: "Upstream relays",
  forward: "The router: forwarding to other systems",
  fanout: "Fan-out of signals to followers",
  workers: "Threads and operation",
} as const;

/** One row of the table. */
export interface Setting<Value> {
  readonly group: keyof typeof GROUPS;
  readonly kind: ValueKind<NonNullable<Value>>;
  /** The value when the variable is unset or empty; null: none. */
  readonly default: Value;
  /** One sentence, with the unit. */
  readonly description: string;
  /** True when a change takes effect at the next start only. */
  readonly restart: boolean;
  /** True when the value is never printed. */
  readonly secret: boolean;
  /** Another variable that is read when this one is unset. */
  readonly alias: string | null;
}

type Extras = Partial<Pick<Setting<unknown>, "restart" | "secret" | "alias">>;
type Group = keyof typeof GROUPS;
/** The thread that uses the setting takes a change up at once. */
const LIVE: Extras = { restart: false };

/** A setting that always has a value. */
function setting<Value>(
  group: Group,
  kind: ValueKind<Value>,
  value: NoInfer<Value>,
  description: string,
  extras: Extras = {},
): Setting<Value> {
  const row = {
    group,
    kind,
    default: value,
    description,
    restart: true,
    secret: false,
    alias: null,
    ...extras,
  };
  // A table row is generic only on paper: `Value` never includes null here, which TypeScript cannot say.
  return row as unknown as Setting<Value>;
}

/** A setting that may be absent. */
function optional<Value>(
  group: Group,
  kind: ValueKind<Value>,
  description: string,
  extras: Extras = {},
): Setting<Value | null> {
  return setting(group, kind as ValueKind<Value | null>, null, description, extras);
}

const workers = integer(0, limits.WORKERS_MAX);
const perMinute = integer(0, limits.RATE_PER_MINUTE_MAX);
const webLink = url("https", "http");
/** The socket engines that are built in. */
export const WEBSOCKET_ENGINES = ["serve", "ws"] as const;

/** Who needs an invite (NIP-43), and who may make one. */
const MEMBERSHIPS = ["off", "write", "all"] as const;
const INVITERS = ["admins", "members", "anybody"] as const;

/** The table. */
export const SETTINGS = {
  HOST: setting("network", text(255), "127.0.0.1", "The address to listen on; 0.0.0.0 or :: for all."),
  PORT: setting("network", integer(0, 65_535), 8_000, "The TCP port; 0 takes a free one."),
  TLS_CERT: optional(
    "network",
    path(),
    "The file with the certificate chain (PEM); with TLS_KEY, serves wss.",
  ),
  TLS_KEY: optional("network", path(), "The file with the private key of TLS_CERT (PEM)."),
  WEBSOCKET_ENGINE: setting(
    "network",
    choice(WEBSOCKET_ENGINES),
    "serve",
    "The socket engine: serve is Deno's own server, ws is npm:ws over Deno's node:http.",
  ),
  WEBSOCKET_COMPRESSION: setting(
    "network",
    boolean(),
    false,
    "Compress messages for clients that support it (permessage-deflate); requires the engine ws.",
  ),
  REAL_IP_HEADER: optional(
    "network",
    matching("header", /^[A-Za-z0-9-]{1,64}$/, "the name of an HTTP header"),
    "The header in which a trusted proxy sends the client's address, e.g. X-Forwarded-For.",
    LIVE,
  ),
  TRUSTED_PROXIES: setting(
    "network",
    networks(),
    ["127.0.0.0/8", "::1"],
    "The proxies whose REAL_IP_HEADER is trusted.",
    LIVE,
  ),

  RELAY_URL: optional(
    "relay",
    url("wss", "ws"),
    "The public URL of this relay, as clients write it; authentication and requests to vanish must name it.",
  ),
  RELAY_NAME: setting("relay", text(100), "Sluice", "The relay's name.", LIVE),
  RELAY_DESCRIPTION: setting(
    "relay",
    text(2_000),
    "A Nostr relay.",
    "What the relay is for, in plain text.",
    LIVE,
  ),
  RELAY_PUBKEY: optional(
    "relay",
    matching("pubkey", /^[0-9a-f]{64}$/, "a public key of 64 lowercase hex digits"),
    "The operator's public key.",
    LIVE,
  ),
  RELAY_ADMINS: optional(
    "relay",
    pubkeys(),
    "The public keys that may manage the relay (NIP-86), besides RELAY_PUBKEY.",
    LIVE,
  ),
  RELAY_SECRET_KEY: optional(
    "relay",
    matching("key", /^[0-9a-f]{64}$/, "a secret key of 64 lowercase hex digits"),
    "The relay's own secret key, which signs its lists of members; its public key is self in NIP-11.",
    { secret: true },
  ),
  RELAY_CONTACT: optional(
    "relay",
    text(200),
    "How to reach the operator, e.g. mailto:admin@example.com.",
    LIVE,
  ),
  RELAY_ICON: optional("relay", webLink, "The URL of a square image.", LIVE),
  RELAY_BANNER: optional("relay", webLink, "The URL of a wide image.", LIVE),
  RELAY_TERMS: optional("relay", webLink, "The URL of the terms of service.", LIVE),

  DATA_DIR: setting("storage", path(), "./data", "The directory of the databases; created if missing."),
  DURABILITY: setting(
    "storage",
    choice(["full", "normal"]),
    "full",
    "full: an OK survives a power failure; normal: it survives a crash of the process.",
  ),
  CACHE_MB: setting(
    "storage",
    integer(1, 65_536),
    limits.CACHE_MB_DEFAULT,
    "The page cache of SQLite, shared by all threads, MiB.",
  ),

  OPENSEARCH_URL: optional(
    "search",
    webLink,
    "The URL of OpenSearch; if unset, the embedded index serves searches.",
  ),
  OPENSEARCH_USER: optional("search", text(256), "The user for OpenSearch."),
  OPENSEARCH_PASSWORD: optional("search", text(1_024), "The password for OpenSearch.", { secret: true }),
  OPENSEARCH_CA: optional(
    "search",
    path(),
    "The file with the certificate authority of OpenSearch's certificate (PEM).",
  ),
  OPENSEARCH_INDEX: setting(
    "search",
    matching("index", /^[a-z0-9][a-z0-9_.-]{0,199}$/, "an index name of lowercase letters, digits, _ . -"),
    "sluice",
    "The name of the index, and the prefix of the names that belong to it.",
  ),
  FLUSH_INTERVAL_MS: setting(
    "search",
    integer(10, 60_000),
    limits.FLUSH_INTERVAL_MS_DEFAULT,
    "The pause between two bulk calls, ms.",
    LIVE,
  ),
  FLUSH_EVENTS_MAX: setting(
    "search",
    integer(1, limits.BULK_EVENTS_MAX),
    limits.FLUSH_EVENTS_DEFAULT,
    "The number of pending changes that triggers a bulk call early.",
    LIVE,
  ),
  NIP05_CHECK: setting(
    "search",
    boolean(),
    false,
    "Verify the identifiers in profiles (NIP-05) at their domains, so that searches support domain:.",
  ),

  MAX_MESSAGE_LENGTH: setting(
    "limits",
    integer(limits.MESSAGE_BYTES_MIN, limits.FRAME_BYTES_MAX),
    limits.MESSAGE_BYTES_DEFAULT,
    "The longest message from a client, bytes.",
    LIVE,
  ),
  MAX_SUBSCRIPTIONS: setting(
    "limits",
    integer(1, limits.SUBSCRIPTIONS_MAX),
    limits.SUBSCRIPTIONS_DEFAULT,
    "Open subscriptions of one connection.",
    LIVE,
  ),
  MAX_FILTERS: setting(
    "limits",
    integer(1, limits.FILTERS_MAX),
    limits.FILTERS_MAX,
    "Filters of one request.",
    LIVE,
  ),
  MAX_LIMIT: setting(
    "limits",
    integer(1, limits.QUERY_LIMIT_MAX),
    limits.QUERY_LIMIT_DEFAULT,
    "Stored events for one filter, whatever its limit says.",
    LIVE,
  ),
  DEFAULT_LIMIT: setting(
    "limits",
    integer(1, limits.QUERY_LIMIT_MAX),
    limits.QUERY_LIMIT_UNASKED_DEFAULT,
    "Stored events for a filter without limit; if unset, never above MAX_LIMIT.",
    LIVE,
  ),
  MAX_SUBID_LENGTH: setting(
    "limits",
    integer(1, limits.SUBSCRIPTION_ID_CHARS_MAX),
    limits.SUBSCRIPTION_ID_CHARS_MAX,
    "Characters of a subscription id.",
    LIVE,
  ),
  MAX_EVENT_TAGS: setting(
    "limits",
    integer(0, limits.EVENT_TAGS_MAX),
    limits.EVENT_TAGS_DEFAULT,
    "Tags of one event.",
    LIVE,
  ),
  MAX_CONTENT_LENGTH: setting(
    "limits",
    integer(0, limits.FRAME_BYTES_MAX),
    limits.CONTENT_CHARS_DEFAULT,
    "Unicode characters of an event's content.",
    LIVE,
  ),
  CREATED_AT_LOWER_LIMIT: setting(
    "limits",
    integer(0, limits.CREATED_AT_MAX),
    0,
    "How far in the past created_at may be, seconds; 0: unlimited.",
    LIVE,
  ),
  CREATED_AT_UPPER_LIMIT: setting(
    "limits",
    integer(1, limits.CREATED_AT_MAX),
    limits.CREATED_AT_FUTURE_SECONDS_DEFAULT,
    "How far in the future created_at may be, seconds.",
    LIVE,
  ),
  MIN_POW_DIFFICULTY: setting(
    "limits",
    integer(0, 256),
    0,
    "Leading zero bits that every id must have (NIP-13).",
    LIVE,
  ),
  NEGENTROPY_EVENTS_MAX: setting(
    "limits",
    integer(1, limits.NEGENTROPY_ITEMS_BOUND),
    limits.NEGENTROPY_ITEMS_MAX,
    "Events that a client may reconcile in one session (NIP-77).",
    LIVE,
  ),
  CONNECTIONS_MAX: setting(
    "limits",
    integer(1, limits.CONNECTIONS_BOUND),
    limits.CONNECTIONS_DEFAULT,
    "Open connections of the relay.",
    LIVE,
  ),
  CONNECTIONS_PER_IP_MAX: setting(
    "limits",
    integer(0, limits.CONNECTIONS_BOUND),
    0,
    "Open connections of one client address, for IPv6 of one /64; 0: unlimited.",
    LIVE,
  ),
  OUTBOUND_BYTES_MAX: setting(
    "limits",
    integer(...limits.OUTBOUND_BYTES_RANGE),
    limits.OUTBOUND_BYTES_DEFAULT,
    "Bytes that may wait for a slow reader before its subscriptions end; at twice that, it is disconnected.",
    LIVE,
  ),

  AUTH_TO_WRITE: setting(
    "policies",
    boolean(),
    false,
    "Only authenticated clients may write (NIP-42).",
    LIVE,
  ),
  AUTH_TO_READ: setting(
    "policies",
    boolean(),
    false,
    "Only authenticated clients may read (NIP-42).",
    LIVE,
  ),
  PRIVATE_KINDS: setting(
    "policies",
    kinds(),
    PRIVATE_KINDS_DEFAULT.join(","),
    "Kinds that only the author and the keys in p tags may read (NIP-17, NIP-59).",
    LIVE,
  ),
  ALLOWED_KINDS: optional("policies", kinds(), "The only kinds that are accepted; if unset, all.", LIVE),
  DENIED_KINDS: optional("policies", kinds(), "Kinds that are refused.", LIVE),
  ALLOWED_PUBKEYS: optional(
    "policies",
    pubkeys(),
    "The only authors whose events are accepted, and to whom anyone may send gift wraps; if unset, all.",
    LIVE,
  ),
  MEMBERSHIP: setting(
    "policies",
    choice(MEMBERSHIPS),
    "off",
    "Keys join by invite codes (NIP-43). write: only members write; all: only members write and read.",
  ),
  INVITES_BY: setting(
    "policies",
    choice(INVITERS),
    "admins",
    "Who may request an invite code; anybody: every authenticated client.",
    LIVE,
  ),
  INVITE_USES: setting(
    "policies",
    integer(1, limits.INVITE_USES_MAX),
    1,
    "Keys that may join with one invite code.",
    LIVE,
  ),
  INVITE_HOURS: setting(
    "policies",
    integer(1, limits.INVITE_HOURS_MAX),
    limits.INVITE_HOURS_DEFAULT,
    "Hours for which an invite code is valid.",
    LIVE,
  ),
  DENIED_PUBKEYS: optional("policies", pubkeys(), "Authors whose events are refused.", LIVE),
  DENIED_ADDRESSES: optional("policies", networks(), "Clients that are refused.", LIVE),
  EVENTS_PER_MINUTE: setting(
    "policies",
    integer(0, limits.RATE_PER_MINUTE_MAX),
    0,
    "Events per minute from one client address; 0: unlimited.",
    LIVE,
  ),
  EVENTS_PER_MINUTE_CONNECTION: setting(
    "policies",
    perMinute,
    0,
    "Events per minute from one connection; 0: unlimited.",
    LIVE,
  ),
  EVENTS_PER_MINUTE_KEY: setting(
    "policies",
    perMinute,
    0,
    "Events per minute from all clients authenticated with one key; 0: unlimited.",
    LIVE,
  ),
  EVENTS_PER_MINUTE_AUTHOR: setting(
    "policies",
    perMinute,
    0,
    "Events per minute of one author, whoever sends them; 0: unlimited.",
    LIVE,
  ),
  QUERIES_PER_MINUTE: setting(
    "policies",
    integer(0, limits.RATE_PER_MINUTE_MAX),
    0,
    "Filters of REQ, COUNT and NEG-OPEN per minute from one client address; 0: unlimited.",
    LIVE,
  ),
  QUERIES_PER_MINUTE_CONNECTION: setting(
    "policies",
    perMinute,
    0,
    "The same for one connection; 0: unlimited.",
    LIVE,
  ),
  QUERIES_PER_MINUTE_KEY: setting(
    "policies",
    perMinute,
    0,
    "The same for all clients authenticated with one key; 0: unlimited.",
    LIVE,
  ),
  QUERY_ROWS_PER_MINUTE: setting(
    "policies",
    perMinute,
    0,
    "Stored rows per minute that the relay examines for queries of one client address; 0: unlimited.",
    LIVE,
  ),
  POLICY_FILES: optional(
    "policies",
    paths(limits.POLICY_FILES_MAX),
    "TypeScript modules that decide about events and requests; a file in another directory needs a restart.",
    LIVE,
  ),
  WRITE_PLUGIN: optional(
    "policies",
    text(1_000),
    "The command of a strfry-compatible plugin that decides about verified events; the first plugin needs a restart.",
    LIVE,
  ),
  REQUEST_PLUGIN: optional(
    "policies",
    text(1_000),
    "The command of a plugin that decides about REQ, COUNT and NEG-OPEN; the first plugin needs a restart.",
    LIVE,
  ),
  PLUGIN_TIMEOUT_MS: setting(
    "policies",
    integer(1, 600_000),
    limits.PLUGIN_TIMEOUT_MS_DEFAULT,
    "The time a plugin has for an answer, ms; then the relay ends it and refuses its pending questions.",
    LIVE,
  ),
  PLUGIN_IN_FLIGHT: setting(
    "policies",
    integer(1, limits.PLUGIN_IN_FLIGHT_MAX),
    1,
    "Questions that a plugin may have unanswered; plugins made for strfry may rely on 1.",
    LIVE,
  ),

  UPSTREAM_RELAYS: optional(
    "upstream",
    urls(limits.UPSTREAM_URLS_SET_MAX, "wss", "ws"),
    "The relays whose events this relay reads.",
    LIVE,
  ),
  UPSTREAM_FILE: optional(
    "upstream",
    path(),
    "A file with the URLs of further upstream relays, one a line; read again when it changes.",
  ),
  UPSTREAM_FOLLOWS: optional(
    "upstream",
    pubkeys(),
    "Public keys whose lists of relays (kind 10002) name further upstream relays.",
    LIVE,
  ),
  UPSTREAM_MONITORS: optional(
    "upstream",
    pubkeys(),
    "Public keys of monitors whose reports (kind 30166) name further upstream relays.",
    LIVE,
  ),
  UPSTREAM_FILTER: setting(
    "upstream",
    filter(limits.MESSAGE_BYTES_MIN * 16),
    "{}",
    "The filter (NIP-01, JSON) of the events that are read from these relays.",
    LIVE,
  ),
  STREAMS_FILE: optional(
    "upstream",
    path(),
    "A file of streams, read again when it changes: strfry's router configuration, or TOML where its name ends in .toml.",
  ),
  UPSTREAM_WORKERS: setting(
    "upstream",
    workers,
    0,
    "Threads for upstream relays; 0: one if any source of upstream relays is set, otherwise none.",
  ),
  UPSTREAM_RELAYS_MAX: setting(
    "upstream",
    integer(1, limits.UPSTREAM_RELAYS_BOUND),
    limits.UPSTREAM_RELAYS_BOUND,
    "Upstream relays, from all sources.",
    LIVE,
  ),
  UPSTREAM_ALLOW: optional(
    "upstream",
    texts(limits.UPSTREAM_ALLOW_MAX),
    "Host names, addresses and networks that may be called though they are private, such as localhost,10.0.0.0/8.",
    LIVE,
  ),
  UPSTREAM_CONNECTS_MAX: setting(
    "upstream",
    integer(1, 1_000),
    limits.UPSTREAM_CONNECTS_DEFAULT,
    "Connection attempts at one time.",
    LIVE,
  ),
  UPSTREAM_PER_HOST_MAX: setting(
    "upstream",
    integer(1, 1_000),
    limits.UPSTREAM_PER_HOST_DEFAULT,
    "Connections to one host, and to one address.",
    LIVE,
  ),
  UPSTREAM_HEALTH_SECONDS: setting(
    "upstream",
    integer(1, 3_600),
    limits.UPSTREAM_HEALTH_SECONDS_DEFAULT,
    "The pause between two checks of an upstream relay's health, seconds.",
    LIVE,
  ),
  UPSTREAM_RECENT_IDS: setting(
    "upstream",
    integer(1, limits.DEDUPE_IDS_MAX),
    limits.DEDUPE_RECENT_IDS_DEFAULT,
    "Deduplication: the newest ids, which are asked first.",
  ),
  UPSTREAM_BLOOM_IDS: setting(
    "upstream",
    integer(1_000, limits.DEDUPE_IDS_MAX),
    limits.DEDUPE_BLOOM_IDS_DEFAULT,
    "Deduplication: ids that the Bloom filter holds.",
  ),
  UPSTREAM_LRU_IDS: setting(
    "upstream",
    integer(1, limits.DEDUPE_IDS_MAX),
    limits.DEDUPE_LRU_IDS_DEFAULT,
    "Deduplication: ids of the LRU cache between the Bloom filter and the store.",
  ),

  FORWARD_WS: setting(
    "forward",
    boolean(),
    false,
    "Serve /ws: new events as bare JSON, one a text frame, with a filter and a position in the query string.",
  ),
  FORWARD_HTTP: optional(
    "forward",
    urls(limits.FORWARD_TARGETS_MAX, "https", "http"),
    "URLs to which events are posted in batches.",
  ),
  FORWARD_HTTP_SECRET: optional(
    "forward",
    text(1_024),
    "The secret that signs these posts (HMAC-SHA256, Standard Webhooks).",
    { secret: true },
  ),
  FORWARD_TCP: optional(
    "forward",
    texts(limits.FORWARD_TARGETS_MAX),
    "Targets as host:port to which events are written as lines of JSON.",
  ),
  FORWARD_TCP_PORT: optional(
    "forward",
    integer(1, 65_535),
    "A TCP port on HOST at which others fetch events as lines of JSON.",
  ),
  FORWARD_FILTER: setting(
    "forward",
    filter(limits.MESSAGE_BYTES_MIN * 16),
    "{}",
    "The filter (NIP-01, JSON) of the events that are forwarded.",
  ),
  FORWARD_BATCH_EVENTS: setting(
    "forward",
    integer(1, limits.FORWARD_BATCH_EVENTS_MAX),
    limits.FORWARD_BATCH_EVENTS_DEFAULT,
    "Events of one batch.",
  ),
  FORWARD_LATENCY_MS: setting(
    "forward",
    integer(1, 60_000),
    limits.FORWARD_LATENCY_MS_DEFAULT,
    "The longest wait for a batch to fill, ms.",
  ),

  FANOUT: setting(
    "fanout",
    boolean(),
    false,
    "Encrypt the events of registered bots for each of their followers, and serve them at /fanout.",
  ),
  FANOUT_KINDS: setting(
    "fanout",
    kinds(),
    "30931-30934",
    "The kinds of events that are fanned out.",
  ),
  DATABASE_URL: optional(
    "fanout",
    matching("url", /^postgres(ql)?:\/\/[^\s]{1,1000}$/, "a URL with postgres:// or postgresql://"),
    "The Postgres database of the registry; if unset, a SQLite database in DATA_DIR.",
    { secret: true },
  ),
  API_TOKEN: optional(
    "fanout",
    text(1_024),
    "A bearer token that allows all of /api and /status; admins may use them by NIP-98 in any case.",
    { secret: true },
  ),

  GATEWAY_WORKERS: setting(
    "workers",
    workers,
    0,
    "Threads that serve sockets and queries; 0: by the number of cores.",
  ),
  VERIFIER_WORKERS: setting("workers", workers, 0, "Threads that verify events; 0: by the number of cores.", {
    alias: "NUM_RELAY_WORKERS",
  }),
  READER_WORKERS: setting("workers", workers, 0, "Threads for long queries; 0: by the number of cores.", {
    alias: "NUM_STORAGE_WORKERS",
  }),
  VERIFY_TIER: setting(
    "workers",
    choice(["auto", ...VERIFY_TIERS]),
    "auto",
    "How signatures are verified; auto picks the fastest tier that works, and any other tier must work or the start fails.",
  ),
  RESTART_DELAY_MS: setting(
    "workers",
    integer(0, 60_000),
    limits.RESTART_DELAY_MS_DEFAULT,
    "The delay before a dead worker is restarted, ms.",
    LIVE,
  ),
  STANDSTILL_MS: setting(
    "workers",
    integer(0, 3_600_000),
    limits.STANDSTILL_MS_DEFAULT,
    "How long a worker may hang before the watchdog restarts the process, ms; 0: forever.",
  ),
  LOG_LEVEL: setting(
    "workers",
    choice(["debug", "info", "warn", "error"]),
    "info",
    "The lowest level that is logged.",
    LIVE,
  ),
};

/** The name of a setting. */
export type SettingName = keyof typeof SETTINGS;

/** What an operator has set, with defaults filled in. Plain data: it can be sent to workers. */
export type Config = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer Value> ? Value : never;
};

/** The rows with their names, in the order of the documents. */
export function settingRows(): [SettingName, Setting<unknown>][] {
  return Object.entries(SETTINGS) as unknown as [SettingName, Setting<unknown>][];
}
