/**
 * Tests of joining, leaving and inviting, and of what the relay says about its members.
 * Run on the main thread; each test has a database of its own.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { key, plainEvent } from "../../tests/support/plain_event.ts";
import {
  INVITE_EXPIRED_SECONDS,
  INVITES_MAX,
  MEMBER_REQUEST_SECONDS_MAX,
  MEMBERS_LISTED_MAX,
} from "../limits.ts";
import { KIND_JOIN } from "../nostr/kinds.ts";
import { ManagementError } from "./management_state.ts";
import { memberEvents, type MemberRoll } from "./member_events.ts";
import { answerMemberRequest, makeInvite } from "./membership.ts";
import { SqliteManagementState } from "./state.ts";

const [A, B, C] = [key("a"), key("b"), key("c")];
const NOW = 1_000_000;

function relay(nowSeconds = NOW) {
  const state = new SqliteManagementState(new DatabaseSync(":memory:"), () => NOW);
  let codes = 0;
  const has = (pubkey: string) => state.verdict("pubkey", pubkey) === "allowed";
  const context = {
    state,
    nowSeconds,
    relayUrl: "wss://r.example",
    members: { has },
    named: new Set<string>(),
    rolesOf: () => [],
    inviters: null,
  };
  const terms = { newCode: () => `code ${++codes}`, uses: 1, seconds: 100 };
  const join = (pubkey: string, code: string, later = 0) => {
    const event = plainEvent({ pubkey, kind: KIND_JOIN, created_at: NOW + later, tags: [["claim", code]] });
    return answerMemberRequest(event, { ...context, nowSeconds: NOW + later });
  };
  return { state, context, terms, join };
}

Deno.test("a code is good until it expires, is then known as expired, and is forgotten later", () => {
  const { context, terms, join } = relay();
  const code = makeInvite([A], context, terms);
  const expired = { accepted: false, message: "restricted: that invite code is expired." };
  assertEquals(join(B, code, 100), expired);
  assertEquals(join(B, code, 99), { accepted: true, message: "info: welcome to wss://r.example!" });
  const late = { ...context, nowSeconds: NOW + 101 + INVITE_EXPIRED_SECONDS };
  makeInvite([C], late, terms);
  assertEquals(join(C, code), { accepted: false, message: "restricted: that is an invalid invite code." });
});

Deno.test("the codes of a key that is banned are void, and a ban is not taken back by joining", () => {
  const { state, context, terms, join } = relay();
  const code = makeInvite([A], context, terms);
  state.decide("pubkey", B, "banned", "");
  assertEquals(join(B, code).message, "restricted: you are banned here.");
  assertEquals(state.verdict("pubkey", B), "banned");
  state.decide("pubkey", A, "banned", "");
  assertEquals(join(C, code).accepted, false);
  assertThrows(() => makeInvite([A], context, terms), ManagementError, "restricted:");
  assertThrows(() => makeInvite([], context, terms), ManagementError, "auth-required:");
});

Deno.test("who fills the table of codes keeps other keys from inviting, but not those that the settings name", () => {
  const { state, context, terms } = relay();
  for (let n = 0; n < INVITES_MAX; n++) {
    state.invites.put(`used ${n}`, { inviter: C, expiresAt: NOW + 100, usesLeft: 0 });
  }
  assertThrows(() => makeInvite([A], context, terms), ManagementError, "rate-limited:");
  assertEquals(makeInvite([A], { ...context, named: new Set([A]) }, terms), "code 1");
});

Deno.test("a request of another time is refused, to the second", () => {
  const { context } = relay();
  const ask = (created_at: number) =>
    answerMemberRequest(
      plainEvent({ pubkey: A, kind: KIND_JOIN, created_at, tags: [["claim", "x"]] }),
      context,
    )
      .message.split(":")[0];
  assertEquals(ask(NOW - MEMBER_REQUEST_SECONDS_MAX), "restricted");
  assertEquals(ask(NOW - MEMBER_REQUEST_SECONDS_MAX - 1), "invalid");
  assertEquals(ask(NOW + MEMBER_REQUEST_SECONDS_MAX + 1), "invalid");
});

Deno.test("what has changed is told and nothing else, and the list is bounded", () => {
  const roll = (...keys: string[]): MemberRoll => ({
    members: new Map(keys.map((key) => [key, []])),
    roles: new Map(),
  });
  const kinds = (before: MemberRoll | null, now: MemberRoll) =>
    memberEvents(C, before, now).map(({ kind }) => kind);
  assertEquals(kinds(null, roll()), [13_534]);
  assertEquals(kinds(roll(A), roll(A)), []);
  assertEquals(kinds(roll(A), roll(B)), [8_000, 8_001, 13_534]);
  const many = roll(...Array.from({ length: MEMBERS_LISTED_MAX + 1 }, (_, n) => String(n).padStart(64, "0")));
  assertEquals(memberEvents(C, null, many)[0]!.tags.length, MEMBERS_LISTED_MAX + 1);
});
