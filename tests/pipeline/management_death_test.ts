/**
 * Tests of a management that dies with a decision made and not answered: every request is answered, by it, by its successor
 * or with an error, and what was decided is in force.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { authorization, call, headerOf, post } from "../protocol/management.ts";
import { connectAs, RELAY_URL } from "../protocol/auth.ts";
import { freshKey, nowSeconds } from "../protocol/shared_relay.ts";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestKey } from "../support/sign.ts";
import { crash, metricOf } from "./traffic.ts";

const admin = freshKey();
const ENV = {
  RELAY_ADMINS: admin.pubkey,
  RESTART_DELAY_MS: "100",
  GATEWAY_WORKERS: "2",
  VERIFIER_WORKERS: "1",
};
const WAIT_MS = 30_000;

function runsAgain(relay: TestRelay, times: number): Promise<boolean> {
  return eventually(
    () => relay.output().split("management 0 runs again").length > times,
    WAIT_MS,
    `management runs again, time ${times}`,
  );
}

Deno.test("requests to manage are answered or refused when management dies, and decisions reach every thread", async () => {
  await using relay = await startRelay({ env: ENV });
  const banned = Array.from({ length: 12 }, () => freshKey());
  const ban = async ({ pubkey }: TestKey) => {
    const body = JSON.stringify({ method: "banpubkey", params: [pubkey, "spam"] });
    return await post(relay.httpUrl, body, headerOf(authorization(admin, relay.httpUrl, body)));
  };
  for (let times = 1; times <= 2; times++) {
    await crash(relay, "management");
    const replies = await Promise.all(banned.map(ban));
    const lost = replies.filter(({ body }) => body.error !== undefined);
    assert(lost.length > 0, "it died of the first request");
    for (const { status, body } of lost) {
      assertEquals(status, 200);
      assertMatch(body.error!, /^Cannot answer: management was started again/);
    }
    await runsAgain(relay, times);
  }
  for (const key of banned) {
    assertEquals(await call(relay.httpUrl, admin, "banpubkey", key.pubkey, "spam"), true);
  }
  // On connections of both gateways.
  for (let n = 0; n < 6; n++) {
    await using client = await connect(relay.url);
    for (const key of banned) {
      assertEquals((await client.publish(signEvent(key, { content: `${n}` })))[2], false);
    }
  }
  assertEquals(await metricOf(relay, `nostr_worker_restarts_total{actor="management"}`), 2);
  assertEquals(await relay.stop(), { code: 0, signal: null });
});

Deno.test("requests to join and for codes are answered when management dies, and who was let in is a member", async () => {
  await using relay = await startRelay({
    env: {
      ...ENV,
      RELAY_URL,
      RELAY_SECRET_KEY: freshKey().secret.toHex(),
      MEMBERSHIP: "write",
      INVITE_USES: "50",
    },
  });
  await using inviter = await connectAs(relay.url, admin);
  const codes = async () => (await inviter.query({ kinds: [28_935] }));
  const code = (await codes()).events[0]!.tags[1]![1]!;
  const keys = Array.from({ length: 10 }, () => freshKey());
  await using client = await connect(relay.url, { timeoutMs: WAIT_MS });
  await crash(relay, "management");
  const answers = await Promise.all(keys.map((key) =>
    client.publish(signEvent(key, {
      kind: 28_934,
      tags: [["claim", code]],
      created_at: nowSeconds(),
      content: crypto.randomUUID(),
    }))
  ));
  for (const [, , accepted, message] of answers) assert(accepted, message);
  await runsAgain(relay, 1);
  for (const key of keys) assert((await client.publish(signEvent(key, { content: "in" })))[2]);
  await crash(relay, "management");
  assertMatch(`${(await codes()).closed?.[2]}`, /^error: \S/);
  await runsAgain(relay, 2);
  assertEquals((await codes()).events.length, 1);
});

Deno.test("a report that management died of waits for a moderator, and a gateway that died asks again", async () => {
  await using relay = await startRelay({ env: ENV });
  await using client = await connect(relay.url, { timeoutMs: WAIT_MS });
  const note = signEvent(freshKey(), { content: "bad" });
  await client.publish(note);
  await crash(relay, "management");
  await client.publish(signEvent(admin, { kind: 1_984, tags: [["e", note.id, "spam"]], content: "" }));
  await runsAgain(relay, 1);
  const waiting = () =>
    call(relay.httpUrl, admin, "listeventsneedingmoderation") as Promise<{ id: string }[]>;
  await eventually(async () => (await waiting()).some(({ id }) => id === note.id), WAIT_MS);
  for (const index of [0, 1]) {
    await crash(relay, "gateway", index);
    await eventually(() => relay.output().includes(`gateway ${index} runs again`), WAIT_MS);
  }
  for (let n = 0; n < 4; n++) assertEquals((await waiting()).map(({ id }) => id), [note.id]);
});
