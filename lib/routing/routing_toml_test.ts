/** Tests of files of streams in TOML: streams, sections that stand for settings, and files that are wrong. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { readConfig } from "../config/config.ts";
import { readStreams } from "./read_streams.ts";
import { RoutingError } from "./routing_error.ts";
import { readRoutingToml } from "./routing_toml.ts";

const FILE = `
connection_timeout = 20

[[streams]]
name = "friends"
direction = "down"
filter = { kinds = [0, 3], "#t" = ["nostr"], limit = 5 }
urls = ["wss://Relay.example.com/", "ws://10.0.0.1:7777"]
plugin_down = "/opt/filter.js"

[[streams]]
name = "cluster"
direction = "both"
urls = ["wss://eu.example.com"]

[relay]
bootstrap_relays = [
    "ws://192.0.2.1:8000",
    # "wss://relay.example.com",
]
max_connections = 10000
health_check_interval = 30

[deduplication]
hotset_size = 1_000_000
bloom_capacity = 10_000_000
lru_size = 100_000
rocksdb_path = "./data/rocksdb"

[filters]
allowed_kinds = [30931, 30932, 30933, 30934]

[output]
websocket_enabled = false
websocket_port = 8080
downstream_tcp = []
downstream_rest = ["http://localhost:3000/events"]
batch_size = 100
max_latency_ms = 50

[postgres]
dsn = "postgres://postgres:postgres@localhost:5432/relay"
max_connections = 5

[monitoring]
prometheus_port = 9090
log_level = "debug"
`;

Deno.test("streams are read, and sections become settings", () => {
  const { streams, connectMsMax, settings, ignored } = readStreams("x.toml", FILE);
  assertEquals(streams, [
    {
      name: "friends",
      direction: "down",
      filter: { kinds: [0, 3], "#t": ["nostr"] },
      urls: ["wss://relay.example.com", "ws://10.0.0.1:7777"],
      pluginUp: null,
      pluginDown: "/opt/filter.js",
    },
    {
      name: "cluster",
      direction: "both",
      filter: {},
      urls: ["wss://eu.example.com"],
      pluginUp: null,
      pluginDown: null,
    },
  ]);
  assertEquals(connectMsMax, 20_000);
  assertEquals(settings, {
    UPSTREAM_RELAYS: "ws://192.0.2.1:8000",
    UPSTREAM_RELAYS_MAX: "10000",
    UPSTREAM_HEALTH_SECONDS: "30",
    UPSTREAM_RECENT_IDS: "1000000",
    UPSTREAM_BLOOM_IDS: "10000000",
    UPSTREAM_LRU_IDS: "100000",
    UPSTREAM_FILTER: '{"kinds":[30931,30932,30933,30934]}',
    FORWARD_WS: "false",
    FORWARD_HTTP: "http://localhost:3000/events",
    FORWARD_BATCH_EVENTS: "100",
    FORWARD_LATENCY_MS: "50",
    DATABASE_URL: "postgres://postgres:postgres@localhost:5432/relay",
    LOG_LEVEL: "debug",
  });
  assertEquals(readConfig(settings).UPSTREAM_BLOOM_IDS, 10_000_000);
  assertEquals(ignored.map((line) => line.split(" is ignored")[0]), [
    "[deduplication] rocksdb_path",
    "[output] websocket_port",
    "[postgres] max_connections",
    "[monitoring] prometheus_port",
  ]);
});

Deno.test("a name that does not end in .toml means strfry's format", () => {
  assertEquals(readStreams("streams.TOML", "").streams, []);
  assertThrows(() => readStreams("streams.toml.conf", ""), RoutingError, '"streams" is missing');
});

Deno.test("errors name the line, or the section and key", () => {
  const stream = (lines: string) => `[[streams]]\nname = "s"\n${lines}`;
  const good = `direction = "up"\nurls = ["wss://a.example.com"]\n`;
  for (
    const [text, message] of [
      ["a = \n", "Cannot read streams, line 1, column 5: invalid value"],
      ["x = 1\nx = 2", "line 2, column 1: trying to redefine"],
      ["[raley]\na = 1", '"raley": it is unknown'],
      ["relay = 5", "[relay]: it is not a table"],
      ["relay = 2024-01-01", "[relay]: it is not a table"],
      ["[[relay]]\nmax_connections = 5", "[relay]: it is not a table"],
      ["[relay]\nmax_connection = 5", '[relay] "max_connection": it is unknown'],
      ["[relay]\nconstructor = 5", '[relay] "constructor": it is unknown'],
      ["[relay]\nmax_connections = 5.5", "[relay] max_connections: an integer from 1 to 10000 is allowed"],
      ["[relay]\nmax_connections = {}", "[relay] max_connections: an integer from 1 to 10000 is allowed"],
      ["[relay]\nbootstrap_relays = [[1]]", "[relay] bootstrap_relays: a comma-separated list"],
      [
        "[filters]\nallowed_kinds = [1.5]",
        "[filters] allowed_kinds: an array of kinds from 0 to 65535 is allowed",
      ],
      [
        "[filters]\nallowed_kinds = [70000]",
        "[filters] allowed_kinds: an array of kinds from 0 to 65535 is allowed",
      ],
      [
        '[nostr]\nsecret_key = "nsec1x"',
        "[nostr] secret_key: a secret key of 64 lowercase hex digits is allowed",
      ],
      ["connection_timeout = -1", "connection_timeout: it is not a number of seconds"],
      ["streams = 5", "streams: it is not an array of tables"],
      ["streams = [5]", "[[streams]] 1: it is not a table"],
      ["[[streams]]\n", "[[streams]] 1 name: it is missing"],
      [stream("dir = 'up'"), '[[streams]] 1 "dir": it is unknown'],
      [stream("direction = 1"), '[[streams]] 1 direction: it is not "up", "down" or "both"'],
      [stream('direction = "up"\nurls = ["wss://a", "b"]'), "[[streams]] 1 urls[1]: it is not a URL"],
      [stream(`${good}filter = { kinds = [1.5] }`), '[[streams]] 1 filter: "kinds" holds'],
      [stream(`${good}filter = { since = 2024-01-01 }`), '[[streams]] 1 filter: "since" is not'],
      [stream(`${good}plugin_up = []`), "[[streams]] 1 plugin_up: it is not a command"],
      [`${stream(good)}\n${stream(good)}`, "[[streams]] 2 name: another stream has it"],
      [`x = ${"[".repeat(40)}`, "excessively nested"],
      ["#".repeat(2 ** 21), "the file is longer than 1048576 bytes"],
    ] as const
  ) {
    const error = assertThrows(() => readRoutingToml(text), RoutingError);
    assert(error.message.startsWith("Cannot read streams"), error.message);
    assert(error.message.includes(message), `${text}\n${error.message}\n${message}`);
    assert(!error.message.includes("\n"), error.message);
  }
});

Deno.test("a changed file is read, or refused by an error of its own", () => {
  const prng = seededPrng("changed files of streams in TOML");
  const parts = [
    ..."{}[]()=:+-,.#\\\"'$\n0e_",
    "[[",
    "]]",
    '"""',
    "true",
    "\u0000",
    "é",
    "inf",
    "1e9",
    "2024-01-01",
  ];
  let read = 0;
  for (let round = 0; round < 3_000; round++) {
    let text = FILE;
    for (let change = prng.int(1, 4); change > 0; change--) {
      const at = prng.int(0, text.length);
      const cut = prng.chance(0.5) ? prng.int(0, 30) : 0;
      text = text.slice(0, at) + (prng.chance(0.8) ? prng.pick(parts) : "") + text.slice(at + cut);
    }
    try {
      readRoutingToml(text);
      read++;
    } catch (error) {
      assert(error instanceof RoutingError, `${text}\n${error}`);
    }
  }
  assert(read > 100 && read < 2_950, `${read} were read`);
});
