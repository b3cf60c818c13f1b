/**
 * The write plugin from outside: what it is asked, what becomes of its answers, and that nothing passes while it is
 * broken.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connectAs, RELAY_URL } from "../protocol/auth.ts";
import { freshKey, idsOf, settled, store } from "../protocol/shared_relay.ts";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent } from "../support/sign.ts";

/** Decides by the content, and writes down what it was asked. */
const PLUGIN = `
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    with open(sys.argv[1], "a") as log: log.write(line)
    id, content = asked["event"]["id"], asked["event"]["content"]
    if content == "die": sys.exit(1)
    if content == "hang": continue
    words = {"no": "reject", "shadow": "shadowReject"}
    print(json.dumps({"id": id, "action": words.get(content, "accept"), "msg": "not here"}), flush=True)
`;

async function withPlugin(
  env: Record<string, string>,
  test: (url: string, asked: () => Promise<Record<string, unknown>[]>, dataDir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "sluice-plugin-" });
  await Deno.writeTextFile(`${dir}/plugin.py`, PLUGIN);
  await using relay = await startRelay({
    env: {
      LOG_LEVEL: "error",
      RELAY_URL,
      VERIFIER_WORKERS: "2",
      WRITE_PLUGIN: `python3 ${dir}/plugin.py ${dir}/asked`,
      ...env,
    },
  });
  const asked = async () => {
    const text = await Deno.readTextFile(`${dir}/asked`);
    return text.trim().split("\n").map((line) => JSON.parse(line));
  };
  await test(relay.url, asked, relay.dataDir);
  assertEquals(await relay.stop(), { code: 0, signal: null });
  await Deno.remove(dir, { recursive: true });
}

Deno.test("the plugin accepts, refuses with its own words, or refuses unseen", async () => {
  await withPlugin({}, async (url, asked) => {
    const key = freshKey();
    await using client = await connectAs(url, key);
    const [yes, no, shadow] = ["yes", "no", "shadow"].map((content) => signEvent(key, { content })) as [
      ReturnType<typeof signEvent>,
      ReturnType<typeof signEvent>,
      ReturnType<typeof signEvent>,
    ];
    await store(client, yes, shadow);
    assertEquals(await client.publish(no), ["OK", no.id, false, "blocked: not here"]);
    assertEquals(await idsOf(client, { authors: [key.pubkey] }), [yes.id]);
    const [first] = await asked();
    const { receivedAt, ...rest } = first!;
    assert(Math.abs(receivedAt as number - Date.now() / 1000) < 60);
    assertEquals(rest, {
      type: "new",
      event: yes,
      sourceType: "IP4",
      sourceInfo: "127.0.0.1",
      authed: key.pubkey,
      authedList: [key.pubkey],
    });
    const forged = { ...signEvent(key, { content: "yes" }), sig: "0".repeat(128) };
    assert(!(await client.publish(forged))[2]);
    assert(
      (await asked()).every(({ event }) => (event as { sig: string }).sig !== forged.sig),
      "verified first",
    );
  });
});

Deno.test("many events of many clients are each answered once, in their order", async () => {
  await withPlugin({ PLUGIN_IN_FLIGHT: "32" }, async (url) => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(url)));
    await Promise.all(clients.map(async (client) => {
      const key = freshKey();
      const events = Array.from(
        { length: 300 },
        (_, i) => signEvent(key, { content: i % 3 === 0 ? "no" : "yes", tags: [["i", `${i}`]] }),
      );
      const answers = await Promise.all(events.map((event) => client.publish(event)));
      assertEquals(answers.map(([, , accepted]) => accepted), events.map(({ content }) => content === "yes"));
      assertEquals((await idsOf(client, { authors: [key.pubkey], limit: 500 })).length, 200);
    }));
    for (const client of clients) {
      await settled(client);
      await client.close();
    }
  });
});

Deno.test("a request to vanish from this relay is followed, whatever the plugin would say, or cannot say", async () => {
  await withPlugin({ PLUGIN_TIMEOUT_MS: "1000" }, async (url, asked) => {
    await using client = await connect(url);
    for (const [content, to] of [["no", RELAY_URL], ["die", "ALL_RELAYS"], ["hang", RELAY_URL]] as const) {
      const key = freshKey();
      await store(client, signEvent(key, { content: "yes", created_at: 1_000 }));
      const request = signEvent(key, { kind: 62, content, tags: [["relay", to]], created_at: 2_000 });
      await store(client, request);
      assertEquals(await idsOf(client, { authors: [key.pubkey], kinds: [1] }), [], content);
    }
    const elsewhere = signEvent(freshKey(), {
      kind: 62,
      content: "no",
      tags: [["relay", "wss://other.example"]],
    });
    assertEquals(
      (await client.publish(elsewhere)).slice(2),
      [false, "blocked: not here"],
      "not our business",
    );
    assertEquals((await asked()).filter(({ event }) => (event as { kind: number }).kind === 62).length, 1);
  });
});

Deno.test("a plugin that dies or hangs refuses what it had, and the next event finds another one", async () => {
  await withPlugin({ PLUGIN_TIMEOUT_MS: "1000", LOG_LEVEL: "error" }, async (url) => {
    await using client = await connect(url);
    await store(client, signEvent(freshKey(), { content: "warm" }));
    for (const content of ["die", "hang"]) {
      const ok = await client.publish(signEvent(freshKey(), { content }));
      assertEquals(ok[2], false);
      assertMatch(ok[3], /^error: \S/);
      await store(client, signEvent(freshKey(), { content: "after" }));
    }
  });
});

Deno.test("the plugin has the relay's environment, without what is secret in it", async () => {
  const dir = await Deno.makeTempDir({ prefix: "sluice-plugin-" });
  const secret = "5".repeat(64);
  const env = {
    LOG_LEVEL: "error",
    RELAY_URL,
    RELAY_SECRET_KEY: secret,
    PLUGIN_PLACE: "here",
    WRITE_PLUGIN: `env > ${dir}/env; python3 ${dir}/plugin.py ${dir}/asked`,
  };
  await Deno.writeTextFile(`${dir}/plugin.py`, PLUGIN);
  await using relay = await startRelay({ env });
  await using client = await connect(relay.url);
  await store(client, signEvent(freshKey(), { content: "yes" }));
  const told = await Deno.readTextFile(`${dir}/env`);
  assertMatch(told, /^PLUGIN_PLACE=here$/m);
  assert(!told.includes(secret) && !told.includes("RELAY_SECRET_KEY"));
  assertEquals(await relay.stop(), { code: 0, signal: null });
  await Deno.remove(dir, { recursive: true });
});
