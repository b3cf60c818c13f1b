/**
 * The fan-out from outside, on both registries: who may register and subscribe, what each follower gets and nobody else,
 * and what is left of it after an absence, a withdrawal, an outage and a crash.
 */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { encrypt, getConversationKey } from "nostr-tools/nip44";
import { encrypt as encryptNip04 } from "nostr-tools/nip04";
import { crash } from "../pipeline/traffic.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { postgresPrograms, startPostgres } from "../support/postgres.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import {
  ADMIN,
  ANN,
  api,
  BEN,
  BOT,
  decryptByKey,
  decryptBySecret,
  EVE,
  FANOUT_ENV,
  follow,
  nextText,
  publish,
  register,
  RELAY_KEY,
  SECRETS,
  signal,
  subscribe,
  TOKEN,
  unsubscribe,
} from "./fanout_client.ts";

const TEXT = "BUY 7 of the thing that only followers know";

/** What every registry has to make possible. */
async function testFanout(t: Deno.TestContext, relay: TestRelay): Promise<void> {
  await using client = await connect(relay.url);
  await testPages(t, relay);
  await testPayloads(t, relay, client);
  await testAbsence(t, relay, client);
  await testWithdrawal(t, relay, client);
}

/** Who may do what. */
async function testPages(t: Deno.TestContext, relay: TestRelay): Promise<void> {
  await t.step("a bot registers by its own key, and gets the relay's", async () => {
    const { status, body } = await register(relay);
    assertEquals([status, body.success, body.platform_pubkey], [200, true, RELAY_KEY.pubkey]);
    const stranger = { bot_pubkey: testKey(1).pubkey, name: "not mine" };
    assertEquals((await api(relay, "POST /api/bots/register", { key: EVE, body: stranger })).status, 403);
    assertEquals((await api(relay, "POST /api/bots/register", { body: stranger })).status, 401);
    assertEquals((await api(relay, "POST /api/bots/register", { key: EVE, body: "{" })).status, 400);
    const nameless = { bot_pubkey: EVE.pubkey, name: "" };
    assertEquals((await api(relay, "POST /api/bots/register", { key: EVE, body: nameless })).status, 400);
  });

  await t.step("followers subscribe themselves, or the bot does, or an admin", async () => {
    assertEquals((await subscribe(relay, ANN)).status, 200);
    assertEquals((await subscribe(relay, BEN, { by: BOT })).status, 200);
    assertEquals((await subscribe(relay, ANN, { by: EVE })).status, 403);
    const unknown = await subscribe(relay, ANN, { bot: testKey(2) });
    assertEquals([unknown.status, unknown.body.success], [400, false]);
  });

  await t.step("a bot, and nobody else but admins, lists its followers", async () => {
    const path = `GET /api/subscriptions/${BOT.pubkey}`;
    const expected = [ANN, BEN].map(({ pubkey }) => ({ follower_pubkey: pubkey }));
    expected.sort((a, b) => a.follower_pubkey < b.follower_pubkey ? -1 : 1);
    assertEquals((await api(relay, path, { key: BOT })).body, { subscriptions: expected });
    assertEquals((await api(relay, path, { key: ADMIN })).body, { subscriptions: expected });
    const headers = { Authorization: `Bearer ${TOKEN}` };
    assertEquals((await api(relay, path, { headers })).body, { subscriptions: expected });
    assertEquals((await api(relay, path, { key: ANN })).status, 403);
    const paged = `${path}?after=${expected[0]!.follower_pubkey}`;
    assertEquals((await api(relay, paged, { key: BOT })).body, { subscriptions: [expected[1]] });
  });
}

