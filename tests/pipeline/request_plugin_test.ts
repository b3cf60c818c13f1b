/**
 * The request plugin from outside: what it is asked, what becomes of its answers, that nothing passes while it is broken,
 * and that it holds back only what it is asked about.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connectAs, RELAY_URL } from "../protocol/auth.ts";
import {
  freshKey,
  idsOf,
  nextEvent,
  settled,
  store,
  takeEvents,
  untilEose,
} from "../protocol/shared_relay.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent } from "../support/sign.ts";

/** Decides by the word in `#t` of the first filter, and writes down what it was asked; "hold" waits for a file. */
const PLUGIN = `#!/usr/bin/env python3
import json, os, sys, threading, time
def answer(asked, word):
    while word == "hold" and not os.path.exists(sys.path[0] + "/go"): time.sleep(0.005)
    action = {"no": "reject", "shadow": "shadowReject"}.get(word, "accept")
    sys.stdout.write(json.dumps({"id": asked["id"], "action": action, "msg": "not yours"}) + "\\n")
    sys.stdout.flush()
for line in sys.stdin:
    asked = json.loads(line)
    with open(sys.path[0] + "/asked", "a") as log: log.write(line)
    word = (asked["filters"][0].get("#t") or ["yes"])[0]
    if word == "die": os._exit(1)
    if word == "hang": continue
    threading.Thread(target=answer, args=(asked, word)).start()
`;

interface Bench {
  readonly url: string;
  readonly dir: string;
  asked(): Promise<Record<string, unknown>[]>;
  writePlugin(text: string): Promise<void>;
}

async function withPlugin(env: Record<string, string>, test: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "sluice-plugin-" });
  const writePlugin = async (text: string) => {
    await Deno.writeTextFile(`${dir}/plugin.new`, text, { mode: 0o755 });
    await Deno.rename(`${dir}/plugin.new`, `${dir}/plugin`);
  };
  await writePlugin(PLUGIN);
  await using relay = await startRelay({
    env: {
      LOG_LEVEL: "error",
      RELAY_URL,
      REQUEST_PLUGIN: `${dir}/plugin`,
      PLUGIN_IN_FLIGHT: "8",
      GATEWAY_WORKERS: "2",
      ...env,
    },
  });
  const asked = async () => {
    const text = await Deno.readTextFile(`${dir}/asked`);
    return text.trim().split("\n").map((line) => JSON.parse(line));
  };
  await test({ url: relay.url, dir, asked, writePlugin });
  assertEquals(await relay.stop(), { code: 0, signal: null });
  await Deno.remove(dir, { recursive: true });
}

async function closedReason(client: TestClient, id: string): Promise<string> {
  const message = await client.next(([type, of]) => (type === "CLOSED" || type === "NEG-ERR") && of === id);
  return message[2] as string;
}

Deno.test("the plugin is asked about REQ, COUNT and NEG-OPEN, as the client wrote them, with its keys", async () => {
  await withPlugin({}, async ({ url, asked }) => {
    const key = freshKey();
    await using client = await connectAs(url, key);
    const event = signEvent(key, { tags: [["t", "yes"], ["p", key.pubkey]] });
    await store(client, event);
    const filters = [{ "#t": ["yes"], limit: 3, "#p": [key.pubkey] }, { kinds: [1], since: 5 }];
    assertEquals(await idsOf(client, ...filters), [event.id]);
    client.send(["COUNT", "c", { "#t": ["yes"] }]);
    assertEquals((await client.nextOfType("COUNT")).slice(0, 2), ["COUNT", "c"]);
    client.send(["NEG-OPEN", "n", { "#t": ["yes"] }, "6100000200"]);
    assertEquals((await client.nextOfType("NEG-MSG"))[1], "n");
    const keys = { authed: key.pubkey, authedList: [key.pubkey] };
    const rest = { sourceType: "IP4", sourceInfo: "127.0.0.1", ...keys };
    const lines = await asked();
    assertEquals(new Set(lines.map(({ id }) => id)).size, 3);
    assertEquals(
      lines.map(({ id: _, receivedAt, ...line }) => {
        assert(Math.abs(receivedAt as number - Date.now() / 1000) < 60);
        return line;
      }),
      [
        { type: "req", subscription: "query-1", filters, ...rest },
        { type: "count", subscription: "c", filters: [{ "#t": ["yes"] }], ...rest },
        { type: "neg-open", subscription: "n", filters: [{ "#t": ["yes"] }], ...rest },
      ],
    );
  });
});

