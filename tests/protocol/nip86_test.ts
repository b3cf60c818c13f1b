/**
 * NIP-86 from outside: what is decided is in force on every thread when it is answered, and after a restart.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent } from "../support/sign.ts";
import { authorization, call, headerOf, post } from "./management.ts";
import { freshKey, idsOf, nextEvent, sharedRelay, store, untilEose } from "./shared_relay.ts";

const admin = freshKey();
const relay = await sharedRelay({
  RELAY_ADMINS: admin.pubkey,
  RELAY_NAME: "Configured",
  GATEWAY_WORKERS: "3",
  VERIFIER_WORKERS: "3",
  READER_WORKERS: "2",
});

function manage(method: string, ...params: unknown[]): Promise<unknown> {
  return call(relay.httpUrl, admin, method, ...params);
}

/** Enough connections to meet every gateway and every verifier. */
async function withClients(test: (clients: TestClient[]) => Promise<void>): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 12 }, () => connect(relay.url)));
  await test(clients);
  await Promise.all(clients.map((client) => client.close()));
}

async function refused(client: TestClient, event: TestEvent): Promise<void> {
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], /^(blocked|restricted): \S/);
}

async function count(client: TestClient, filter: Record<string, unknown>): Promise<unknown> {
  client.send(["COUNT", "n", filter]);
  return ((await client.nextOfType("COUNT"))[2] as { count: number }).count;
}

/** NIP-86's list, `supportedmethods` apart. */
const METHODS = [
  ...["banpubkey", "unbanpubkey", "listbannedpubkeys", "allowpubkey", "unallowpubkey", "listallowedpubkeys"],
  ...["createrole", "editrole", "deleterole", "assignrole", "unassignrole"],
  ...["listeventsneedingmoderation", "allowevent", "banevent", "listbannedevents"],
  ...["changerelayname", "changerelaydescription", "changerelayicon"],
  ...["allowkind", "disallowkind", "listallowedkinds", "blockip", "unblockip", "listblockedips"],
];

Deno.test("every method of NIP-86 is offered, and no others can be called", async () => {
  const methods = await manage("supportedmethods") as string[];
  for (const name of METHODS) assert(methods.includes(name), name);
  for (const name of methods.filter((name) => /^(list|stats)/.test(name))) await manage(name);
  for (const method of ["nonsense", "supportedmethods2", "toString"]) {
    assert(!methods.includes(method));
    const body = JSON.stringify({ method, params: [] });
    const reply = await post(relay.httpUrl, body, headerOf(authorization(admin, relay.httpUrl, body)));
    assertMatch(reply.body.error!, /^Cannot call method/);
  }
});

Deno.test("a banned author neither writes nor is shown, on any thread, until the ban is taken back", async () => {
  await withClients(async (clients) => {
    const key = freshKey();
    const before = signEvent(key, { content: "before" });
    await store(clients[0]!, before);
    assertEquals(await manage("banpubkey", key.pubkey, "spam"), true);
    await Promise.all(clients.map(async (client, i) => {
      await refused(client, signEvent(key, { content: `${i}` }));
      assertEquals(await idsOf(client, { authors: [key.pubkey] }), []);
      assertEquals(await idsOf(client, { ids: [before.id] }), []);
      assertEquals(await count(client, { authors: [key.pubkey] }), 0);
      client.send(["NEG-OPEN", "n", { authors: [key.pubkey] }, "6100000200"]);
      assert(!String((await client.nextOfType("NEG-MSG"))[2]).includes(before.id), "no id by negentropy");
    }));
    assertEquals(await manage("listbannedpubkeys"), [{ pubkey: key.pubkey, reason: "spam" }]);
    assertEquals(await manage("unbanpubkey", key.pubkey), true);
    await Promise.all(clients.map(async (client, i) => {
      await store(client, signEvent(key, { content: `again ${i}` }));
      assertEquals(await idsOf(client, { ids: [before.id] }), [before.id]);
    }));
    assertEquals(await manage("listbannedpubkeys"), []);
  });
});

Deno.test("a banned event is neither taken nor shown, and its author goes on", async () => {
  await withClients(async (clients) => {
    const key = freshKey();
    const [bad, good] = [signEvent(key, { content: "bad" }), signEvent(key, { content: "good" })];
    const late = signEvent(key, { content: "not here yet" });
    await store(clients[0]!, bad, good);
    await manage("banevent", bad.id, "illegal");
    await manage("banevent", late.id);
    await Promise.all(clients.map(async (client) => {
      assertEquals(await idsOf(client, { authors: [key.pubkey] }), [good.id]);
      await refused(client, late);
    }));
    await manage("allowevent", bad.id);
    assertEquals((await idsOf(clients[1]!, { authors: [key.pubkey] })).length, 2);
  });
});

