/**
 * Tests of keeping the decisions, of telling about them and of the view of them.
 * Run on the main thread; each test has a database of its own.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { key, plainEvent, sender } from "../../tests/support/plain_event.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { InvariantError } from "../invariant.ts";
import { MANAGEMENT_ROLES_MAX } from "../limits.ts";
import { allowedKinds } from "../policy/allowed_kinds.ts";
import { allowedWriters } from "../policy/allowed_writers.ts";
import { type ManagementChange, ManagementError, type Role } from "./management_state.ts";
import { SqliteManagementState } from "./state.ts";
import { ManagementView } from "./view.ts";

const [A, B] = [key("a"), key("b")];
const KING: Role = { id: "king", label: "King", description: "", color: 37, order: 1 };

function open(db = new DatabaseSync(":memory:")) {
  const state = new SqliteManagementState(db, () => 1_000);
  const changes: ManagementChange[] = [];
  const stop = state.onChange((change) => changes.push(change));
  return { db, state, changes, stop };
}

Deno.test("what was decided is there after the database was closed and opened", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/management.sqlite`;
  const first = open(new DatabaseSync(path));
  first.state.decide("pubkey", A, "banned", "spam");
  first.state.decide("kind", "4", "banned", "");
  first.state.report(B, "nudity");
  first.state.setText("name", "Home");
  first.state.putRole(KING);
  first.state.assign(A, "king", true);
  const everything = first.state.everything();
  first.db.close();

  const second = open(new DatabaseSync(path));
  assertEquals(second.state.everything(), everything);
  assertEquals(second.state.count("pubkey", "banned"), 1);
  assertEquals(second.state.verdict("event", B), "pending");
  assertEquals(second.state.text("name"), "Home");
  assertEquals(second.state.role("king"), KING);
  assertEquals(second.state.members("king"), [A]);
  second.db.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("listeners hear every change after it was kept, and nothing where nothing changed", () => {
  const { state, changes, stop } = open();
  state.onChange((change) => {
    if (change.type === "verdict") assertEquals(state.verdict(change.subject, change.key), change.verdict);
  });
  state.decide("ip", "192.0.2.1", "banned", "spam");
  assert(!state.withdraw("ip", "192.0.2.1", "allowed"));
  assert(!state.withdraw("ip", "192.0.2.2", "banned"));
  assert(state.withdraw("ip", "192.0.2.1", "banned"));
  state.setText("icon", "https://a.example/");
  state.setText("icon", null);
  state.putRole(KING);
  state.assign(A, "king", true);
  state.assign(A, "king", true);
  state.assign(B, "king", false);
  assert(state.deleteRole("king"));
  assert(!state.deleteRole("king"));
  assertEquals(changes, [
    { type: "verdict", subject: "ip", key: "192.0.2.1", verdict: "banned", reason: "spam" },
    { type: "verdict", subject: "ip", key: "192.0.2.1", verdict: null, reason: "" },
    { type: "text", name: "icon", value: "https://a.example/" },
    { type: "text", name: "icon", value: null },
    { type: "role", role: KING },
    { type: "member", pubkey: A, role: "king", isAssigned: true },
    { type: "role-deleted", id: "king" },
  ]);
  stop();
  state.decide("pubkey", A, "banned", "");
  assertEquals(changes.length, 7);
});

Deno.test("a role is given only where it exists, and there are only so many", () => {
  const { state } = open();
  assertThrows(() => state.assign(A, "king", true), InvariantError);
  for (let n = 0; n < MANAGEMENT_ROLES_MAX; n++) state.putRole({ ...KING, id: `r${n}` });
  assertThrows(
    () => state.putRole({ ...KING, id: "more" }),
    ManagementError,
    'Cannot create role "more": there are 1000 already',
  );
  state.putRole({ ...KING, id: "r0", label: "changed" });
  assertEquals(state.role("r0")?.label, "changed");
});

Deno.test("it works inside of an open transaction", () => {
  const { db, state } = open();
  state.putRole(KING);
  db.exec("BEGIN");
  state.assign(A, "king", true);
  state.deleteRole("king");
  state.decide("pubkey", A, "allowed", "");
  db.exec("COMMIT");
  assertEquals(state.roles(), []);
  assertEquals(state.entries("pubkey", "allowed"), [{ key: A, reason: "" }]);
});

Deno.test("policies that hold a view's sets follow its changes", () => {
  const { state } = open();
  const view = new ManagementView(state.everything());
  state.onChange((change) => view.apply(change));
  const writers = allowedWriters({
    allowed: null,
    denied: view.bannedPubkeys,
    kindsToAllowed: null,
    openKinds: null,
  });
  const kinds = allowedKinds({ allowed: view.allowedKinds, denied: view.bannedKinds });
  const refusals = () =>
    [writers(plainEvent(), sender()), kinds(plainEvent(), sender())].filter((text) => text);
  assertEquals(refusals(), []);
  state.decide("pubkey", A, "banned", "");
  state.decide("kind", "1", "banned", "");
  assertEquals(refusals(), [
    "blocked: this author is banned here",
    "blocked: events of kind 1 are not taken here",
  ]);
  state.withdraw("pubkey", A, "banned");
  state.withdraw("kind", "1", "banned");
  assertEquals(refusals(), []);
  state.decide("kind", "7", "allowed", "");
  assertEquals(refusals(), ["blocked: events of kind 1 are not taken here"]);
  state.decide("kind", "1", "allowed", "");
  assertEquals(refusals(), []);
});

/** All that a view says, as plain data. */
function contents(view: ManagementView, keys: string[], ips: string[]): unknown {
  return {
    sets: [view.bannedPubkeys, view.allowedPubkeys, view.bannedEvents, view.bannedKinds].map((set) =>
      [...set as ReadonlySet<unknown>].map(String).sort()
    ),
    allowed: [1, 2, 3].map((kind) => view.allowedKinds.has(kind)),
    blocked: ips.map((ip) => view.blockedAddresses.has(ip)),
    texts: [view.text("name"), view.text("description"), view.text("icon")],
    roles: [...view.roles].sort(),
    members: keys.map((pubkey) => [...view.rolesOf(pubkey)].sort()),
  };
}