Deno.test("what it refuses is closed in its own words, openly, and what others refuse it is not asked", async () => {
  await withPlugin({}, async ({ url, asked }) => {
    await using client = await connect(url);
    client.send(["REQ", "r", { "#t": ["no"] }]);
    client.send(["COUNT", "c", { "#t": ["no"] }]);
    client.send(["NEG-OPEN", "n", { "#t": ["no"] }, "6100000200"]);
    client.send(["REQ", "s", { "#t": ["shadow"] }]);
    for (const id of ["r", "c", "n"]) assertEquals(await closedReason(client, id), "blocked: not yours");
    assertEquals(await closedReason(client, "s"), "blocked: not served by this relay");
    client.send(["REQ", "private", { kinds: [1059] }]);
    assertMatch(await closedReason(client, "private"), /^auth-required: \S/);
    assertEquals((await asked()).length, 4);
    // Nothing of it stays open.
    const event = signEvent(freshKey(), { tags: [["t", "no"], ["t", "shadow"]] });
    await store(client, event);
    await settled(client);
    assertEquals(["r", "s"].flatMap((id) => takeEvents(client, id)), []);
  });
});

Deno.test("a slow plugin holds back what it was asked about, and nothing else", async () => {
  await withPlugin({}, async ({ url, dir }) => {
    await using client = await connect(url);
    const key = freshKey();
    const event = signEvent(key, { tags: [["t", "hold"]] });
    client.send(["REQ", "held", { "#t": ["hold"], authors: [key.pubkey] }]);
    client.send(["REQ", "replaced", { "#t": ["hold"] }]);
    client.send(["REQ", "closed", { "#t": ["hold"] }]);
    client.send(["COUNT", "count", { "#t": ["hold"] }]);
    await store(client, event);
    client.send(["CLOSE", "closed"]);
    client.send(["REQ", "replaced", { authors: [freshKey().pubkey] }]);
    await untilEose(client, "replaced");
    assertEquals(await idsOf(client, { ids: [event.id] }), [event.id]);
    assertEquals(client.inbox.filter(([, id]) => id === "held" || id === "count"), []);
    await Deno.writeTextFile(`${dir}/go`, "");
    assertEquals((await untilEose(client, "held")).map(({ id }) => id), [event.id]);
    assertEquals((await client.nextOfType("COUNT"))[2], { count: 1 });
    const live = signEvent(key, { tags: [["t", "hold"]], content: "live" });
    await store(client, live);
    assertEquals(await nextEvent(client, "held"), live);
    await settled(client);
    assertEquals(client.inbox.filter(([, id]) => id === "closed" || id === "replaced"), []);
  });
});

Deno.test("a plugin that dies or hangs refuses what it had, and the next request finds another one", async () => {
  await withPlugin({ PLUGIN_TIMEOUT_MS: "1000" }, async ({ url }) => {
    await using client = await connect(url);
    assertEquals(await idsOf(client, { "#t": ["yes"] }), []);
    for (const word of ["die", "hang"]) {
      client.send(["REQ", word, { "#t": [word] }]);
      assertEquals(await closedReason(client, word), "error: internal error");
      assertEquals(await idsOf(client, { "#t": ["yes"] }), []);
    }
  });
});

Deno.test("a changed file is a new plugin, and a missing one refuses everything", async () => {
  await withPlugin({}, async ({ url, dir, writePlugin }) => {
    await using client = await connect(url);
    assertEquals(await idsOf(client, { "#t": ["yes"] }), []);
    await writePlugin(PLUGIN.replaceAll("not yours", "another").replace('"yes"]', '"no"]'));
    client.send(["REQ", "r", { limit: 0 }]);
    assertEquals(await closedReason(client, "r"), "blocked: another");
    await Deno.remove(`${dir}/plugin`);
    client.send(["REQ", "r", { limit: 0 }]);
    assertEquals(await closedReason(client, "r"), "error: internal error");
    await writePlugin(PLUGIN);
    await eventually(
      async () => (await client.query({ limit: 0 })).eose !== undefined,
      10_000,
      "it serves again",
    );
  });
});

Deno.test("a client that waits for too many decisions is told so, and what it leaves behind is forgotten", async () => {
  await withPlugin({ MAX_SUBSCRIPTIONS: "5" }, async ({ url, dir }) => {
    const client = await connect(url);
    for (let n = 0; n < 6; n++) client.send(["REQ", `${n}`, { "#t": ["hold"] }]);
    assertMatch(await closedReason(client, "5"), /^rate-limited: more than 5 requests wait/);
    await client.close();
    await Deno.writeTextFile(`${dir}/go`, "");
    await using other = await connect(url);
    assertEquals(await idsOf(other, { "#t": ["hold"] }), []);
  });
});
