/**
 * Tests of reading the configuration. Runs on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type Config,
  ConfigError,
  describeConfig,
  faultsInEnvFile,
  namesInEnvFile,
  readConfig,
  resolveWorkers,
} from "./config.ts";
import { configTable, envExample } from "./config.ts";
import { settingRows } from "./settings.ts";

function problemsOf(environment: Record<string, string>, names: string[] = []): readonly string[] {
  try {
    readConfig(environment, names);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

Deno.test("an empty environment gives the defaults, typed", () => {
  const config: Config = readConfig({});
  const port: number = config.PORT;
  const cert: string | null = config.TLS_CERT;
  const durability: "full" | "normal" = config.DURABILITY;
  assertEquals([port, cert, durability], [8_000, null, "full"]);
  assertEquals(config.TRUSTED_PROXIES, ["127.0.0.0/8", "::1"]);
  // @ts-expect-error -- an absent setting is null, so it is not a plain string
  const icon: string = config.RELAY_ICON;
  assertEquals(icon, null);
});

Deno.test("values are read by kind, trimmed, and an empty one counts as unset", () => {
  const config = readConfig({
    PORT: " 0 ",
    RELAY_NAME: "",
    TRUSTED_PROXIES: "10.0.0.0/8, ::1",
    LOG_LEVEL: "warn",
  });
  assertEquals([config.PORT, config.RELAY_NAME, config.LOG_LEVEL], [0, "Sluice", "warn"]);
  assertEquals(config.TRUSTED_PROXIES, ["10.0.0.0/8", "::1"]);
});

Deno.test("every problem is listed, with what is allowed", () => {
  const problems = problemsOf({ PORT: "abc", DURABILITY: "half", RELAY_URL: "https://relay.example.com" });
  assertEquals(problems[0], 'Cannot read PORT "abc": an integer from 0 to 65535 is allowed');
  assertEquals(problems.length, 3);
  const error = assertThrows(() => readConfig({ PORT: "abc", DURABILITY: "half" }), ConfigError);
  assertEquals(error.message.split("\n").length, 2);
});

Deno.test("a filter is one of NIP-01, as JSON", () => {
  const filter = '{"kinds":[1,30023],"#t":["nostr"]}';
  assertEquals(readConfig({ UPSTREAM_FILTER: filter }).UPSTREAM_FILTER, filter);
  for (const wrong of ["{", "[]", '{"kinds":"1"}', '{"unknown":1}', "null"]) {
    assertEquals(problemsOf({ UPSTREAM_FILTER: wrong }).length, 1, wrong);
  }
});

Deno.test("integers are decimal and within their range", () => {
  for (const text of ["65536", "-1", "1e3", "0x10", "8000.0", "8 000", "99999999999999999999"]) {
    assertEquals(problemsOf({ PORT: text }).length, 1, text);
  }
});

Deno.test("lists of networks, keys, headers and index names are checked", () => {
  const wrong: Record<string, string[]> = {
    TRUSTED_PROXIES: ["10.0.0.0/33", "10.0.0", "::1/129", "1.2.3.4,", "1.2.3.4/8/8"],
    RELAY_PUBKEY: ["npub1xyz", "A".repeat(64), "a".repeat(63)],
    REAL_IP_HEADER: ["X Real", "X-Real:"],
    OPENSEARCH_INDEX: ["Sluice", "-x", "a b"],
    RELAY_NAME: ["a\nb", "x".repeat(101)],
    RELAY_ICON: ["javascript:alert(1)", "/icon.png", "https://"],
  };
  for (const [name, texts] of Object.entries(wrong)) {
    for (const text of texts) assertEquals(problemsOf({ [name]: text }).length, 1, `${name} ${text}`);
  }
});

Deno.test("settings that need each other are held together", () => {
  assertStringIncludes(problemsOf({ TLS_CERT: "a.pem" })[0]!, "it needs TLS_KEY");
  assertStringIncludes(problemsOf({ TLS_KEY: "a.pem" })[0]!, "it needs TLS_CERT");
  const url = "http://127.0.0.1:9200";
  assertEquals(problemsOf({ OPENSEARCH_URL: url, OPENSEARCH_USER: "u", OPENSEARCH_PASSWORD: "p" }), []);
  assertStringIncludes(problemsOf({ OPENSEARCH_USER: "u", OPENSEARCH_PASSWORD: "p" })[0]!, "OPENSEARCH_URL");
  assertStringIncludes(problemsOf({ MAX_LIMIT: "10", DEFAULT_LIMIT: "11" })[0]!, "MAX_LIMIT is 10");
  for (const name of ["AUTH_TO_READ", "AUTH_TO_WRITE"]) {
    assertStringIncludes(problemsOf({ [name]: "true" })[0]!, "it needs RELAY_URL");
    assertEquals(problemsOf({ [name]: "true", RELAY_URL: "wss://relay.example.com" }), []);
  }
  const own = { RELAY_SECRET_KEY: "1".repeat(64) };
  const called = { RELAY_URL: "wss://relay.example.com" };
  assertStringIncludes(problemsOf({ MEMBERSHIP: "all", ...called })[0]!, "it needs RELAY_SECRET_KEY");
  assertStringIncludes(problemsOf({ MEMBERSHIP: "write", ...own })[0]!, "it needs RELAY_URL");
  assertEquals(problemsOf({ MEMBERSHIP: "write", ...own, ...called }), []);
});

Deno.test("lists of kinds and of authors are checked, and private kinds can be none", () => {
  const key = "a".repeat(64);
  const config = readConfig({
    PRIVATE_KINDS: "none",
    ALLOWED_KINDS: "0, 3-5",
    ALLOWED_PUBKEYS: `${key}, ${key}`,
  });
  assertEquals([config.PRIVATE_KINDS, config.ALLOWED_KINDS, config.DENIED_KINDS], ["", "0, 3-5", null]);
  assertEquals(config.ALLOWED_PUBKEYS, [key, key]);
  for (const text of ["5-3", "65536", "a", "1,,2"]) {
    assertStringIncludes(problemsOf({ DENIED_KINDS: text })[0]!, "kinds and ranges", text);
  }
  for (const text of [key.toUpperCase(), `${key},`, "npub1"]) {
    assertStringIncludes(problemsOf({ RELAY_ADMINS: text })[0]!, "public keys", text);
  }
});

Deno.test("the limit of a filter without one follows a lower MAX_LIMIT", () => {
  assertEquals(readConfig({ MAX_LIMIT: "100" }).DEFAULT_LIMIT, 100);
  assertEquals(readConfig({ MAX_LIMIT: "800" }).DEFAULT_LIMIT, 500);
});

Deno.test("an alias is read, and must not say otherwise than the name", () => {
  assertEquals(readConfig({ NUM_RELAY_WORKERS: "3" }).VERIFIER_WORKERS, 3);
  assertEquals(readConfig({ NUM_STORAGE_WORKERS: "2", READER_WORKERS: "2" }).READER_WORKERS, 2);
  assertStringIncludes(
    problemsOf({ NUM_STORAGE_WORKERS: "2", READER_WORKERS: "3" })[0]!,
    "NUM_STORAGE_WORKERS says",
  );
});

Deno.test("a name that is nearly one of ours stops the start", () => {
  const wrong = [
    "PROT",
    "port",
    "MAX_LIMITS",
    "MAX_MESAGE_LENGHT",
    "RELAY_NAM",
    "RELAY_COLOUR",
    "OPENSEARCH_HOST",
  ];
  for (const name of wrong) assertEquals(problemsOf({ [name]: "1" }).length, 1, name);
  assertEquals(
    problemsOf({ MAX_SUBSCRIPTION: "1" })[0],
    'Cannot read setting "MAX_SUBSCRIPTION": there is none of this name; MAX_SUBSCRIPTIONS is one',
  );
});

Deno.test("the variables of other programs do not", () => {
  const foreign = {
    HOME: "/root",
    PATH: "/bin",
    HOSTNAME: "a",
    TERM: "xterm",
    SORT: "1",
    DENO_DIR: "/d",
    OPENSEARCH_JAVA_OPTS: "-Xmx1g",
    RELAY_SERVICE_HOST: "10.0.0.1",
    RELAY_PORT: "tcp://10.0.0.1:80",
    RELAY_PORT_80_TCP_ADDR: "10.0.0.1",
  };
  assertEquals(problemsOf(foreign), []);
  assertEquals(problemsOf({ ...Deno.env.toObject(), PORT: "1" }), []);
});

Deno.test("every name in the .env file has to be ours", () => {
  const names = namesInEnvFile('PORT=1\n# a note\nCOLOUR="blue"\nexport HOST=::\n');
  assertEquals(names, ["PORT", "COLOUR", "HOST"]);
  const problems = problemsOf({ PORT: "1", COLOUR: "blue" }, names);
  assertEquals(problems, ['Cannot read setting "COLOUR": there is none of this name']);
});

Deno.test("a line of the .env file that sets nothing is named by its number, and a quoted value is none", () => {
  const right = '# a note\n\n  # another\nPORT=1\nRELAY_NAME="one\ntwo\nthree"\r\nHOST=\n';
  assertEquals(faultsInEnvFile(right), []);
  const faults = faultsInEnvFile(`${right}OPENSEARCH_PASSWORD secret\nexport\n`);
  const fault = (line: number) =>
    `Cannot read settings file, line ${line}: it is no NAME=value and no comment`;
  assertEquals(faults, [fault(9), fault(10)]);
  assertThrows(() => readConfig({}, [], faults), ConfigError, fault(9));
});

Deno.test("the configuration is frozen deeply and can be sent to a worker", () => {
  const config = readConfig({});
  assertThrows(() => Object.assign(config, { PORT: 1 }), TypeError);
  assertThrows(() => (config.TRUSTED_PROXIES as string[]).push("::"), TypeError);
  assertEquals(structuredClone(config), config);
});

Deno.test("a secret is printed neither in the description nor in an error", () => {
  const secret = "correct-horse";
  const config = readConfig({
    OPENSEARCH_URL: "https://127.0.0.1",
    OPENSEARCH_USER: "u",
    OPENSEARCH_PASSWORD: secret,
  });
  assertEquals(config.OPENSEARCH_PASSWORD, secret);
  assertEquals(JSON.stringify(describeConfig(config)).includes(secret), false);
  assertEquals(describeConfig(config).OPENSEARCH_PASSWORD, "(hidden)");
  for (
    const environment of [
      { OPENSEARCH_PASSWORD: secret + "\n\u0007" },
      { OPENSEARCH_PASSWORD: secret },
      { OPENSEARCH_URL: `https://u:${secret}@host` },
    ]
  ) {
    const problems = problemsOf(environment);
    assertNotEquals(problems, []);
    assertEquals(problems.join().includes(secret), false);
  }
});

Deno.test("worker counts are as set, or follow the cores", () => {
  assertEquals(resolveWorkers(readConfig({}), 1), { gateways: 1, verifiers: 1, readers: 1 });
  assertEquals(resolveWorkers(readConfig({}), 2), { gateways: 2, verifiers: 1, readers: 1 });
  assertEquals(resolveWorkers(readConfig({}), 8), { gateways: 4, verifiers: 2, readers: 2 });
  assertEquals(resolveWorkers(readConfig({}), 256), { gateways: 16, verifiers: 8, readers: 8 });
  const set = readConfig({ GATEWAY_WORKERS: "3", VERIFIER_WORKERS: "5", READER_WORKERS: "1" });
  assertEquals(resolveWorkers(set, 2), { gateways: 3, verifiers: 5, readers: 1 });
});

Deno.test("every default is a value that the setting itself allows", () => {
  for (const [name, row] of settingRows()) {
    if (row.default === null) continue;
    assertEquals(row.kind.read(row.kind.write(row.default as NonNullable<unknown>)), row.default, name);
  }
});

Deno.test(".env.example follows from the table, and with every line uncommented gives the defaults", async () => {
  assertEquals(await Deno.readTextFile(new URL("../../.env.example", import.meta.url)), envExample());
  const { parseEnv } = await import("node:util");
  const uncommented = envExample().replace(/^#([A-Z])/gm, "$1");
  const environment = { ...parseEnv(uncommented) };
  assertEquals(Object.keys(environment).length, settingRows().length);
  assertEquals(readConfig(environment, Object.keys(environment)), readConfig({}));
});

Deno.test("the tables of settings name every setting once", () => {
  for (const [name] of settingRows()) {
    assertEquals(configTable().split(`| \`${name}\``).length, 2, name);
  }
  assert(!configTable().includes("undefined"));
});