/** What followers get. */
async function testPayloads(t: Deno.TestContext, relay: TestRelay, client: TestClient): Promise<void> {
  await t.step("each follower gets its own payload, and decrypts no other's", async () => {
    await using ann = await follow(relay, ANN);
    await using ben = await follow(relay, BEN);
    await using eve = await follow(relay, EVE);
    const event = await publish(client, signal(TEXT));
    const [anns, bens] = [await ann.next(), await ben.next()];
    for (const [frame, key] of [[anns, ANN], [bens, BEN]] as const) {
      const { payload, seq, ...rest } = frame;
      assertEquals(rest, {
        target_pubkey: key.pubkey,
        bot_pubkey: BOT.pubkey,
        kind: 30_931,
        original_event_id: event.id,
        encryption: "chacha20poly1305",
      });
      assert(seq > 0);
      assertEquals(decryptBySecret(payload!, SECRETS.get(key)!), TEXT);
    }
    assertThrows(() => decryptBySecret(anns.payload!, SECRETS.get(BEN)!));
    assertThrows(() => decryptBySecret(bens.payload!, SECRETS.get(ANN)!));
    // Other kinds, and other authors, are none of theirs.
    await publish(client, signEvent(BOT, { content: "a note" }));
    await publish(client, signal("not by a bot", { key: EVE }));
    await publish(client, signal("second"));
    assertEquals([await nextText(ann), await nextText(ben)], ["second", "second"]);
    assertEquals([ann.frames, ben.frames, eve.frames], [0, 0, 0]);
  });

  await t.step("NIP-44 goes to the follower's key", async () => {
    await using ann = await follow(relay, ANN, "?encryption=nip44");
    await publish(client, signal("by key"));
    const { payload, encryption } = await ann.next();
    assertEquals(encryption, "nip44");
    assertEquals(decryptByKey(payload!, ANN, RELAY_KEY.pubkey), "by key");
    assertThrows(() => decryptByKey(payload!, BEN, RELAY_KEY.pubkey));
    await publish(client, signal(""));
    const empty = await ann.next();
    assertEquals(empty.payload, null);
    assertStringIncludes(empty.error!, "NIP-44 encrypts 1 to 65535 bytes, not 0");
  });

  await t.step("what a bot has encrypted to the relay is decrypted for its followers", async () => {
    await using ann = await follow(relay, ANN);
    const conversation = getConversationKey(BOT.secret, RELAY_KEY.pubkey);
    await publish(client, signal(encrypt("private", conversation)));
    await publish(client, signal(encryptNip04(BOT.secret, RELAY_KEY.pubkey, "of old")));
    await publish(client, signal(encrypt("not for the relay", getConversationKey(BOT.secret, EVE.pubkey))));
    assertEquals([await nextText(ann), await nextText(ann)], ["private", "of old"]);
    assert((await nextText(ann)).startsWith("A"));
  });
}

/** What a follower finds that was not there. */
async function testAbsence(t: Deno.TestContext, relay: TestRelay, client: TestClient): Promise<void> {
  await t.step("a follower that was away gets what it lacks, but not what is gone", async () => {
    const away = await follow(relay, ANN);
    await publish(client, signal("seen"));
    const { seq } = await away.next();
    await away.client.close();
    const deleted = await publish(client, signal("deleted"));
    await publish(client, signal("first missed"));
    await publish(client, signEvent(BOT, { kind: 5, tags: [["e", deleted.id]] }));
    const missed = Array.from({ length: 40 }, (_, i) => `missed ${i}`);
    for (const text of missed) await publish(client, signal(text));
    await using back = await follow(relay, ANN, `?after=${seq}`);
    assertEquals(await nextText(back), "first missed");
    for (const text of missed) assertEquals(await nextText(back), text);
    await publish(client, signal("live again"));
    assertEquals(await nextText(back), "live again");
    await using begins = await follow(relay, ANN, "?after=999999999");
    await publish(client, signal("to come"));
    assertEquals([await nextText(begins), await nextText(back)], ["to come", "to come"]);
  });

  await t.step("what was before a subscription is not sent to it", async () => {
    const late = testKey(906);
    SECRETS.set(late, "late");
    await using ann = await follow(relay, ANN);
    await publish(client, signal("too early"));
    assertEquals(await nextText(ann), "too early");
    await subscribe(relay, late);
    await publish(client, signal("after it"));
    await using follower = await follow(relay, late, "?after=0");
    assertEquals(await nextText(follower), "after it");
    await unsubscribe(relay, late);
  });
}

/** What ends, and begins again. */
async function testWithdrawal(t: Deno.TestContext, relay: TestRelay, client: TestClient): Promise<void> {
  await t.step("a subscription ends at once, and a bot with all of its", async () => {
    await using ann = await follow(relay, ANN);
    await using ben = await follow(relay, BEN);
    assertEquals((await unsubscribe(relay, ANN)).status, 200);
    assertEquals((await unsubscribe(relay, ANN)).status, 404);
    await publish(client, signal("for Ben only"));
    assertEquals(await nextText(ben), "for Ben only");
    assertEquals((await subscribe(relay, ANN)).status, 200);
    await publish(client, signal("for both"));
    assertEquals([await nextText(ann), await nextText(ben)], ["for both", "for both"]);
    const path = `DELETE /api/bots/${BOT.pubkey}`;
    assertEquals((await api(relay, path, { key: ANN })).status, 403);
    assertEquals((await api(relay, path, { key: BOT })).status, 200);
    assertEquals((await api(relay, path, { key: BOT })).status, 404);
    await publish(client, signal("for nobody"));
    await register(relay);
    assertEquals((await subscribe(relay, BEN)).status, 200);
    await publish(client, signal("for Ben again"));
    assertEquals(await nextText(ben), "for Ben again");
    assertEquals(ann.frames, 0);
    await subscribe(relay, ANN);
  });

  await t.step("a bot registers by an event, too", async () => {
    const other = testKey(907);
    const content = JSON.stringify({ name: "by event", eth_address: "0x1" });
    await publish(client, signEvent(other, { kind: 30_935, content, tags: [["d", ""]] }));
    const forged = JSON.stringify({ name: "not mine", bot_pubkey: testKey(3).pubkey });
    await publish(client, signEvent(EVE, { kind: 30_935, content: forged, tags: [["d", ""]] }));
    await eventually(async () => (await subscribe(relay, ANN, { bot: other })).status === 200);
    assertEquals((await subscribe(relay, ANN, { bot: testKey(3) })).status, 400);
    await using ann = await follow(relay, ANN);
    await publish(client, signal("by the other", { key: other }));
    assertEquals(await nextText(ann), "by the other");
  });
}