Deno.test("a subscription that was open before a ban no longer brings the author", async () => {
  await using client = await connect(relay.url);
  const [key, other] = [freshKey(), freshKey()];
  client.send(["REQ", "live", { authors: [key.pubkey, other.pubkey] }]);
  await untilEose(client, "live");
  await manage("banpubkey", key.pubkey);
  await refused(client, signEvent(key));
  const event = signEvent(other);
  await store(client, event);
  assertEquals(await nextEvent(client, "live"), event);
});

Deno.test("kinds are disallowed and allowed again", async () => {
  await withClients(async (clients) => {
    await manage("disallowkind", 30_999);
    assertEquals(await manage("listdisallowedkinds"), [30_999]);
    await Promise.all(clients.map((client) => refused(client, signEvent(freshKey(), { kind: 30_999 }))));
    await manage("allowkind", 30_999);
    await Promise.all(clients.map((client) => store(client, signEvent(freshKey(), { kind: 30_999 }))));
    assertEquals(await manage("listallowedkinds"), []);
  });
});

Deno.test("stats and lists have the shapes that NIP-86 and khatru give them", async () => {
  const stats = await manage("stats") as Record<string, unknown>;
  for (
    const name of ["connections", "subscriptions", "events_received", "events_stored", "events_delivered"]
  ) {
    assert(Number.isInteger(stats[name]), name);
  }
  const key = freshKey();
  for (
    const [set, list, unset] of [
      ["banpubkey", "listbannedpubkeys", "unbanpubkey"],
      ["allowpubkey", "listallowedpubkeys", "unallowpubkey"],
    ] as const
  ) {
    assertEquals(await manage(set, key.pubkey, "a reason"), true);
    assertEquals(await manage(set, key.pubkey, "another"), true);
    const listed = async () =>
      (await manage(list) as { pubkey: string; reason?: string }[]).filter(({ pubkey }) =>
        pubkey === key.pubkey
      );
    assertEquals(await listed(), [{ pubkey: key.pubkey, reason: "another" }]);
    assertEquals(await manage(unset, key.pubkey), true);
    assertEquals(await manage(unset, key.pubkey), true);
    assertEquals(await listed(), []);
  }
});

Deno.test("where only listed keys write, an allowed key and one with a role may, on every thread", async () => {
  await using own = await startRelay({
    env: {
      LOG_LEVEL: "error",
      RELAY_ADMINS: admin.pubkey,
      ALLOWED_PUBKEYS: admin.pubkey,
      VERIFIER_WORKERS: "2",
      GATEWAY_WORKERS: "2",
    },
  });
  const decide = (method: string, ...params: unknown[]) => call(own.httpUrl, admin, method, ...params);
  const [allowed, member] = [freshKey(), freshKey()];
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect(own.url)));
  const everywhere = async (test: (client: TestClient, n: number) => Promise<void>) => {
    await Promise.all(clients.map(test));
  };
  await everywhere((client, n) => refused(client, signEvent(member, { content: `${n}` })));
  await decide("allowpubkey", allowed.pubkey);
  await decide("createrole", "king", "King", "rules", 37, 1);
  await decide("editrole", "king", "Queen", "rules", "38", "2");
  await decide("assignrole", member.pubkey, "king");
  assertEquals(await decide("listroles"), [
    { id: "king", label: "Queen", description: "rules", color: 38, order: 2, members: [member.pubkey] },
  ]);
  await everywhere(async (client, n) => {
    await store(client, signEvent(allowed, { content: `1 ${n}` }), signEvent(member, { content: `1 ${n}` }));
  });
  await decide("unassignrole", member.pubkey, "king");
  await decide("unallowpubkey", allowed.pubkey);
  await everywhere(async (client, n) => {
    await refused(client, signEvent(member, { content: `2 ${n}` }));
    await refused(client, signEvent(allowed, { content: `2 ${n}` }));
  });
  await decide("assignrole", member.pubkey, "king");
  await own.kill();
  await own.restart();
  await using again = await connect(own.url);
  await store(again, signEvent(member, { content: "after the restart" }));
  await decide("deleterole", "king");
  await refused(again, signEvent(member, { content: "without a role" }));
});

