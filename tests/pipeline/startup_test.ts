/** Tests of starting and ending: what is refused, in which words, and that an end loses nothing. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { readConfig } from "../../lib/config/config.ts";
import { command } from "./command.ts";
import { SCHEMA_VERSION } from "../../lib/store/keep/schema.ts";
import { relayCommand } from "../../scripts/start.ts";
import { connect, type OkMessage } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { heldOf, publishGood } from "./traffic.ts";

const ROOT = new URL("../../", import.meta.url);

/** The words with which a relay that must not start ends. */
async function refusalOf(options: { env?: Record<string, string>; dataDir?: string }): Promise<string> {
  const error = await assertRejects(async () => {
    await using _relay = await startRelay(options);
  }, Error);
  assertStringIncludes(error.message, "ended with code 1");
  // What it wrote comes behind our own first line.
  return error.message.split("\n").slice(1).join("\n");
}

/** `deno task start`'s script, in a folder that may hold a `.env`. */
async function runStart(
  folder: string,
  env: Record<string, string>,
): Promise<{ code: number; errors: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--quiet",
      `--config=${ROOT.pathname}deno.json`,
      `${ROOT.pathname}scripts/start.ts`,
    ],
    cwd: folder,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  return { code, errors: new TextDecoder().decode(stderr) };
}

Deno.test("a second relay on a data directory is refused, and the first one serves on", async () => {
  await using relay = await startRelay();
  const words = await refusalOf({ dataDir: relay.dataDir });
  assertEquals(
    words.trim(),
    `Cannot use DATA_DIR "${relay.dataDir}": a relay is running on it, process ${relay.pid}`,
  );
  await using client = await connect(relay.url);
  assert((await client.publish(signEvent(testKey(1))))[2]);
});

Deno.test("a data directory is free again after its relay was killed", async () => {
  await using relay = await startRelay();
  await relay.kill();
  await using second = await startRelay({ dataDir: relay.dataDir });
  assertEquals((await second.stop()).code, 0);
});

