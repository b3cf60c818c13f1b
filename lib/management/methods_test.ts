/**
 * Tests of every method of NIP-86: what it answers, what it changes, and what it refuses.
 * Run on the main thread; each test has a database of its own in memory.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { key } from "../../tests/support/plain_event.ts";
import { MANAGEMENT_BODY_BYTES_MAX } from "../limits.ts";
import { type ManagementContext, METHODS } from "./methods.ts";
import { answerManagement, isManagementContentType } from "./rpc.ts";
import { SqliteManagementState } from "./state.ts";

const [A, B, ADMIN] = [key("a"), key("b"), key("9")];

function open(fields: Partial<ManagementContext> = {}) {
  let now = 0;
  const state = new SqliteManagementState(new DatabaseSync(":memory:"), () => now++);
  const context: ManagementContext = {
    state,
    admins: new Set([ADMIN]),
    stats: () => ({ events: 7 }),
    disabled: new Set(),
    ...fields,
  };
  const call = (method: string, ...params: unknown[]) => {
    const { status, body } = answerManagement(JSON.stringify({ method, params }), context);
    assertEquals(status === 200 || "error" in JSON.parse(body), true);
    return JSON.parse(body);
  };
  return { state, context, call };
}

/** Calls in a row, each with its answer. */
type Story = readonly (readonly [method: string, params: readonly unknown[], result: unknown])[];

function tell(story: Story): void {
  const { call } = open();
  for (const [method, params, result] of story) {
    assertEquals(call(method, ...params), { result }, `${method} ${JSON.stringify(params)}`);
  }
}

const STORIES: Readonly<Record<string, Story>> = {
  "keys are banned with a reason, listed in that order, and unbanned": [
    ["listbannedpubkeys", [], []],
    ["banpubkey", [B, "spam"], true],
    ["banpubkey", [A], true],
    ["listbannedpubkeys", [], [{ pubkey: B, reason: "spam" }, { pubkey: A }]],
    ["unbanpubkey", [B, "a mistake"], true],
    ["unbanpubkey", [B], true],
    ["listbannedpubkeys", [], [{ pubkey: A }]],
  ],
  "a key is allowed or banned, whichever was said last": [
    ["allowpubkey", [A, "a friend"], true],
    ["listallowedpubkeys", [], [{ pubkey: A, reason: "a friend" }]],
    ["unbanpubkey", [A], true],
    ["listallowedpubkeys", [], [{ pubkey: A, reason: "a friend" }]],
    ["banpubkey", [A, null], true],
    ["listallowedpubkeys", [], []],
    ["listbannedpubkeys", [], [{ pubkey: A }]],
    ["unallowpubkey", [A], true],
    ["listbannedpubkeys", [], [{ pubkey: A }]],
    ["allowpubkey", [A], true],
    ["unallowpubkey", [A], true],
    ["listallowedpubkeys", [], []],
  ],
  "roles are made, changed, given, taken and deleted": [
    ["createrole", ["king", "King", "ruler of the relay", "37", 1], true],
    ["createrole", ["guest"], true],
    ["assignrole", [B, "king"], true],
    ["assignrole", [A, "king"], true],
    ["assignrole", [A, "king"], true],
    ["assignrole", [A, "guest"], true],
    ["listroles", [], [
      { id: "king", label: "King", description: "ruler of the relay", color: 37, order: 1, members: [A, B] },
      { id: "guest", label: "", description: "", color: null, order: null, members: [A] },
    ]],
    ["editrole", ["king", "Queen", "", null, "2"], true],
    ["unassignrole", [A, "king"], true],
    ["unassignrole", [A, "king"], true],
    ["deleterole", ["guest"], true],
    ["listroles", [], [{ id: "king", label: "Queen", description: "", color: null, order: 2, members: [B] }]],
    ["createrole", ["guest"], true],
    ["listroles", [], [
      { id: "king", label: "Queen", description: "", color: null, order: 2, members: [B] },
      { id: "guest", label: "", description: "", color: null, order: null, members: [] },
    ]],
  ],
  "events are banned and allowed": [
    ["banevent", [A, "illegal"], true],
    ["listbannedevents", [], [{ id: A, reason: "illegal" }]],
    ["allowevent", [A], true],
    ["listbannedevents", [], []],
    ["listeventsneedingmoderation", [], []],
  ],
  "the relay's texts are changed, and an empty one is the configured one again": [
    ["changerelayname", ["Home"], true],
    ["changerelaydescription", ["two\nlines"], true],
    ["changerelayicon", ["https://relay.example.com/icon.png"], true],
    ["changerelayname", [""], true],
    ["changerelaydescription", [""], true],
    ["changerelayicon", [""], true],
  ],
  "kinds are allowed and disallowed": [
    ["allowkind", [30_023], true],
    ["allowkind", [1], true],
    ["listallowedkinds", [], [1, 30_023]],
    ["disallowkind", [1], true],
    ["listallowedkinds", [], [30_023]],
    ["listdisallowedkinds", [], [1]],
  ],
  "to allow a kind that was disallowed does not disallow all others": [
    ["disallowkind", [4], true],
    ["allowkind", [4], true],
    ["listdisallowedkinds", [], []],
    ["listallowedkinds", [], []],
  ],
  "addresses and networks are blocked, however they are written": [
    ["blockip", ["2001:DB8::0:1", "spam"], true],
    ["blockip", ["192.0.2.77/24"], true],
    ["listblockedips", [], [{ ip: "2001:db8::1", reason: "spam" }, { ip: "192.0.2.0/24" }]],
    ["unblockip", ["2001:db8:0::1"], true],
    ["unblockip", ["192.0.2.0/24", "why not"], true],
    ["listblockedips", [], []],
  ],
  "the numbers are the relay's": [["stats", [], { events: 7 }]],
};