Deno.test("reports of people whom the operator has named wait for a moderator, who decides", async () => {
  await using client = await connect(relay.url);
  const [reporter, author] = [freshKey(), freshKey()];
  const [bad, good] = [signEvent(author, { content: "bad" }), signEvent(author, { content: "good" })];
  await store(client, bad, good);
  const report = (key: typeof reporter, id: string, type: string) =>
    signEvent(key, { kind: 1984, tags: [["p", author.pubkey], ["e", id, type]], content: "" });
  await store(client, report(freshKey(), good.id, "spam"));
  assertEquals(await manage("listeventsneedingmoderation"), [], "a stranger's report is stored, and no more");
  await manage("allowpubkey", reporter.pubkey);
  await store(client, report(reporter, bad.id, "illegal"), report(admin, good.id, "profanity"));
  const waiting = async () => await manage("listeventsneedingmoderation") as { id: string; reason: string }[];
  await eventually(async () => (await waiting()).length === 2, 10_000, "both are listed");
  const byId = new Map((await waiting()).map(({ id, reason }) => [id, reason]));
  assertEquals([byId.get(bad.id), byId.get(good.id)], ["illegal", "profanity"]);
  assertEquals(
    (await idsOf(client, { ids: [bad.id, good.id] })).length,
    2,
    "what is reported is still shown",
  );
  await manage("banevent", bad.id, "illegal");
  await manage("allowevent", good.id);
  assertEquals(await waiting(), []);
  assertEquals(await idsOf(client, { ids: [bad.id, good.id] }), [good.id]);
  await store(client, signEvent(reporter, { kind: 1984, tags: [["e", good.id, "spam"]], content: "again" }));
  assertEquals(await waiting(), [], "it was decided");
  await manage("unallowpubkey", reporter.pubkey);
});

Deno.test("the relay's texts change in NIP-11 and on the page, and an empty one is the configured again", async () => {
  const documents = async () => {
    const responses = Array.from({ length: 6 }, async () => {
      const response = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
      const { name, description, icon } = await response.json();
      return [name, description, icon];
    });
    return await Promise.all(responses);
  };
  await manage("changerelayname", "Mill");
  await manage("changerelaydescription", "Grinds\nevents.");
  await manage("changerelayicon", "https://icons.example/mill.png");
  for (const texts of await documents()) {
    assertEquals(texts, ["Mill", "Grinds\nevents.", "https://icons.example/mill.png"]);
  }
  const page = await fetch(relay.httpUrl, { headers: { Accept: "text/html" } });
  assertMatch(page.headers.get("content-security-policy")!, /https:\/\/icons\.example/);
  assertMatch(await page.text(), /<h1>Mill<\/h1>/);
  for (const name of ["name", "description", "icon"]) await manage(`changerelay${name}`, "");
  for (const texts of await documents()) assertEquals(texts, ["Configured", "A Nostr relay.", undefined]);
});

Deno.test("a request that is none is refused with the reason, and admins cannot be banned", async () => {
  const bodies: [string, number][] = [
    ["", 400],
    ["[]", 400],
    ['{"method":1}', 400],
    ['{"method":"banpubkey","params":["x"]}', 200],
    [JSON.stringify({ method: "banpubkey", params: [admin.pubkey] }), 200],
  ];
  for (const [body, status] of bodies) {
    const reply = await post(relay.httpUrl, body, headerOf(authorization(admin, relay.httpUrl, body)));
    assertEquals(reply.status, status, body);
    assertMatch(reply.body.error!, /^Cannot /);
  }
});

Deno.test("a blocked address is cut off and stays out, and decisions outlive the process", async () => {
  // X-Forwarded-For tells the clients apart.
  await using own = await startRelay({
    env: {
      LOG_LEVEL: "error",
      RELAY_ADMINS: admin.pubkey,
      REAL_IP_HEADER: "X-Forwarded-For",
      DENIED_ADDRESSES: "198.51.100.0/24",
      GATEWAY_WORKERS: "2",
    },
  });
  const from = (ip: string) => connect(own.url, { headers: { "X-Forwarded-For": ip } });
  const isServed = async (ip: string) => {
    const client = await from(ip);
    const result = await Promise.race([
      client.closed.then(() => false),
      client.publish(signEvent(freshKey())).then(([, , accepted]) => accepted, () => false),
    ]);
    await client.close();
    return result;
  };
  const key = freshKey();
  const blocked = await Promise.all(Array.from({ length: 4 }, () => from("203.0.113.7")));
  await using other = await from("192.0.2.1");
  assert(!await isServed("198.51.100.9"), "the configuration denies it");
  await call(own.httpUrl, admin, "blockip", "203.0.113.0/24");
  for (const client of blocked) assertEquals((await client.closed).code, 1008);
  assert(!await isServed("203.0.113.8"));
  await store(other, signEvent(key));
  await call(own.httpUrl, admin, "banpubkey", key.pubkey, "spam");
  await own.kill();
  await own.restart();
  assertEquals(await call(own.httpUrl, admin, "listblockedips"), [{ ip: "203.0.113.0/24" }]);
  assert(!await isServed("203.0.113.7"));
  assert(await isServed("192.0.2.1"));
  await using again = await from("192.0.2.1");
  await refused(again, signEvent(key));
  await call(own.httpUrl, admin, "unblockip", "203.0.113.0/24");
  assert(await isServed("203.0.113.7"));
});
