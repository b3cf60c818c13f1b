/**
 * Bad input for AUTH, COUNT and NEG-*, for every method of management and for the pages: a clear refusal, and everything
 * is as it was.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { PREFIXES } from "../../lib/nostr/prefixes.ts";
import { connect, type Message, type TestClient } from "../support/client.ts";
import { signEvent } from "../support/sign.ts";
import { challengeOf, proofOf, RELAY_URL } from "./auth.ts";
import { Bystander } from "./bystander.ts";
import { authorization, call, headerOf, post, RPC_TYPE } from "./management.ts";
import { freshKey, settled, sharedRelay, store } from "./shared_relay.ts";

const admin = freshKey();
const relay = await sharedRelay({ RELAY_ADMINS: admin.pubkey });
const named = await sharedRelay({ RELAY_URL });
const REASON = new RegExp(`^(${PREFIXES.join("|")}): \\S`);
/** NEG-ERR has a prefix of its own besides (NIP-77). */
const NEG_REASON = new RegExp(`^(${PREFIXES.join("|")}|closed): \\S`);
const KEY = "ab".repeat(32);
const VALUES: unknown[] = [null, true, -1, 1.5, 1e300, "", "x", KEY.toUpperCase(), [], [[]], {}, { a: 1 }];

async function answerTo(client: TestClient, message: unknown[]): Promise<Message> {
  client.send(message);
  return await client.next();
}

async function isAlive(client: TestClient): Promise<void> {
  await settled(client);
  assertEquals(client.inbox, []);
}

Deno.test("COUNT: whatever is wrong with it is closed or noticed with the reason, and counts go on", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const bad: unknown[][] = [["COUNT"], ["COUNT", "c"], ["COUNT", "", {}], ["COUNT", "x".repeat(65), {}]];
  for (const value of VALUES) {
    if (typeof value !== "string") bad.push(["COUNT", value, {}]);
    if (typeof value !== "object" || value === null || Array.isArray(value)) bad.push(["COUNT", "c", value]);
    for (const name of ["kinds", "authors", "since", "limit", "#p"]) {
      // An empty list matches nothing, any whole number is a time, and a limit is at least 0.
      const isRight = Array.isArray(value)
        ? value.length === 0
        : Number.isInteger(value) && (name === "since" || (name === "limit" && (value as number) >= 0));
      if (!isRight) bad.push(["COUNT", "c", { [name]: value }]);
    }
  }
  bad.push(["COUNT", "c", ...Array.from({ length: 21 }, () => ({}))]);
  for (const message of bad) {
    const answer = await answerTo(client, message);
    assert(answer[0] === "CLOSED" || answer[0] === "NOTICE", JSON.stringify([message, answer]));
    assertMatch(answer.at(-1) as string, REASON, JSON.stringify(message));
  }
  assertEquals((await answerTo(client, ["COUNT", "c", { authors: [KEY] }]))[2], { count: 0 });
  await isAlive(client);
  await bystander.isServed();
});

Deno.test("AUTH: what is no proof proves nothing, and the right one still does", async () => {
  await using client = await connect(named.url);
  const challenge = await challengeOf(client);
  const key = freshKey();
  const proof = proofOf(key, challenge);
  const bad: unknown[] = [undefined, ...VALUES];
  for (const field of ["id", "pubkey", "created_at", "kind", "tags", "content", "sig"]) {
    for (const value of VALUES) {
      if (JSON.stringify(value) !== JSON.stringify(proof[field as keyof typeof proof])) {
        bad.push({ ...proof, [field]: value });
      }
    }
  }
  const tags = (relayUrl: string, word: string) => ({ tags: [["relay", relayUrl], ["challenge", word]] });
  bad.push(
    proofOf(key, challenge, { kind: 1 }),
    proofOf(key, challenge, { created_at: 5 }),
    proofOf(key, challenge, { created_at: 9_999_999_999 }),
    proofOf(key, challenge, { tags: [] }),
    proofOf(key, challenge, tags("wss://other.example.com/", challenge)),
    proofOf(key, challenge, tags(RELAY_URL, "another")),
    proofOf(key, challenge, tags("not a url", challenge)),
    { ...proof, sig: "0".repeat(128) },
    { ...proof, id: "0".repeat(64) },
  );
  for (const event of bad) {
    const answer = await answerTo(client, event === undefined ? ["AUTH"] : ["AUTH", event]);
    assert(
      answer[0] === "NOTICE" || (answer[0] === "OK" && answer[2] === false),
      JSON.stringify([event, answer]),
    );
    assertMatch(answer.at(-1) as string, REASON, JSON.stringify(event));
  }
  // Nothing was proved: private kinds stay closed.
  assertMatch(
    String((await answerTo(client, ["REQ", "p", { kinds: [4], "#p": [key.pubkey] }]))[2]),
    /^auth-required: /,
  );
  assertEquals(await client.authenticate(proof), ["OK", proof.id, true, ""]);
  assertEquals((await answerTo(client, ["REQ", "p", { kinds: [4], "#p": [key.pubkey] }]))[0], "EOSE");
});

