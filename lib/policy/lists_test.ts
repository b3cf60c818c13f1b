/**
 * Tests of the policies that look into lists. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { key, plainEvent, sender } from "../../tests/support/plain_event.ts";
import { allowedKinds } from "./allowed_kinds.ts";
import { allowedWriters } from "./allowed_writers.ts";
import { bannedEvents } from "./banned_events.ts";
import { KindRanges, readKindRanges } from "./kind_ranges.ts";

const LISTED_ONLY = "restricted: only authors on this relay's list may write here";

Deno.test("kinds are taken when allowed and not denied", () => {
  const of = (allowed: number[] | null, denied: number[] | null, kind: number) =>
    allowedKinds({ allowed: allowed && new Set(allowed), denied: denied && new Set(denied) })(
      plainEvent({ kind }),
      sender(),
    );
  assertEquals(of(null, null, 1), null);
  assertEquals(of([1], null, 1), null);
  assertEquals(of([1], null, 2), "blocked: events of kind 2 are not taken here");
  assertEquals(of(null, [2], 2), "blocked: events of kind 2 are not taken here");
  assertEquals(of([2], [2], 2), "blocked: events of kind 2 are not taken here");
  assertEquals(of([], null, 0), "blocked: events of kind 0 are not taken here");
});

Deno.test("a list that changes later changes the policy", () => {
  const denied = new Set<number>();
  const policy = allowedKinds({ allowed: null, denied });
  assertEquals(policy(plainEvent(), sender()), null);
  denied.add(1);
  assertEquals(policy(plainEvent(), sender()), "blocked: events of kind 1 are not taken here");
});

Deno.test("authors are taken when allowed and not banned", () => {
  const policy = allowedWriters({
    allowed: new Set([key("a"), key("b")]),
    denied: new Set([key("b"), key("c")]),
    kindsToAllowed: null,
    openKinds: null,
  });
  const by = (digit: string) => policy(plainEvent({ pubkey: key(digit) }), sender());
  assertEquals(by("a"), null);
  assertEquals(by("b"), "blocked: this author is banned here");
  assertEquals(by("c"), "blocked: this author is banned here");
  assertEquals(by("d"), LISTED_ONLY);
  const open = allowedWriters({ allowed: null, denied: null, kindsToAllowed: null, openKinds: null });
  assertEquals(open(plainEvent(), sender()), null);
});

Deno.test("a gift wrap by anybody reaches an allowed key, and no other kind and no other key does", () => {
  const policy = allowedWriters({
    allowed: new Set([key("a")]),
    denied: new Set([key("c")]),
    kindsToAllowed: new Set([1059]),
    openKinds: null,
  });
  const wrap = (fields: object) =>
    policy(plainEvent({ pubkey: key("d"), kind: 1059, tags: [["x"], ["p", key("a")]], ...fields }), sender());
  assertEquals(wrap({}), null);
  assertEquals(wrap({ tags: [["p", key("e")], ["p"], ["P", key("a")]] }), LISTED_ONLY);
  assertEquals(wrap({ kind: 1 }), LISTED_ONLY);
  assertEquals(wrap({ pubkey: key("c") }), "blocked: this author is banned here");
});

Deno.test("an open kind is taken from anybody but a denied author", () => {
  const policy = allowedWriters({
    allowed: new Set([key("a")]),
    denied: new Set([key("c")]),
    kindsToAllowed: null,
    openKinds: new Set([10_002]),
  });
  const by = (digit: string, kind: number) => policy(plainEvent({ pubkey: key(digit), kind }), sender());
  assertEquals(by("d", 10_002), null);
  assertEquals(by("d", 10_003), LISTED_ONLY);
  assertEquals(by("c", 10_002), "blocked: this author is banned here");
});

Deno.test("a banned event is refused by its id", () => {
  const policy = bannedEvents({ banned: new Set([key("e")]) });
  assertEquals(policy(plainEvent({ id: key("e") }), sender()), "blocked: this event is banned here");
  assertEquals(policy(plainEvent(), sender()), null);
});

Deno.test("ranges of kinds hold their ends and nothing beside them", () => {
  const kinds = readKindRanges("0,3-7, 30000-39999 ,65535")!;
  for (const kind of [0, 3, 5, 7, 30_000, 31_234, 39_999, 65_535]) {
    assertEquals(kinds.has(kind), true, `${kind}`);
  }
  for (const kind of [1, 2, 8, 31, 32, 29_999, 40_000, 65_534]) {
    assertEquals(kinds.has(kind), false, `${kind}`);
  }
  const all = new KindRanges([[0, 65_535]]);
  assertEquals([0, 31, 32, 65_535].every((kind) => all.has(kind)), true);
});

Deno.test("what is no list of kinds is not read", () => {
  for (const text of ["", "a", "1,", "1--2", "7-3", "65536", "0-65536", "-1", "1.5", "1;2", "100000"]) {
    assertEquals(readKindRanges(text), undefined, text);
  }
});