for (const [name, story] of Object.entries(STORIES)) Deno.test(name, () => tell(story));

const NOT_A_KEY = [7, "", "xyz", A.toUpperCase(), A + "a", A.slice(1), [A], { A }];
const NOT_A_REASON = [7, "x".repeat(301), "two\nlines", [], "\ud800"];
const NOT_A_KIND = [-1, 65_536, 1.5, "1", "", [1]];
const NOT_AN_ADDRESS = [7, "", "localhost", "1.2.3", "1.2.3.4/33", "::1/129"];
const NOT_A_ROLE_ID = [7, "", "x".repeat(65), "a\nb"];
const NOT_A_HUE = [-1, 361, 1.5, "red", "1.5", []];

/** Method → for each parameter, a good value, what is said of a bad one, and bad ones. */
const PARAMETERS: Readonly<Record<string, readonly (readonly [unknown, string, readonly unknown[]])[]>> = {
  ...Object.fromEntries(
    ["banpubkey", "unbanpubkey", "allowpubkey", "unallowpubkey"].map((name) => [name, [
      [A, "a public key of 64 lowercase hex characters", NOT_A_KEY],
      ["spam", "one line of at most 300 characters", NOT_A_REASON],
    ]]),
  ),
  ...Object.fromEntries(
    ["banevent", "allowevent"].map((name) => [name, [
      [A, "an event id of 64 lowercase hex characters", NOT_A_KEY],
      ["spam", "one line of at most 300 characters", NOT_A_REASON],
    ]]),
  ),
  ...Object.fromEntries(
    ["createrole", "editrole"].map((name) => [name, [
      ["king", "one line of 1 to 64 characters", NOT_A_ROLE_ID],
      ["King", "one line of at most 100 characters", [7, "x".repeat(101), "a\nb"]],
      ["ruler", "one line of at most 300 characters", [7, "x".repeat(301)]],
      [37, "an integer from 0 to 360", NOT_A_HUE],
      [1, "an integer from -1000000 to 1000000", [1.5, "x", 1_000_001, {}]],
    ]]),
  ),
  ...Object.fromEntries(
    ["assignrole", "unassignrole"].map((name) => [name, [
      [A, "a public key of 64 lowercase hex characters", NOT_A_KEY],
      ["king", "one line of 1 to 64 characters", NOT_A_ROLE_ID],
    ]]),
  ),
  ...Object.fromEntries(
    ["allowkind", "disallowkind"].map((name) => [name, [[1, "an integer from 0 to 65535", NOT_A_KIND]]]),
  ),
  ...Object.fromEntries(
    ["blockip", "unblockip"].map((name) => [name, [
      ["192.0.2.1", "an IP address or a network such as 192.0.2.0/24", NOT_AN_ADDRESS],
      ["spam", "one line of at most 300 characters", NOT_A_REASON],
    ]]),
  ),
  deleterole: [["king", "one line of 1 to 64 characters", NOT_A_ROLE_ID]],
  changerelayname: [["Home", "one line of at most 100 characters", [7, "x".repeat(101), "a\nb", []]]],
  changerelaydescription: [["Home", "a text of at most 2000 characters", [7, "x".repeat(2_001), {}]]],
  changerelayicon: [["https://a.example/", "a URL with http:// or https://", [
    7,
    "icon.png",
    "javascript:alert(1)",
    "x".repeat(2_001),
  ]]],
};

