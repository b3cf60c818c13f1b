/** Tests of negentropy sessions apart from sockets and readers: turns, idleness, and the end of connections. */
import { assertEquals, assertMatch } from "@std/assert";
import { NEGENTROPY_IDLE_MS_MAX } from "../../lib/limits.ts";
import { AuthState, CHALLENGE_BYTES } from "../../lib/nostr/auth.ts";
import { Connection } from "./connection.ts";
import { type NegentropySession, NegentropySessions } from "./negentropy_sessions.ts";
import { OutboundPool } from "./outbound_pool.ts";
import type { AskedQuery, SliceHeader } from "./reader_link.ts";

/** Sessions whose readers answer when the test says so. */
function open() {
  const sent: unknown[][] = [];
  const asked: [verb: string, query: AskedQuery][] = [];
  const socket = { send: (text: string) => sent.push(JSON.parse(text)), bufferedBytes: 0, close() {} };
  const auth = new AuthState(["ws://relay"], new Uint8Array(CHALLENGE_BYTES));
  const engine = {
    ...socket,
    flow: null,
    used: 0,
    usedMs: 0,
    visitMs: 0,
    visitTurn: 0,
    isHeldBack: false,
    rested() {},
    sendEvent() {},
  };
  const connection = new Connection(
    1,
    engine,
    "127.0.0.1",
    auth,
    1e6,
    new OutboundPool(new SharedArrayBuffer(8), 0),
  );
  let hasRoom = true;
  let refusal: string | null = null;
  const sessions = new NegentropySessions({
    ask: (query) => {
      if (hasRoom) asked.push(["ask", query]);
      return hasRoom;
    },
    answer: (query) => asked.push(["answer", query]),
    cancel: (query) => asked.push(["cancel", query]),
  }, {
    spent: () => {},
    answers: { challenge: () => void sent.push(["AUTH"]) },
    room: { acquire: () => null, release: () => {} },
  });
  const start = (subscriptionId = "s") =>
    sessions.receive(connection, {
      type: "NEG-OPEN",
      subscriptionId,
      filter: { tags: [], limit: 10 },
      message: "6100000200",
    }, refusal);
  const slice = (state: SliceHeader["state"], note: SliceHeader["note"]): SliceHeader => ({
    state,
    note,
    rows() {},
  });
  return {
    sessions,
    connection,
    sent,
    asked,
    start,
    slice,
    fill: () => hasRoom = false,
    refuse: (reason: string | null) => refusal = reason,
    session: (id = "s") => connection.syncs.get(id) as NegentropySession,
  };
}

Deno.test("the two sides take turns: a second message before the answer ends the session", () => {
  const { sessions, connection, sent, asked, start, slice, session } = open();
  start();
  const query = session();
  assertEquals(query.message, "6100000200");
  query.onSlice(slice("more", { answer: "61" }));
  assertEquals(sent, [["NEG-MSG", "s", "61"]]);
  // A successor of the reader that held the set is asked without a message: it is the client's turn.
  assertEquals(query.message, "");
  sessions.receive(connection, { type: "NEG-MSG", subscriptionId: "s", message: "6161" }, null);
  assertEquals(query.message, "6161");
  sessions.receive(connection, { type: "NEG-MSG", subscriptionId: "s", message: "6161" }, null);
  assertMatch(sent.at(-1)![2] as string, /^invalid: /);
  assertEquals(asked.map(([verb]) => verb), ["ask", "answer", "cancel"]);
  assertEquals(sessions.size, 0);
  query.onSlice(slice("more", { answer: "61" }));
  assertEquals(sent.length, 2, "nothing comes after the end");
});

Deno.test("a session ends when its client takes too long, not when a reader does", () => {
  const { sessions, sent, start, slice, session } = open();
  start("waits for us");
  start("waits for the client");
  session("waits for the client").onSlice(slice("more", { answer: "61" }));
  sessions.endIdle(performance.now() + NEGENTROPY_IDLE_MS_MAX / 2);
  assertEquals(sent.length, 1);
  sessions.endIdle(performance.now() + NEGENTROPY_IDLE_MS_MAX + 1_000);
  assertEquals(sent.slice(1), [["NEG-ERR", "waits for the client", "closed: you took too long to respond"]]);
  assertEquals(sessions.size, 1);
  session("waits for us").onSlice(slice("failed", { reason: "blocked: too many", eventsMax: 5 }));
  assertEquals(sent.at(-1), ["NEG-ERR", "waits for us", "blocked: too many", 5]);
  assertEquals(sessions.size, 0);
});

Deno.test("refusals: a stopping relay, readers without room, and whoever may not read", () => {
  const { sessions, connection, sent, start, fill, refuse, asked } = open();
  refuse("auth-required: sign in");
  start();
  assertEquals(sent.shift(), ["AUTH"]);
  refuse(null);
  fill();
  start();
  sessions.isDraining = true;
  start();
  assertEquals(sent.map(([verb, id, reason]) => [verb, id, (reason as string).split(":")[0]]), [
    ["NEG-ERR", "s", "auth-required"],
    ["NEG-ERR", "s", "blocked"],
    ["NEG-ERR", "s", "closed"],
  ]);
  assertEquals([asked, connection.syncs.size], [[], 0]);
});

Deno.test("a reader gets the proved keys as they were at the beginning", () => {
  const { sessions, connection, start, session } = open();
  start("nobody");
  assertEquals(session("nobody").keys, []);
  connection.auth.prove("a".repeat(64));
  connection.keysChanged();
  start("somebody");
  connection.auth.prove("b".repeat(64));
  connection.keysChanged();
  assertEquals(session("somebody").keys, ["a".repeat(64)]);
  sessions.closed(connection);
});

Deno.test("a connection that ends takes its sessions along", () => {
  const { sessions, connection, asked, start } = open();
  start("a");
  start("b");
  sessions.closed(connection);
  assertEquals(asked.map(([verb]) => verb), ["ask", "ask", "cancel", "cancel"]);
  assertEquals([sessions.size, connection.syncs.size], [0, 0]);
});