Deno.test("a data directory that cannot be made is refused by name", async () => {
  const file = await Deno.makeTempFile();
  try {
    const words = await refusalOf({ dataDir: `${file}/data` });
    assertStringIncludes(words, `Cannot use DATA_DIR "${file}/data": `);
    assert(!words.includes("    at "), words);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("a store of a newer schema is refused, and stays as it is", async () => {
  await using relay = await startRelay();
  await relay.stop();
  const path = `${relay.dataDir}/events.db`;
  changeDatabase(path, "PRAGMA user_version = 999");
  const words = await refusalOf({ dataDir: relay.dataDir });
  assertMatch(
    words,
    /^Cannot open store ".*events\.db": its schema is version 999, this program knows up to \d+$/m,
  );
  assert(!words.includes("    at "), words);
  assertEquals(readPragma(path, "user_version"), 999);
});

Deno.test("a store that is another program's database is refused, and stays as it is", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-startup-" });
  try {
    changeDatabase(`${dataDir}/events.db`, "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
    const words = await refusalOf({ dataDir });
    assertMatch(words, /^Cannot open store ".*events\.db": the file is a database of another program$/m);
    changeDatabase(`${dataDir}/events.db`, "INSERT INTO theirs VALUES (2)");
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a store that holds nothing yet is brought to the present schema", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-startup-" });
  try {
    await Deno.writeFile(`${dataDir}/events.db`, new Uint8Array(0));
    await using relay = await startRelay({ dataDir });
    await relay.stop();
    assertEquals(readPragma(`${dataDir}/events.db`, "user_version"), SCHEMA_VERSION);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a store of an older schema is brought to the present one, and serves what it holds", async () => {
  await using relay = await startRelay();
  const events = Array.from({ length: 20 }, (_, n) => signEvent(testKey(2), { content: `kept ${n}` }));
  {
    await using client = await connect(relay.url);
    await publishGood(client, events);
  }
  await relay.stop();
  changeDatabase(
    `${relay.dataDir}/events.db`,
    `INSERT INTO event SELECT * FROM fresh_event; INSERT INTO tag SELECT * FROM fresh_tag;
     DROP TABLE fresh_event; DROP TABLE fresh_tag; PRAGMA user_version = 3`,
  );
  assertEquals((await command("export", relay.dataDir)).lines.length, events.length);
  const filtered = await command("export", relay.dataDir, "", ["--filter", "{}"]);
  assertMatch(filtered.said, /^Cannot export a part of store ".*": its schema is an older one/);
  await relay.restart();
  await using client = await connect(relay.url);
  assertEquals((await client.query({ kinds: [1] })).events.length, events.length);
});

for (const [age, version] of [["older", 0], ["newer", 999]] as const) {
  Deno.test(`an embedded index whose schema is ${age} is made anew from the store`, async () => {
    await using relay = await startRelay({ env: { FLUSH_INTERVAL_MS: "50" } });
    const events = Array.from({ length: 50 }, (_, n) => signEvent(testKey(2), { content: `kept ${n}` }));
    {
      await using client = await connect(relay.url);
      await publishGood(client, events);
    }
    await relay.stop();
    changeDatabase(`${relay.dataDir}/search.db`, `UPDATE search_schema SET version = ${version}`);
    await relay.restart();
    await using client = await connect(relay.url);
    await eventually(async () => (await client.query({ search: "kept" })).events.length === events.length);
  });
}

function changeDatabase(path: string, statements: string): void {
  const db = new DatabaseSync(path);
  db.exec(statements);
  db.close();
}

function readPragma(path: string, name: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true });
  const value = db.prepare(`PRAGMA ${name}`).get()![name];
  db.close();
  return value;
}

Deno.test("every malformed setting is named at once, with its value and what is allowed", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sluice-startup-" });
  const secret = "hunter2-".repeat(200);
  try {
    await Deno.writeTextFile(`${folder}/.env`, "MAX_LIMITS=10\nDURABILITY=sometimes\n");
    const { code, errors } = await runStart(folder, {
      PORT: "70000",
      OPENSEARCH_URL: "elastic:9200",
      OPENSEARCH_USER: "me",
      OPENSEARCH_PASSWORD: secret,
      DATA_DIR: `${folder}/data`,
    });
    assertEquals(code, 1);
    assertEquals(errors.trim().split("\n"), [
      `Cannot read setting "MAX_LIMITS": there is none of this name; MAX_LIMIT is one`,
      `Cannot read PORT "70000": an integer from 0 to 65535 is allowed`,
      `Cannot read DURABILITY "sometimes": one of full, normal is allowed`,
      `Cannot read OPENSEARCH_URL "elastic:9200": a URL with https:// or http:// and without credentials is allowed`,
      `Cannot read OPENSEARCH_PASSWORD (hidden): one line of at most 1024 characters is allowed`,
    ]);
    await assertRejects(() => Deno.stat(`${folder}/data`), Deno.errors.NotFound);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a missing certificate is named", async () => {
  const words = await refusalOf({ env: { TLS_CERT: "/nowhere/cert.pem", TLS_KEY: "/nowhere/key.pem" } });
  assertStringIncludes(words, "/nowhere/cert.pem");
  assert(!words.includes("    at "), words);
});

Deno.test("a plugin or a policy file that is not there, or cannot run, is named before anything is served", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sluice-startup-" });
  const text = `${folder}/text.txt`;
  await Deno.writeTextFile(text, "no program");
  const cases: [Record<string, string>, string][] = [
    [{ WRITE_PLUGIN: "/nowhere/write.py" }, 'Cannot start plugin "/nowhere/write.py": it does not exist'],
    [{ REQUEST_PLUGIN: "/nowhere/ask.py" }, 'Cannot start plugin "/nowhere/ask.py": it does not exist'],
    [{ WRITE_PLUGIN: folder }, `Cannot start plugin "${folder}": it is not a file`],
    [{ WRITE_PLUGIN: text }, `Cannot start plugin "${text}": it is not executable`],
    [{ POLICY_FILES: "/nowhere/a.ts" }, 'Cannot load policy file "/nowhere/a.ts": it does not exist'],
  ];
  for (const [env, expected] of cases) assertStringIncludes(await refusalOf({ env }), expected);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the lines of the start name the plugins and the policies that decide", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sluice-startup-" });
  const policy = `${folder}/policy.ts`;
  await Deno.writeTextFile(policy, "export const event = () => null;");
  await using relay = await startRelay({ env: { WRITE_PLUGIN: "cat /dev/null", POLICY_FILES: policy } });
  await eventually(() => relay.output().includes("  threads "), 20_000, "the relay has said what serves");
  assertStringIncludes(relay.output(), '\n  plugins      writes "cat /dev/null"\n');
  assertStringIncludes(relay.output(), `\n  policies     ${policy}\n`);
  await relay.stop();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a port that another program has is refused by name", async () => {
  const port = freePort();
  using _listener = Deno.listen({ hostname: "127.0.0.1", port });
  const words = await refusalOf({ env: { PORT: String(port) } });
  assertMatch(
    words,
    new RegExp(`^Cannot listen on HOST "127\\.0\\.0\\.1", PORT "${port}": Address already in use`, "m"),
  );
  assert(!words.includes("    at "), words);
});

Deno.test("a port that another relay has is refused, although gateways share theirs", async () => {
  await using relay = await startRelay({ env: { GATEWAY_WORKERS: "2" } });
  const words = await refusalOf({ env: { PORT: new URL(relay.url).port } });
  assertStringIncludes(words, "Cannot listen on");
});