Deno.test("every method tells which parameter is wrong and what it should be, and changes nothing", () => {
  for (const [name, kinds] of Object.entries(PARAMETERS)) {
    for (const [at, [, what, bad]] of kinds.entries()) {
      for (const value of bad) {
        const { state, call } = open();
        const params = kinds.map(([good]) => good);
        params[at] = value;
        assertEquals(call(name, ...params), {
          error: `Cannot read parameter ${at + 1} of "${name}": it is not ${what}`,
        }, JSON.stringify(value));
        assertEquals(state.everything(), []);
      }
    }
  }
});

Deno.test("every method refuses more parameters than it has, and its first one missing", () => {
  for (const [name, { parameters }] of Object.entries(METHODS)) {
    const { call } = open();
    const kinds = PARAMETERS[name] ?? [];
    assertEquals(kinds.length, parameters.length, `${name} has its bad input tested`);
    const many = [...kinds.map(([good]) => good), "more"];
    const most = kinds.length === 0 ? "no parameters" : `at most ${kinds.length} parameters`;
    assertEquals(call(name, ...many), {
      error: `Cannot call method "${name}": it takes ${most}, not ${many.length}`,
    });
    if (kinds.length === 0) continue;
    for (const params of [[], [null]]) {
      assertEquals(call(name, ...params), { error: `Cannot read parameter 1 of "${name}": it is missing` });
    }
  }
});

Deno.test("every method of NIP-86 is there and told in a story", () => {
  const names = Object.keys(METHODS).filter((name) => name !== "supportedmethods");
  const { call } = open();
  assertEquals(call("supportedmethods"), { result: names });
  // The list of NIP-86, in its order.
  const listed =
    "banpubkey unbanpubkey listbannedpubkeys allowpubkey unallowpubkey listallowedpubkeys createrole " +
    "editrole deleterole assignrole unassignrole listeventsneedingmoderation allowevent banevent listbannedevents " +
    "changerelayname changerelaydescription changerelayicon allowkind disallowkind listallowedkinds blockip " +
    "unblockip listblockedips";
  for (const name of listed.split(" ")) assert(names.includes(name), name);
  const told = new Set(Object.values(STORIES).flatMap((story) => story.map(([method]) => method)));
  for (const name of names) assert(told.has(name), `${name} is told`);
});

Deno.test("a method that is disabled is neither offered nor answered", () => {
  const { call } = open({ disabled: new Set(["createrole"]) });
  assert(!call("supportedmethods").result.includes("createrole"));
  assertEquals(call("createrole", "king"), {
    error: 'Cannot call method "createrole": there is none of this name',
  });
});

Deno.test("who manages the relay is not banned", () => {
  const { call, state } = open();
  assertEquals(call("banpubkey", ADMIN), { error: `Cannot ban pubkey "${ADMIN}": it manages this relay` });
  assertEquals(state.everything(), []);
});

Deno.test("roles that exist are not made again, and those that do not are neither changed nor given", () => {
  const { call } = open();
  for (const [method, verb] of [["editrole", "edit"], ["deleterole", "delete"]] as const) {
    assertEquals(call(method, "king"), { error: `Cannot ${verb} role "king": there is none` });
  }
  assertEquals(call("assignrole", A, "king"), { error: 'Cannot assign role "king": there is none' });
  assertEquals(call("unassignrole", A, "king"), { error: 'Cannot unassign role "king": there is none' });
  call("createrole", "king", "King");
  assertEquals(call("createrole", "king"), { error: 'Cannot create role "king": it exists already' });
  assertEquals(call("listroles").result[0].label, "King");
});

