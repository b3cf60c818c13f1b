/**
 * NIP-43 from outside: keys join by invite codes and leave, the relay says who its members are, and what a member may do
 * is in force on every thread when the OK comes.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { connect, type OkMessage, type TestClient } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { verifyEvent } from "nostr-tools/pure";
import { connectAs, RELAY_URL } from "./auth.ts";
import { authorization, headerOf, post } from "./management.ts";
import { freshKey, idsOf, nowSeconds, served, sharedRelay, store } from "./shared_relay.ts";

const admin = freshKey();
const self = freshKey();
const SETTINGS = {
  RELAY_URL,
  RELAY_ADMINS: admin.pubkey,
  RELAY_SECRET_KEY: self.secret.toHex(),
  GATEWAY_WORKERS: "2",
  VERIFIER_WORKERS: "2",
};
/** Members write, everybody reads; members invite. */
const relay = await sharedRelay({ ...SETTINGS, MEMBERSHIP: "write", INVITES_BY: "members" });
/** Members write and read; admins invite. */
const closed = await sharedRelay({ ...SETTINGS, MEMBERSHIP: "all", INVITE_USES: "2" });
const WAIT_MS = 20_000;

function joinRequest(key: TestKey, claim: string | null, created_at = nowSeconds()): TestEvent {
  const tags = claim === null ? [["-"]] : [["-"], ["claim", claim]];
  return signEvent(key, { kind: 28_934, tags, created_at, content: crypto.randomUUID() });
}

function leaveRequest(key: TestKey, tags = [["-"]]): TestEvent {
  return signEvent(key, { kind: 28_936, tags, content: crypto.randomUUID() });
}

/** The invite event that the relay makes for this client. */
async function inviteFor(client: TestClient): Promise<TestEvent> {
  const events = served(await client.query({ kinds: [28_935] }));
  assertEquals(events.length, 1);
  const [event] = events as [TestEvent];
  assertEquals([event.kind, event.pubkey, event.content], [28_935, self.pubkey, ""]);
  assert(verifyEvent(event));
  return event;
}

async function codeFor(client: TestClient): Promise<string> {
  const { tags } = await inviteFor(client);
  assertEquals(tags[0], ["-"]);
  assertEquals([tags.length, tags[1]![0]], [2, "claim"]);
  return tags[1]![1]!;
}

async function adminsCode(url: string): Promise<string> {
  await using client = await connectAs(url, admin);
  return await codeFor(client);
}

async function refused(client: TestClient, event: TestEvent, reason: RegExp): Promise<void> {
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], reason);
}

/** Joins with a code of an admin's, and resolves with the connection. */
async function member(url: string, key: TestKey): Promise<TestClient> {
  const client = await connectAs(url, key);
  const event = joinRequest(key, await adminsCode(url));
  const welcome: OkMessage = ["OK", event.id, true, `info: welcome to ${RELAY_URL}!`];
  assertEquals(await client.publish(event), welcome);
  return client;
}

/** Manages a relay, which goes by {@linkcode RELAY_URL}. */
async function manage(url: string, method: string, ...params: unknown[]): Promise<void> {
  const body = JSON.stringify({ method, params });
  const proof = authorization(admin, RELAY_URL.replace(/^ws/, "http"), body);
  const reply = await post(url, body, headerOf(proof));
  assertEquals([reply.status, reply.body.error], [200, undefined], body);
}

/** The newest list of members, which must be right. */
async function listed(client: TestClient): Promise<string[][]> {
  const events = served(await client.query({ kinds: [13_534], authors: [self.pubkey] }));
  assert(events.length <= 1, "a list replaces the one before");
  if (events.length === 0) return [];
  assert(verifyEvent(events[0]!));
  assertEquals(events[0]!.tags[0], ["-"]);
  return events[0]!.tags.slice(1);
}

async function isListed(client: TestClient, key: TestKey): Promise<boolean> {
  return (await listed(client)).some(([name, pubkey]) => name === "member" && pubkey === key.pubkey);
}

Deno.test("the relay names its key and advertises NIP-43", async () => {
  const response = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
  const document = await response.json();
  assertEquals(document.self, self.pubkey);
  assert(document.supported_nips.includes(43));
  assertEquals(document.limitation.restricted_writes, true);
});

Deno.test("who joins by a code may write at once, on every thread, and after a crash", async () => {
  await using own = await startRelay({
    env: { ...SETTINGS, LOG_LEVEL: "error", MEMBERSHIP: "write", INVITES_BY: "admins" },
  });
  const key = freshKey();
  const others = await Promise.all(Array.from({ length: 8 }, () => connect(own.url)));
  await Promise.all(
    others.map((client, n) => refused(client, signEvent(key, { content: `before ${n}` }), /^restricted: \S/)),
  );
  await using client = await member(own.url, key);
  await Promise.all(others.map((other, n) => store(other, signEvent(key, { content: `after ${n}` }))));
  await refused(client, signEvent(freshKey()), /^restricted: \S/);
  await own.kill();
  await own.restart();
  await using again = await connect(own.url);
  await store(again, signEvent(key, { content: "after the crash" }));
  await eventually(() => isListed(again, key), WAIT_MS, "the list names the member again");
});