Deno.test("NEG-OPEN, NEG-MSG and NEG-CLOSE: what is wrong is answered, and a session beside it goes on", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const key = freshKey();
  await store(client, signEvent(key));
  assertEquals(
    (await answerTo(client, ["NEG-OPEN", "good", { authors: [key.pubkey] }, "6100000200"]))[0],
    "NEG-MSG",
  );
  const bad: unknown[][] = [
    ["NEG-OPEN"],
    ["NEG-OPEN", "n"],
    ["NEG-OPEN", "n", {}],
    ["NEG-OPEN", "", {}, "6100000200"],
    ["NEG-OPEN", "x".repeat(65), {}, "6100000200"],
    ["NEG-OPEN", "n", { kinds: "x" }, "6100000200"],
    ["NEG-OPEN", "n", { search: "x" }, "6100000200"],
    ["NEG-OPEN", "n", {}, "61000002001"],
    ["NEG-OPEN", "n", {}, "zz"],
    ["NEG-OPEN", "n", {}, "61" + "ff".repeat(50)],
    ["NEG-MSG"],
    ["NEG-MSG", "n"],
    ["NEG-MSG", "none", "6100000200"],
    ["NEG-CLOSE"],
    ...VALUES.flatMap((value) => [
      ...(typeof value === "string" ? [] : [["NEG-OPEN", value, {}, "6100000200"], ["NEG-CLOSE", value]]),
      ...(typeof value === "object" && value !== null && !Array.isArray(value)
        ? []
        : [["NEG-OPEN", "n", value, "6100000200"]]),
      ["NEG-OPEN", "n", {}, value],
      ["NEG-MSG", "none", value],
    ]),
  ];
  for (const message of bad) {
    const answer = await answerTo(client, message);
    const said = JSON.stringify([message, answer]);
    assert(answer[0] === "NEG-ERR" || answer[0] === "NOTICE", said);
    assertMatch(answer[answer[0] === "NOTICE" ? 1 : 2] as string, NEG_REASON, said);
  }
  assertEquals((await answerTo(client, ["NEG-MSG", "good", "6100000200"])).slice(0, 2), ["NEG-MSG", "good"]);
  await isAlive(client);
  await bystander.isServed();
});

/** Every list of what management has decided, and the relay's texts. */
async function decisions(): Promise<unknown> {
  const lists = (await call(relay.httpUrl, admin, "supportedmethods") as string[])
    .filter((name) => name.startsWith("list")).sort();
  const response = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
  return [
    await Promise.all(lists.map((name) => call(relay.httpUrl, admin, name))),
    await response.json(),
  ];
}

Deno.test("every method of management refuses parameters that are not its own, and decides nothing", async () => {
  const before = await decisions();
  const wrong: Record<string, unknown[][]> = {
    pubkey: [[], [null], [1], ["x"], [KEY.slice(1)], [KEY.toUpperCase()], [KEY, 5], [KEY, "a\nb"], [
      KEY,
      "",
      1,
    ]],
    event: [[], [{}], ["note1xyz"], [KEY + "0"], [KEY, ["reason"]], [KEY, "x".repeat(301)]],
    kind: [[], ["1"], [-1], [65_536], [1.5], [null], [[1]], [1, "reason"]],
    ip: [[], ["localhost"], ["1.2.3"], ["1.2.3.4/33"], ["::1/129"], [4], ["1.2.3.4", {}]],
    text: [[], [null], [5], [["x"]], ["x".repeat(2_001)], ["ok", "more"]],
    role: [[], [""], [5], ["a\nb"], ["x".repeat(65)]],
    none: [[1], [null], ["x"]],
  };
  const takes: Record<string, keyof typeof wrong> = {
    ...{ banpubkey: "pubkey", unbanpubkey: "pubkey", allowpubkey: "pubkey", unallowpubkey: "pubkey" },
    ...{ assignrole: "pubkey", unassignrole: "pubkey", allowevent: "event", banevent: "event" },
    ...{ allowkind: "kind", disallowkind: "kind", blockip: "ip", unblockip: "ip" },
    ...{ changerelayname: "text", changerelaydescription: "text", changerelayicon: "text" },
    ...{ createrole: "role", editrole: "role", deleterole: "role" },
  };
  const methods = ["supportedmethods", ...await call(relay.httpUrl, admin, "supportedmethods") as string[]];
  for (const method of methods) {
    const kind = takes[method] ?? "none";
    assert(kind !== "none" || /^(list|stats|supported)/.test(method), `${method} has bad parameters here`);
    for (const params of wrong[kind]!) {
      const body = JSON.stringify({ method, params });
      const reply = await post(relay.httpUrl, body, headerOf(authorization(admin, relay.httpUrl, body)));
      assertEquals([reply.status, reply.body.result], [200, undefined], body.slice(0, 120));
      assertMatch(reply.body.error!, new RegExp(`^Cannot (call method|read parameter) .*"${method}"`));
      assert(reply.body.error!.length < 300, "an answer does not repeat what is long");
    }
  }
  for (
    const [method, ...params] of [
      ["assignrole", KEY, "nobody"],
      ["unassignrole", KEY, "nobody"],
      ["editrole", "nobody", "", "", 1, 1],
      ["deleterole", "nobody"],
      ["createrole", "r", "", "", 361, 1],
      ["createrole", "r", "", "", 1, "first"],
      ["changerelayicon", "javascript:alert(1)"],
      ["banpubkey", admin.pubkey],
    ]
  ) {
    const body = JSON.stringify({ method, params });
    const reply = await post(relay.httpUrl, body, headerOf(authorization(admin, relay.httpUrl, body)));
    assertMatch(reply.body.error!, /^Cannot /, body);
  }
  assertEquals(await decisions(), before);
});

