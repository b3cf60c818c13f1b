/**
 * Tests of the pool: who names relays, how they are called, and what becomes of those that lie. One real relay, with
 * simulated relays upstream. Run on the main thread; relays belong to the tests.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { forgesSignatures } from "../support/relay_lies.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { startSimulatedRelay } from "../support/simulated_relay.ts";
import { ALLOWED, ask, has, notes, publishAll, shown, type ShownRelay } from "./support.ts";

/** Unreachable relays at one time. */
const UNREACHABLE = 1_000;

/** Waits until the API shows a relay as it should be. */
function becomes(
  relay: TestRelay,
  url: string,
  is: (shown: ShownRelay | undefined) => boolean | undefined,
): Promise<unknown> {
  return eventually(async () => is((await shown(relay)).get(url)), 20_000, `${url} becomes ${is}`);
}

Deno.test("relays are named by settings, a file, lists in the store and the API", async (t) => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/relays.txt`;
  await Deno.writeTextFile(file, "");
  const [friend, monitor] = [testKey(2), testKey(3)];
  await using liar = await startSimulatedRelay({ events: notes(60), lie: forgesSignatures });
  await using honest = await startSimulatedRelay({ events: notes(30) });
  await using relay = await startRelay({
    env: {
      ...ALLOWED,
      UPSTREAM_RELAYS: `${liar.url},${honest.url},ws://localhost:${freePort()}`,
      UPSTREAM_FILE: file,
      UPSTREAM_FOLLOWS: friend.pubkey,
      UPSTREAM_MONITORS: monitor.pubkey,
      UPSTREAM_HEALTH_SECONDS: "1",
    },
  });
  await using client = await connect(relay.url);

  await t.step("a relay that sends forged events is quarantined, and another one's are stored", async () => {
    await becomes(relay, liar.url, (one) => one?.status === "quarantined");
    const { invalid, failureText } = (await shown(relay)).get(liar.url)!;
    assert(invalid >= 10, `${invalid} are counted`);
    assert(failureText.includes("the signature does not verify"), failureText);
    await eventually(
      async () => (await client.query({ kinds: [1] })).events.length === 30,
      10_000,
      "all are here",
    );
  });

  await t.step("a host that is private and not allowed is not called", async () => {
    await eventually(
      async () => [...(await shown(relay)).values()].some(({ failure }) => failure === "private-address"),
      10_000,
      "the reason is told",
    );
  });

  await t.step("the API adds and removes", async () => {
    await using added = await startSimulatedRelay({ events: notes(3) });
    const body = { url: `${added.url}/` };
    assertEquals(
      await ask(relay, "/api/relays/add", { method: "POST", body }),
      { success: true, message: `${added.url} was added` },
    );
    await becomes(
      relay,
      added.url,
      (one) => one?.status === "open" && one.sources[0] === "api" && one.added === 3,
    );
    const status = await ask<{ active_connections: number; connections: { url: string; status: string }[] }>(
      relay,
      "/status",
    );
    assert(status.active_connections >= 2);
    assert(status.connections.some(({ url, status }) => url === added.url && status === "open"));
    assert(
      (await ask<{ success: boolean }>(relay, "/api/relays/remove", { method: "DELETE", body })).success,
    );
    await becomes(relay, added.url, (one) => one === undefined);
    await eventually(() => added.clients.size === 0, 5_000, "the connection is closed");
    const own = { method: "DELETE", body: { url: honest.url } };
    const refused = await ask<{ success: boolean; message: string }>(relay, "/api/relays/remove", own);
    assertEquals(refused.success, false);
    assert(refused.message.includes("it is named by: settings"), refused.message);
    for (const wrong of [{}, { url: "http://x.example" }, { url: 5 }, null]) {
      assertEquals(
        (await ask<{ success: boolean }>(relay, "/api/relays/add", { method: "POST", body: wrong })).success,
        false,
      );
    }
  });

  await t.step("lists of followed keys and reports of monitors name relays, until they change", async () => {
    await using listed = await startSimulatedRelay();
    await using reported = await startSimulatedRelay();
    const at = Math.floor(Date.now() / 1000) - 10;
    const list = (tags: string[][], later: number) =>
      signEvent(friend, { kind: 10_002, tags, created_at: at + later });
    await publishAll(client, [
      list([["r", listed.url], ["r", "wss://read.example", "read"]], 0),
      signEvent(testKey(4), { kind: 10_002, tags: [["r", "wss://stranger.example"]] }),
      signEvent(monitor, { kind: 30_166, tags: [["d", reported.url], ["n", "clearnet"]] }),
    ]);
    await becomes(relay, listed.url, (one) => one?.status === "open" && one.sources[0] === "follow");
    await becomes(relay, reported.url, (one) => one?.status === "open" && one.sources[0] === "monitor");
    assert(![...(await shown(relay)).keys()].some((url) => url.includes("example")));
    await publishAll(client, [list([], 1)]);
    await becomes(relay, listed.url, (one) => one === undefined);
  });

  await t.step("a relay that answers nothing any more is called again", async () => {
    await using silent = await startSimulatedRelay();
    await ask(relay, "/api/relays/add", { method: "POST", body: { url: silent.url } });
    await becomes(relay, silent.url, (one) => one?.status === "open");
    for (const { webSocket } of silent.clients) webSocket.pause();
    await eventually(() => silent.connections >= 2, 15_000, "it is called again");
    await ask(relay, "/api/relays/remove", { method: "DELETE", body: { url: silent.url } });
  });

  await t.step("a thousand relays that nobody can reach have clear states, and disturb nobody", async () => {
    const ports = Array.from({ length: UNREACHABLE }, (_, n) => 1 + n);
    await Deno.writeTextFile(file, ports.map((port) => `ws://127.0.0.1:${port}\n`).join(""));
    await eventually(
      async () => {
        const states = [...(await shown(relay)).values()].filter(({ sources }) => sources[0] === "file");
        return states.length === UNREACHABLE && states.every(({ failure }) => failure === "refused");
      },
      30_000,
      "each was called, and its failure is told",
    );
    const more = notes(5);
    for (const event of more) honest.add(event);
    await eventually(() => has(client, more), 10_000, "others' events are stored meanwhile");
    await Deno.writeTextFile(file, "");
    await eventually(async () => (await shown(relay)).size < 10, 20_000, "all have left");
  });

  assertEquals((await relay.stop()).code, 0);
  await Deno.remove(folder, { recursive: true });
});