Deno.test("a claim is answered as NIP-43 words it", async () => {
  const key = freshKey();
  await using client = await connectAs(relay.url, key);
  await refused(client, joinRequest(key, null), /^restricted: \S/);
  await refused(client, joinRequest(key, "nonsense"), /^restricted: that is an invalid invite code\.$/);
  await refused(client, joinRequest(key, await adminsCode(relay.url), nowSeconds() - 850), /^invalid: \S/);
  const code = await adminsCode(relay.url);
  const first = joinRequest(key, code);
  assertEquals((await client.publish(first)).slice(0, 3), ["OK", first.id, true]);
  const second = joinRequest(key, code);
  const answer: OkMessage = ["OK", second.id, true, "duplicate: you are already a member of this relay."];
  assertEquals(await client.publish(second), answer);
  const late = freshKey();
  await using other = await connectAs(relay.url, late);
  await refused(other, joinRequest(late, code), /^restricted: that invite code has been used\.$/);
});

Deno.test("a request for somebody else, with a wrong signature, or of a banned key joins nobody", async () => {
  const [key, banned] = [freshKey(), freshKey()];
  const code = await adminsCode(relay.url);
  await using client = await connectAs(relay.url, key);
  await refused(client, joinRequest(freshKey(), code), /^restricted: \S/);
  const forged = { ...joinRequest(key, code), sig: "0".repeat(128) };
  await refused(client, forged, /^invalid: \S/);
  await manage(relay.httpUrl, "banpubkey", banned.pubkey);
  await using other = await connectAs(relay.url, banned);
  await refused(other, joinRequest(banned, code), /^blocked: \S/);
  const right = joinRequest(key, code);
  assertEquals((await client.publish(right)).slice(0, 3), ["OK", right.id, true]);
});

Deno.test("nobody else sees a claim", async () => {
  const key = freshKey();
  const code = await adminsCode(relay.url);
  await using spy = await connect(relay.url);
  spy.send(["REQ", "spy", { kinds: [28_934, 28_936] }]);
  await spy.nextOfType("EOSE");
  await using client = await connectAs(relay.url, key);
  await client.publish(joinRequest(key, code));
  await client.publish(leaveRequest(key));
  const event = signEvent(key, { kind: 28_936, tags: [["-"]] });
  await client.publish(event);
  assertEquals(await idsOf(spy, { kinds: [28_934, 28_936] }), []);
  assertEquals(spy.inbox.filter(([type]) => type === "EVENT"), []);
});

Deno.test("who leaves writes no more, its codes are void, and the settings' own members stay", async () => {
  const key = freshKey();
  await using client = await member(relay.url, key);
  const code = await codeFor(client);
  await refused(client, leaveRequest(key, []), /^invalid: \S/);
  const leave = leaveRequest(key);
  assertEquals(await client.publish(leave), ["OK", leave.id, true, ""] satisfies OkMessage);
  await refused(client, signEvent(key), /^restricted: \S/);
  const again = leaveRequest(key);
  assertMatch((await client.publish(again))[3], /^duplicate: \S/);
  const invited = freshKey();
  await using other = await connectAs(relay.url, invited);
  await refused(other, joinRequest(invited, code), /^restricted: that is an invalid invite code\.$/);
  await using admins = await connectAs(relay.url, admin);
  await refused(admins, leaveRequest(admin), /^restricted: \S/);
});

Deno.test("only those invite whom the operator lets, and a key at its bound gets the newest code again", async () => {
  const key = freshKey();
  await using stranger = await connectAs(relay.url, key);
  const answer = await stranger.query({ kinds: [28_935] });
  assertMatch(answer.closed?.[2] as string, /^restricted: \S/);
  await using nobody = await connect(relay.url);
  assertMatch((await nobody.query({ kinds: [28_935] })).closed?.[2] as string, /^auth-required: \S/);
  await using client = await member(relay.url, key);
  const codes = new Set<string>();
  for (let n = 0; n < 25; n++) codes.add(await codeFor(client));
  assertEquals(codes.size, 20);
  assertEquals(served(await client.query({ kinds: [28_935], authors: [freshKey().pubkey] })), []);
});