Deno.test("who may not manage the relay changes nothing, whatever it sends", async () => {
  const before = await decisions();
  const body = JSON.stringify({ method: "banpubkey", params: [KEY] });
  const other = JSON.stringify({ method: "banpubkey", params: [freshKey().pubkey] });
  const tags = (url: string, method: string) => ({ tags: [["u", url], ["method", method]] });
  const headers: [string | undefined, number][] = [
    [undefined, 401],
    ["", 401],
    ["Nostr", 401],
    ["Nostr !!!", 401],
    ["Bearer abc", 401],
    [`Nostr ${btoa("[]")}`, 401],
    [`Nostr ${btoa("x".repeat(20_000))}`, 401],
    [headerOf(authorization(admin, relay.httpUrl, other)), 401],
    [headerOf(authorization(admin, "https://other.example.com/", body)), 401],
    [headerOf(authorization(admin, relay.httpUrl, body, { kind: 1 })), 401],
    [headerOf(authorization(admin, relay.httpUrl, body, { created_at: 5 })), 401],
    [headerOf(authorization(admin, relay.httpUrl, body, tags(relay.httpUrl, "POST"))), 401],
    [headerOf({ ...authorization(admin, relay.httpUrl, body), sig: "0".repeat(128) }), 401],
    [headerOf(authorization(freshKey(), relay.httpUrl, body)), 403],
  ];
  for (const [header, status] of headers) {
    const reply = await post(relay.httpUrl, body, header);
    assertEquals([reply.status, typeof reply.body.error], [status, "string"], header?.slice(0, 60));
  }
  const long = JSON.stringify({ method: "banpubkey", params: [KEY], more: "x".repeat(70_000) });
  assertEquals(
    (await post(relay.httpUrl, long, headerOf(authorization(admin, relay.httpUrl, long)))).status,
    413,
  );
  assertEquals(await decisions(), before);
});

Deno.test("the pages answer wrong requests with a status and a text, and serve on", async () => {
  const get = async (path: string, init: RequestInit) => {
    const response = await fetch(`${relay.httpUrl}${path}`, init);
    return [response.status, await response.text()] as const;
  };
  for (const path of ["/", "/health", "/ready", "/metrics"]) {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const [status, text] = await get(path, { method, body: "x".repeat(10_000) });
      assertEquals(status, 405, `${method} ${path}`);
      assertMatch(JSON.parse(text).error, /^Cannot /);
    }
  }
  for (
    const path of [
      "/nowhere",
      "/../etc/passwd",
      "/%00",
      "/metrics/x",
      `/${"x".repeat(5_000)}`,
      "//",
      "/?a=b/c",
    ]
  ) {
    const [status] = await get(path, {});
    assert(
      status === 404 || status === 200 || status === 400 || status === 414,
      `${path.slice(0, 40)}: ${status}`,
    );
  }
  for (const Accept of ["", "*/*;q=x", ",,,", "application/nostr+json;q=0", "x".repeat(5_000)]) {
    const [status] = await get("/", { headers: { Accept } });
    assertEquals(status, 200, Accept.slice(0, 40));
  }
  const [status] = await get("/", {
    method: "POST",
    headers: { "Content-Type": `${RPC_TYPE}x` },
    body: "{}",
  });
  assertEquals(status, 405);
  for (const headers of [{ Upgrade: "websocket" }, { Upgrade: "websocket", Connection: "close" }]) {
    const [status] = await get("/", { headers });
    assert(status === 200 || status === 400, `${status}`);
  }
  await using bystander = await Bystander.join(relay);
  await bystander.isServed();
});