Deno.test("the last allowed kind is not disallowed, since that would allow all others", () => {
  const { call, state } = open();
  call("allowkind", 1);
  assertEquals(call("disallowkind", 1), {
    error: 'Cannot disallow kind "1": it is the last one allowed, and without any every kind is',
  });
  assertEquals(call("disallowkind", 2), { result: true });
  assertEquals(call("allowkind", 3), { result: true });
  assertEquals(call("disallowkind", 1), { result: true });
  assertEquals(state.entries("kind", "allowed").map(({ key }) => key), ["3"]);
});

Deno.test("a changed text is the relay's until an empty one takes it back", () => {
  const { call, state } = open();
  const texts = { name: "Home", description: "two\nlines", icon: "https://a.example/" } as const;
  for (const name of ["name", "description", "icon"] as const) {
    assertEquals(state.text(name), null);
    call(`changerelay${name}`, texts[name]);
    assertEquals(state.text(name), texts[name]);
    call(`changerelay${name}`, "");
    assertEquals(state.text(name), null);
  }
});

Deno.test("reported events wait for a moderator, whose word is kept", () => {
  const { call, state } = open();
  assert(state.report(A, "spam"));
  assert(state.report(B, ""));
  assert(state.report(A, "nudity"));
  assertEquals(call("listeventsneedingmoderation"), { result: [{ id: A, reason: "spam" }, { id: B }] });
  call("allowevent", A);
  call("banevent", B, "indeed");
  assertEquals(call("listeventsneedingmoderation"), { result: [] });
  assert(!state.report(A, "spam"));
  assert(!state.report(B, "spam"));
  assertEquals(call("listeventsneedingmoderation"), { result: [] });
  assertEquals(call("listbannedevents"), { result: [{ id: B, reason: "indeed" }] });
});

Deno.test("what is no request is answered in words and with 400", () => {
  const { context } = open();
  const bodies: Record<string, string> = {
    "": "it is not JSON",
    "{": "it is not JSON",
    "[]": "it is not an object",
    "null": "it is not an object",
    "{}": "its method is not a string",
    '{"method":7}': "its method is not a string",
    '{"method":"stats","params":{}}': "its params are not an array",
    [" ".repeat(MANAGEMENT_BODY_BYTES_MAX + 1)]: "it is longer than 65536 bytes",
  };
  for (const [body, why] of Object.entries(bodies)) {
    assertEquals(answerManagement(body, context), {
      status: 400,
      body: JSON.stringify({ error: `Cannot read request: ${why}` }),
      method: null,
    });
  }
});

Deno.test("a request needs no params where its method has none, and says what was called", () => {
  const { context } = open();
  assertEquals(answerManagement('{"method":"stats","id":1}', context), {
    status: 200,
    body: '{"result":{"events":7}}',
    method: "stats",
  });
});

Deno.test("names that every object has are no methods", () => {
  const { call } = open();
  for (const name of ["toString", "__proto__", "constructor", "", "BANPUBKEY", "x".repeat(99)]) {
    assertEquals(call(name), {
      error: `Cannot call method "${name.slice(0, 64)}": there is none of this name`,
    });
  }
});

Deno.test("a mistake of ours is thrown, not answered", () => {
  const { context } = open({
    stats: () => {
      throw new TypeError("broken");
    },
  });
  const error = assertThrows(() => answerManagement('{"method":"stats"}', context), TypeError);
  assertStringIncludes(error.message, "broken");
});

Deno.test("the content type is known by its name alone", () => {
  assert(isManagementContentType("application/nostr+json+rpc"));
  assert(isManagementContentType("Application/Nostr+JSON+rpc ; charset=utf-8"));
  for (
    const other of [null, "", "application/json", "application/nostr+json", "x application/nostr+json+rpc"]
  ) {
    assert(!isManagementContentType(other), String(other));
  }
});
