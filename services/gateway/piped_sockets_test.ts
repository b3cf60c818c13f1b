/** Tests of sockets that another actor serves, with fake sockets: who is let in, what is passed on, what waits. */
import { assert, assertEquals } from "@std/assert";
import { type Config, readConfig } from "../../lib/config/config.ts";
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import {
  API_TARGET_CHARS_MAX,
  OUTBOUND_FLOOR_BYTES,
  OUTBOUND_TOTAL_BYTES_MAX,
  PIPED_TEXT_CHARS_MAX,
  PIPED_TEXTS_UNTAKEN_MAX,
} from "../../lib/limits.ts";
import { createMetricsMemory, ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import type { ActorLink } from "../../runtime/actor_link.ts";
import { eventually } from "../../tests/support/eventually.ts";
import type { SocketNotice, SocketOrder } from "../../wire/piped_sockets.ts";
import type { Admission } from "./admission.ts";
import type { ProofDoor } from "./http/request_proof.ts";
import { OutboundPool } from "./outbound_pool.ts";
import { SocketPipes } from "./piped_sockets.ts";
import type { HandshakeRefusal, Socket, Visitor } from "./sockets/listener.ts";

const WAIT_MS = 10_000;

/** A socket that takes what it is sent, and writes when the test says so. */
class FakeSocket {
  readonly log: unknown[] = [];
  bufferedBytes = 0;
  flow: Socket["flow"] = { pause: () => this.log.push("pause"), resume: () => this.log.push("resume") };

  send(text: string): void {
    this.bufferedBytes += text.length;
    this.log.push(text);
  }

  close(code: number, reason: string): void {
    this.log.push([code, reason]);
  }
}

/** The pipes of a gateway with one path, and what its actor hears. */
function pipesOf({ absence = null as string | null, environment = {} as Record<string, string> } = {}) {
  const notices: SocketNotice[] = [];
  let ends: Parameters<ActorLink["use"]>[0];
  const link = {
    use: (given: typeof ends) => void (ends = given),
    tell: (notice: SocketNotice) => notices.push(notice),
  } as unknown as ActorLink;
  const blocked = new Set<string>();
  const counted = { many: 0 };
  const admission = {
    refusalOf: (address: string) => blocked.has(address) ? "blocked: by the operator" : null,
    admit: (address: string) => blocked.has(address) ? null : (counted.many++, [0, 0]),
    left: () => void counted.many--,
  } as unknown as Admission;
  const config: Config = readConfig(environment);
  const outbound = new SharedArrayBuffer(16);
  const pool = new OutboundPool(outbound, 0);
  pool.use(config.OUTBOUND_BYTES_MAX);
  const pipes = new SocketPipes({
    settings: { config } as ConfigFollower,
    metrics: new ThreadMetrics(createMetricsMemory(1), 0),
    admission,
    proofs: { isToken: (text: string) => text === "right" } as unknown as ProofDoor,
    pool,
  }, [{ path: "/ws", link, absence: () => absence }]);
  const events = pipes.events(() => ({ address: "192.0.2.1", host: "relay.example" })).get("/ws")!;
  const visitor = (target: string, authorization: string | null = null) =>
    events.visitor({ get: () => authorization }, "192.0.2.1", target);
  return {
    ...{ pipes, notices, blocked, counted, events, outbound },
    visitor,
    obey: (order: SocketOrder) => ends.obey(order),
    lost: () => ends.lost(),
    connect() {
      const socket = new FakeSocket();
      const client = events.open(socket as unknown as Socket, visitor("/ws") as Visitor);
      return { socket, client };
    },
  };
}

Deno.test("the actor hears who asks for a socket, and what that has proved", () => {
  const { visitor, events, notices } = pipesOf();
  const socket = new FakeSocket() as unknown as Socket;
  for (const header of [null, "Bearer right"]) {
    events.open(socket, visitor("/ws?after=3&x", header) as Visitor);
  }
  const opened = {
    type: "opened",
    path: "/ws",
    query: "after=3&x",
    address: "192.0.2.1",
    host: "relay.example",
  };
  assertEquals(notices as unknown[], [
    { ...opened, number: 1, proof: { key: null, isAdmin: false } },
    { ...opened, number: 2, proof: { key: null, isAdmin: true } },
  ]);
});

Deno.test("a request with a wrong proof, a URL without bound, or for nobody gets no socket", () => {
  const statusOf = (given: Visitor | HandshakeRefusal) => "status" in given ? given.status : 101;
  const { visitor } = pipesOf();
  for (const header of ["Bearer wrong", "Basic abc", "Nostr abc", ""]) {
    assertEquals(statusOf(visitor("/ws", header)), 401, header);
  }
  assertEquals(statusOf(visitor(`/ws?${"x".repeat(API_TARGET_CHARS_MAX)}`)), 414);
  const absent = pipesOf({ absence: "FORWARD_WS is off" });
  assertEquals(absent.visitor("/ws", "Bearer wrong"), { status: 404, reason: "FORWARD_WS is off" });
});

Deno.test("sockets are counted while they are open, and blocked addresses get none", () => {
  const { connect, events, counted, blocked, pipes, notices } = pipesOf();
  const { client, socket } = connect();
  assertEquals([counted.many, pipes.hasClients], [1, true]);
  blocked.add("192.0.2.1");
  assertEquals(connect().client, null);
  pipes.endBlocked();
  assertEquals(socket.log, [[1008, "blocked: by the operator"]]);
  events.closed(client);
  events.closed(client);
  assertEquals([counted.many, pipes.hasClients], [0, false]);
  assertEquals(notices.slice(1), [{ type: "closed", number: 1 }]);
});

Deno.test("a text is passed on, and the next is read when the actor has taken it", () => {
  const { connect, events, obey, notices } = pipesOf();
  const { client, socket } = connect();
  events.text(client, "one");
  assertEquals(socket.log, ["pause"]);
  // What the engine had read already.
  events.text(client, "two");
  obey({ type: "taken", number: 1 });
  assertEquals(socket.log, ["pause", "pause"]);
  obey({ type: "taken", number: 1 });
  assertEquals(socket.log, ["pause", "pause", "resume"]);
  const texts = notices.slice(1).map((notice) => notice.type === "text" ? notice.text : notice.type);
  assertEquals(texts, ["one", "two"]);
});

Deno.test("texts that are too long, binary, or too many where nobody can be paused, end the socket", () => {
  const { connect, events, notices } = pipesOf();
  const [long, binary, many] = [connect(), connect(), connect()];
  events.text(long.client, "x".repeat(PIPED_TEXT_CHARS_MAX + 1));
  assertEquals(long.socket.log, [[1009, `a message is longer than ${PIPED_TEXT_CHARS_MAX} characters`]]);
  events.fault(binary.client, "binary");
  assertEquals(binary.socket.log, [[1003, "binary frames are not part of this protocol"]]);
  many.socket.flow = null;
  for (let n = 0; n < 2 * PIPED_TEXTS_UNTAKEN_MAX; n++) events.text(many.client, "x");
  assertEquals(many.socket.log, [[
    1008,
    `more than ${PIPED_TEXTS_UNTAKEN_MAX} messages wait to be answered`,
  ]]);
  assertEquals(notices.filter(({ type }) => type === "text").length, PIPED_TEXTS_UNTAKEN_MAX + 1);
});

Deno.test("the actor hears what has left, at once or later, and never more than that", async () => {
  const { connect, obey, notices } = pipesOf();
  const { socket } = connect();
  const written = () =>
    notices.reduce((sum, notice) => sum + (notice.type === "written" ? notice.chars : 0), 0);
  obey({ type: "send", number: 1, texts: ["four", "seven!!"] });
  assertEquals([socket.log, written()], [["four", "seven!!"], 0]);
  // Of bytes that wait, each may be a character.
  socket.bufferedBytes = 9;
  await eventually(() => written() === 2, WAIT_MS);
  socket.bufferedBytes = 0;
  await eventually(() => written() === 11, WAIT_MS);
  assertEquals(notices.filter(({ type }) => type === "written").length, 2);
});

// Its bytes never leave, so that the look at them has no end.
Deno.test("a socket of which more waits than a client may have waiting is closed", {
  sanitizeOps: false,
  sanitizeResources: false,
}, () => {
  const { connect, obey, outbound } = pipesOf();
  const { socket } = connect();
  const text = "x".repeat(OUTBOUND_FLOOR_BYTES / 2);
  obey({ type: "send", number: 1, texts: [text, text, text] });
  assertEquals(socket.log.length, 3);
  // Another gateway's clients have used up what may wait for all.
  new Float64Array(outbound)[1] = 2 * OUTBOUND_TOTAL_BYTES_MAX;
  obey({ type: "send", number: 1, texts: ["!"] });
  assertEquals((socket.log.at(-1) as unknown[])[0], 1008);
  obey({ type: "send", number: 1, texts: ["more"] });
  assertEquals(socket.log.length, 5);
});

Deno.test("what an actor orders reaches its sockets while they are open; those of one that died are closed", () => {
  const { connect, obey, lost, events, notices, pipes } = pipesOf();
  const [one, two] = [connect(), connect()];
  obey({ type: "close", number: 1, code: 4_001, reason: "unproved" });
  obey({ type: "send", number: 1, texts: ["late"] });
  obey({ type: "send", number: 99, texts: ["to nobody"] });
  assertEquals(one.socket.log, [[4_001, "unproved"]]);
  lost();
  assertEquals(two.socket.log, [[1012, "the service was started again"]]);
  events.text(two.client, "late");
  assert(!notices.some(({ type }) => type === "text"));
  const three = connect();
  pipes.closeAll();
  assertEquals(three.socket.log, [[1001, "the relay stops"]]);
});

Deno.test("the reason of a close is cut to what a frame holds, between two characters", () => {
  const { connect, obey } = pipesOf();
  const { socket } = connect();
  obey({ type: "close", number: 1, code: 1008, reason: `#${"日".repeat(60)}` });
  assertEquals(socket.log, [[1008, `#${"日".repeat(40)}`]]);
});
