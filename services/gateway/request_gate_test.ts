/**
 * Tests of requests that wait for a plugin or an invite code: taken back, replaced, bounded, and overtaken by the end.
 * Run on the main thread, with a plugin and a link whose answers the test gives.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { type Filter, parseFilter } from "../../lib/nostr/filter.ts";
import type { ManagementLink } from "../../runtime/management_link.ts";
import type { InviteAnswer } from "../../wire/management_requests.ts";
import type { Connection } from "./connection.ts";
import { Invites } from "./invites.ts";
import { RequestGate, type RequestGateParts } from "./request_gate.ts";

const NOTES = parseFilter({ kinds: [1] }, { limitMax: 10, limitDefault: 10 });
const INVITE = parseFilter({ kinds: [28_935] }, { limitMax: 10, limitDefault: 10 });
const SUBSCRIPTIONS_MAX = 3;

function openGate() {
  /** What was served or refused, and for whom: `verb id`, with the reason of a refusal. */
  const served: string[] = [];
  const sent: string[] = [];
  const decisions: ((refusal: string | null) => void)[] = [];
  const codes: ((answer: InviteAnswer) => void)[] = [];
  const note = (verb: string, id: string, refusal: string | null) =>
    served.push(refusal === null ? `${verb} ${id}` : `${verb} ${id}: ${refusal}`);
  const rights = { refusal: null as string | null, hasPlugin: true };
  const current = { mayRequest: () => null, mayRead: () => rights.refusal };
  const link = { invite: () => new Promise<InviteAnswer>((resolve) => codes.push(resolve)) };
  const gate = new RequestGate({
    settings: { config: { MAX_SUBSCRIPTIONS: SUBSCRIPTIONS_MAX } },
    policies: { current },
    files: { request: null },
    plugin: { ask: () => rights.hasPlugin ? new Promise((resolve) => decisions.push(resolve)) : null },
    invites: new Invites("a".repeat(64), link as unknown as ManagementLink),
    requests: {
      request: (_: unknown, id: string, _filters: unknown, refusal: string | null) =>
        note("REQ", id, refusal),
      count: (_: unknown, id: string, _filters: unknown, refusal: string | null) =>
        note("COUNT", id, refusal),
      end: () => {},
      close: () => {},
      forget: () => {},
      revoke: () => {},
    },
    syncs: { receive: () => {}, closed: () => {}, isDraining: false },
  } as unknown as RequestGateParts);
  const connection = {
    provedKeys: [],
    auth: { authenticated: new Set() },
    send: (text: string) => sent.push(text),
  } as unknown as Connection;
  return {
    gate,
    connection,
    served,
    sent,
    decisions,
    codes,
    rights,
    receive: (type: "REQ" | "COUNT", subscriptionId: string, filter: Filter = NOTES) =>
      gate.receive(connection, "", { type, subscriptionId, filters: [filter] }),
  };
}

/** Has what was answered go on. */
async function settle(answers: readonly (() => void)[]): Promise<void> {
  for (const answer of answers) answer();
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
}

Deno.test("a request that was closed or replaced while it waited for the plugin is not served", async () => {
  const { gate, connection, served, decisions, receive } = openGate();
  receive("REQ", "closed");
  receive("REQ", "replaced");
  receive("REQ", "replaced");
  gate.close(connection, "closed");
  await settle(decisions.map((answer) => () => answer(null)));
  assertEquals(served, ["REQ replaced"]);
});

Deno.test("a REQ and a COUNT of one id wait apart, and a CLOSE takes both back", async () => {
  const { gate, connection, served, decisions, receive } = openGate();
  receive("REQ", "a");
  receive("COUNT", "a");
  receive("REQ", "b");
  gate.end(connection, "b");
  await settle(decisions.map((answer) => () => answer("blocked: x")));
  assertEquals(served, ["REQ a: blocked: x", "COUNT a: blocked: x"]);
  receive("REQ", "c");
  receive("COUNT", "c");
  gate.close(connection, "c");
  await settle(decisions.map((answer) => () => answer(null)));
  assertEquals(served.length, 2);
});

Deno.test("what waits of a client is bounded, and whoever replaces a request of its own finds its place", async () => {
  const { served, decisions, receive } = openGate();
  for (let n = 0; n <= SUBSCRIPTIONS_MAX; n++) receive("REQ", `${n}`);
  assertMatch(served.pop()!, /^REQ 3: rate-limited: more than 3 requests wait/);
  receive("REQ", "0");
  assertEquals(served, []);
  await settle(decisions.map((answer) => () => answer(null)));
  assertEquals(served, ["REQ 1", "REQ 2", "REQ 0"]);
});

Deno.test("who may not read any more when the plugin has decided, or the relay stops by then, is refused", async () => {
  const { gate, served, decisions, rights, receive } = openGate();
  receive("REQ", "a");
  rights.refusal = "restricted: members only";
  await settle([() => decisions[0]!(null)]);
  receive("REQ", "b");
  gate.drain();
  await settle([() => decisions[1]!(null)]);
  receive("REQ", "c");
  const stopping = "error: the relay stops, try again later";
  assertEquals(served, ["REQ a: restricted: members only", `REQ b: ${stopping}`, `REQ c: ${stopping}`]);
});

Deno.test("a request that is closed gets no invite code, and of two with one id the later does", async () => {
  const { gate, connection, served, sent, codes, rights, receive } = openGate();
  rights.hasPlugin = false;
  for (const id of ["closed", "replaced", "replaced", "another"]) receive("REQ", id, INVITE);
  gate.close(connection, "closed");
  await settle(codes.map((answer, n) => () => answer({ event: `{"n":${n}}` })));
  assertEquals(served, ["REQ replaced", "REQ another"]);
  assertEquals(sent, [`["EVENT","replaced",{"n":2}]`, `["EVENT","another",{"n":3}]`]);
});

Deno.test("a client that has gone is answered nothing", async () => {
  const { gate, connection, served, sent, decisions, codes, rights, receive } = openGate();
  receive("REQ", "a");
  rights.hasPlugin = false;
  receive("REQ", "b", INVITE);
  gate.forget(connection);
  await settle([() => decisions[0]!(null), () => codes[0]!({ refusal: "error: x" })]);
  assertEquals([served, sent], [[], []]);
});