/** What is left after the thread died. */
async function testDeath(t: Deno.TestContext, relay: TestRelay): Promise<void> {
  await t.step("a fan-out that dies is started again, and a follower goes on where it was", async () => {
    await using client = await connect(relay.url);
    const ann = await follow(relay, ANN);
    await publish(client, signal("before"));
    const { seq } = await ann.next();
    await crash(relay, "fanout");
    // It dies of work, and what was published meanwhile waits in the log.
    await publish(client, signal("while it is dead"));
    assertEquals((await ann.client.closed).code, 1012);
    await using back = await eventually(() => follow(relay, ANN, `?after=${seq}`), 20_000);
    assertEquals(await nextText(back), "while it is dead");
    await eventually(async () => (await register(relay)).status === 200);
  });
}

/** What is left after the relay was killed. */
async function testCrash(t: Deno.TestContext, relay: TestRelay): Promise<void> {
  await t.step("after kill -9 registrations are there, and a follower goes on where it was", async () => {
    const seq = await (async () => {
      await using client = await connect(relay.url);
      await using ann = await follow(relay, ANN);
      await publish(client, signal("before the crash"));
      const { seq } = await ann.next();
      for (let i = 0; i < 20; i++) await publish(client, signal(`unseen ${i}`));
      await relay.kill();
      await Promise.all([client.closed, ann.client.closed]);
      return seq;
    })();
    await relay.restart();
    await using ann = await follow(relay, ANN, `?after=${seq}`);
    for (let i = 0; i < 20; i++) assertEquals(await nextText(ann), `unseen ${i}`);
    await using client = await connect(relay.url);
    await publish(client, signal("after the crash"));
    assertEquals(await nextText(ann), "after the crash");
  });

  await t.step(
    "the data directory and the log hold no secret and no plain text of what was private",
    async () => {
      const needles = [...SECRETS.values(), FANOUT_ENV.RELAY_SECRET_KEY, TOKEN, "private", "of old"];
      const held = [relay.output(), ...await textsBelow(relay.dataDir)];
      for (const needle of needles) assert(!held.some((text) => text.includes(needle)), needle);
      assert(held.some((text) => text.includes(BOT.pubkey)), "the look finds what is there");
    },
  );
}

async function textsBelow(directory: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const { name, isFile } of Deno.readDir(directory)) {
    if (isFile) texts.push(new TextDecoder().decode(await Deno.readFile(`${directory}/${name}`)));
  }
  return texts;
}

Deno.test("the fan-out with its registry in SQLite", async (t) => {
  await using relay = await startRelay({ env: FANOUT_ENV });
  await testFanout(t, relay);
  await testDeath(t, relay);
  await testCrash(t, relay);
});

Deno.test({
  name: "the fan-out with its registry in Postgres",
  ignore: postgresPrograms() === null,
  async fn(t) {
    await using server = await startPostgres();
    await using relay = await startRelay({ env: { ...FANOUT_ENV, DATABASE_URL: server.url } });
    await testFanout(t, relay);
    await testCrash(t, relay);

    await t.step(
      "while Postgres is away pages say 503 and nobody is sent anything; then the fan-out goes on",
      async () => {
        await using client = await connect(relay.url);
        await using ann = await follow(relay, ANN);
        await publish(client, signal("there"));
        assertEquals(await nextText(ann), "there");
        await server.stop();
        const away = await register(relay);
        assertEquals([away.status, away.headers.get("Retry-After")], [503, "5"]);
        await publish(client, signal("while it is away"));
        await eventually(() => relay.output().includes("the registry is away"));
        assertEquals(ann.frames, 0);
        await server.start();
        assertEquals(await nextText(ann), "while it is away");
        assertEquals((await register(relay)).status, 200);
      },
    );

    await t.step("another relay with the same registry sees what this one withdraws", async () => {
      await using other = await startRelay({ env: { ...FANOUT_ENV, DATABASE_URL: server.url } });
      await using client = await connect(other.url);
      await using ann = await follow(other, ANN);
      await using ben = await follow(other, BEN);
      await eventually(async () => {
        await publish(client, signal("for both"));
        return ann.frames > 0 && ben.frames > 0;
      });
      assertEquals((await unsubscribe(relay, ANN)).status, 200);
      // The other relay asks before it sends what is newer than its knowledge.
      await eventually(() => ann.frames === ben.frames);
      const before = ann.frames;
      await publish(client, signal("for Ben only"));
      await eventually(() => ben.frames === before + 1);
      assertEquals(ann.frames, before);
    });
  },
});