Deno.test("fuzz: a view that heard every change equals one that is made afterwards", () => {
  const prng = seededPrng("view of management against its state");
  const keys = [A, B, key("c")];
  const ips = ["192.0.2.1", "192.0.2.0/24", "2001:db8::/32"];
  const keyOf = { pubkey: keys, event: keys, kind: ["1", "2", "3"], ip: ips };
  const { state } = open();
  const heard = new ManagementView();
  state.onChange((change) => heard.apply(structuredClone(change)));
  for (let n = 0; n < 2_000; n++) {
    const subject = prng.pick(["pubkey", "event", "kind", "ip"] as const);
    const subjectKey = prng.pick(keyOf[subject]);
    const verdict = prng.pick(["allowed", "banned"] as const);
    const roles = state.roles();
    const step = prng.int(0, 6);
    if (step <= 1) state.decide(subject, subjectKey, verdict, "");
    else if (step === 2) state.withdraw(subject, subjectKey, verdict);
    else if (step === 3) state.report(prng.pick(keys), "");
    else if (step === 4) state.setText(prng.pick(["name", "icon"]), prng.pick(["x", "y", null]));
    else if (step === 5 && roles.length > 0) {
      state.assign(prng.pick(keys), prng.pick(roles).id, prng.chance(0.6));
    } else if (prng.chance(0.7)) state.putRole({ ...KING, id: prng.pick(["x", "y"]), order: prng.int(0, 9) });
    else state.deleteRole("x");
    if (n % 50 !== 0) continue;
    const made = new ManagementView(state.everything());
    const probes = ["192.0.2.1", "192.0.2.9", "2001:db8::7"];
    assertEquals(contents(heard, keys, probes), contents(made, keys, probes));
    for (const one of ["allowed", "banned", "pending"] as const) {
      assertEquals(state.count(subject, one), state.entries(subject, one).length);
    }
  }
});