Deno.test("PORT=0 takes one free port for all gateways", async () => {
  // startRelay() waits on the port that it chose itself, so this relay is started by hand.
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-startup-" });
  const env = { PORT: "0", DATA_DIR: dataDir, GATEWAY_WORKERS: "3" };
  const [program, ...args] = relayCommand(readConfig(env), null);
  const child = new Deno.Command(program!, {
    args,
    cwd: ROOT,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  })
    .spawn();
  try {
    const ports = await eventually(
      async () => {
        const found = await listeningPorts(child.pid);
        return found.length === 3 ? found : null;
      },
      30_000,
      "three gateways listen",
    );
    assertEquals(new Set(ports).size, 1);
    await using client = await connect(`ws://127.0.0.1:${ports[0]}`);
    assert((await client.publish(signEvent(testKey(3))))[2]);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(dataDir, { recursive: true });
  }
});

/** The TCP ports on which a process listens, one for each of its sockets. */
async function listeningPorts(pid: number): Promise<number[]> {
  const inodes = new Set<string>();
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
    const inode = target.match(/^socket:\[(\d+)\]$/)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const ports: number[] = [];
  for (const line of (await Deno.readTextFile("/proc/net/tcp")).split("\n").slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state === "0A" && inodes.has(inode!)) ports.push(parseInt(local!.split(":")[1]!, 16));
  }
  return ports;
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} answers and stores what was sent before it, then says goodbye`, async () => {
    await using relay = await startRelay({ env: { GATEWAY_WORKERS: "2" } });
    const client = await connect(relay.url);
    const watcher = await connect(relay.url);
    watcher.send(["REQ", "all", { limit: 0 }]);
    await watcher.nextOfType("EOSE");
    const events = Array.from(
      { length: 1_900 },
      (_, n) => signEvent(testKey(n % 5), { content: `last words ${n}` }),
    );
    const answers = events.map((event) => client.publish(event, 30_000));
    await answers[0];
    const ended = relay.stop(signal);
    const oks = await Promise.all(answers);
    assertEquals(await ended, { code: 0, signal: null });
    assertEquals(await client.closed, { code: 1001, reason: "the relay stops" });
    assertEquals(await watcher.closed, { code: 1001, reason: "the relay stops" });
    assertOnlyStoppingRefused(oks);
    await relay.restart();
    await using reader = await connect(relay.url);
    const held = await heldOf(reader, events.map(({ id }) => id));
    // A refusal came before the store saw the event: accepted and held are the same.
    assertEquals([...held.keys()].sort(), oks.filter((ok) => ok[2]).map((ok) => ok[1]).sort());
    assert(held.size > 0);
  });
}

function assertOnlyStoppingRefused(oks: readonly OkMessage[]): void {
  for (const [, , accepted, reason] of oks) {
    if (!accepted) assertEquals(reason, "error: the relay stops, try again later");
  }
}

Deno.test("SIGTERM ends a relay whose client reads nothing", async () => {
  await using relay = await startRelay();
  const { hostname, port } = new URL(relay.httpUrl);
  using silent = await Deno.connect({ hostname, port: Number(port) });
  await silent.write(new TextEncoder().encode(handshake(relay)));
  await eventually(async () => await connectionsOf(relay) === 1);
  assertEquals(await relay.stop(), { code: 0, signal: null });
});

function handshake(relay: TestRelay): string {
  return `GET / HTTP/1.1\r\nHost: ${
    new URL(relay.httpUrl).host
  }\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

async function connectionsOf(relay: TestRelay): Promise<number> {
  const text = await (await fetch(`${relay.httpUrl}/metrics`)).text();
  return Number(text.match(/^nostr_connections_active (\d+)$/m)?.[1]);
}

Deno.test("the relay runs with no permission that it does not need", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-startup-" });
  const probe = `${dataDir}/probe.ts`;
  const asked: Deno.PermissionDescriptor[] = [
    { name: "read", path: "/etc/passwd" },
    { name: "read", path: "/root/.ssh" },
    { name: "read" },
    { name: "write", path: "/tmp" },
    { name: "write", path: ROOT },
    { name: "write" },
    { name: "net", host: "127.0.0.1:9201" },
    { name: "net", host: "203.0.113.7:443" },
    { name: "net" },
    { name: "run" },
    { name: "ffi", path: "/usr/lib/libc.so.6" },
    { name: "ffi" },
  ];
  await Deno.writeTextFile(
    probe,
    `const asked = ${JSON.stringify(asked)};
    console.log(JSON.stringify(asked.map((one) => Deno.permissions.querySync(one).state)));
    Deno.writeTextFileSync(${JSON.stringify(`${dataDir}/written`)}, "here it may");
    Deno.readTextFileSync(${JSON.stringify(`${dataDir}/written`)});`,
  );
  try {
    const config = readConfig({ DATA_DIR: dataDir, OPENSEARCH_URL: "http://127.0.0.1:9200" });
    const [program, ...args] = relayCommand(config, "/opt/libsluice.so");
    const { code, stdout, stderr } = await new Deno.Command(program!, {
      args: [...args.slice(0, -1), probe],
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    assertEquals(code, 0);
    const states = JSON.parse(new TextDecoder().decode(stdout)) as string[];
    const granted = asked.filter((_, n) => states[n] === "granted");
    assertEquals(granted, []);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