Deno.test("the list, who came and who went are published live, signed and protected", async () => {
  const key = freshKey();
  await using watcher = await connect(relay.url);
  watcher.send(["REQ", "members", { authors: [self.pubkey], since: nowSeconds() - 1, limit: 0 }]);
  await watcher.nextOfType("EOSE");
  const about = async (kind: number, has: (tags: string[][]) => boolean) => {
    const message = await watcher.next((message) => {
      const event = message[2] as TestEvent;
      return message[0] === "EVENT" && event.kind === kind && has(event.tags);
    }, WAIT_MS);
    const event = message[2] as TestEvent;
    assert(verifyEvent(event));
    assertEquals([event.pubkey, event.tags[0]], [self.pubkey, ["-"]]);
    return event;
  };
  const names = (tags: string[][]) => tags.some(([, value]) => value === key.pubkey);
  await using client = await member(relay.url, key);
  await about(8_000, names);
  const before = await about(13_534, names);
  await client.publish(leaveRequest(key));
  await about(8_001, names);
  const after = await about(13_534, (tags) => !names(tags));
  assertNotEquals(before.id, after.id);
  assert(after.created_at > before.created_at, "the later list replaces the earlier");
  await refused(client, before, /^(auth-required|restricted): \S/);
});

Deno.test("what the operator decides by NIP-86 is membership too, roles included", async () => {
  const [allowed, king] = [freshKey(), freshKey()];
  await manage(relay.httpUrl, "allowpubkey", allowed.pubkey);
  await manage(relay.httpUrl, "createrole", "king", "King", "rules", 37, 1);
  await manage(relay.httpUrl, "assignrole", king.pubkey, "king");
  await using client = await connectAs(relay.url, king);
  await store(client, signEvent(king));
  await eventually(() => isListed(client, allowed), WAIT_MS, "the allowed key is listed");
  await eventually(() => isListed(client, king), WAIT_MS, "the key with a role is listed");
  assertEquals((await listed(client)).find(([, pubkey]) => pubkey === king.pubkey)?.slice(2), ["king"]);
  const roles = served(await client.query({ kinds: [33_534], authors: [self.pubkey], "#d": ["king"] }));
  assertEquals(roles.map(({ tags }) => tags), [
    [["-"], ["d", "king"], ["label", "King"], ["description", "rules"], ["color", "37"], ["order", "1"]],
  ]);
  const leave = leaveRequest(king);
  assertEquals(await client.publish(leave), ["OK", leave.id, true, ""] satisfies OkMessage);
  await refused(client, signEvent(king, { content: "no king" }), /^restricted: \S/);
  await manage(relay.httpUrl, "deleterole", "king");
  const filter = { kinds: [33_534], authors: [self.pubkey] };
  await eventually(async () => (await idsOf(client, filter)).length === 0, WAIT_MS, "the role is deleted");
});

Deno.test("where reading is for members, others get no event and can still ask to join", async () => {
  const key = freshKey();
  await using stranger = await connectAs(closed.url, key);
  assertMatch((await stranger.query({ limit: 1 })).closed?.[2] as string, /^restricted: \S/);
  await using unknown = await connect(closed.url);
  assertMatch((await unknown.query({ limit: 1 })).closed?.[2] as string, /^auth-required: \S/);
  await using client = await member(closed.url, key);
  const event = signEvent(key);
  await store(client, event);
  assertEquals(await idsOf(client, { ids: [event.id] }), [event.id]);
  client.send(["REQ", "live", { kinds: [1] }]);
  await client.next((message) => message[0] === "EOSE" && message[1] === "live");
  await manage(closed.httpUrl, "unallowpubkey", key.pubkey);
  const end = await client.next((message) => message[0] === "CLOSED" && message[1] === "live", WAIT_MS);
  assertMatch(end[2] as string, /^restricted: \S/);
  assertMatch((await client.query({ limit: 1 })).closed?.[2] as string, /^restricted: \S/);
});

Deno.test("a code serves as many keys as the operator says", async () => {
  const code = await adminsCode(closed.url);
  for (const [n, expected] of [[1, true], [2, true], [3, false]] as const) {
    const key = freshKey();
    await using client = await connectAs(closed.url, key);
    const event = joinRequest(key, code);
    assertEquals((await client.publish(event)).slice(0, 3), ["OK", event.id, expected], `key ${n}`);
  }
});

Deno.test("without the setting nothing is advertised, and the kinds are like any other", async () => {
  await using own = await startRelay({ env: { LOG_LEVEL: "error", RELAY_URL } });
  const response = await fetch(own.httpUrl, { headers: { Accept: "application/nostr+json" } });
  const document = await response.json();
  assertEquals([document.self, document.supported_nips.includes(43)], [undefined, false]);
  const key = freshKey();
  await using client = await connectAs(own.url, key);
  assertEquals(served(await client.query({ kinds: [28_935] })), []);
  await refused(client, joinRequest(key, "code"), /^mute: \S/);
});
