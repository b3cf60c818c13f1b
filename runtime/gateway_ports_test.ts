/** Tests of a gateway and an actor that talk by ports: pages and sockets, and what happens when either is gone. */
import { assertEquals } from "@std/assert";
import { API_PAGES_OPEN_MAX, PIPED_SOCKET_BYTES_MAX } from "../lib/limits.ts";
import { eventually } from "../tests/support/eventually.ts";
import type { SocketOrder } from "../wire/piped_sockets.ts";
import { ActorLink, type PageQuestion } from "./actor_link.ts";
import { GatewayPorts } from "./gateway_ports.ts";
import { pageReply, PageServer } from "./page_server.ts";
import { type PipedSocket, PipedSockets } from "./piped_sockets.ts";

const WAIT_MS = 10_000;
const QUESTION: PageQuestion = {
  method: "GET",
  path: "/api/bots/ab",
  query: "x=1",
  body: "",
  proof: { key: "ab", isAdmin: false },
};
const OPENED = {
  type: "opened",
  number: 7,
  path: "/ws",
  query: "after=3",
  address: "192.0.2.1",
  host: "relay.example",
  proof: { key: null, isAdmin: true },
} as const;

/** A gateway's link and an actor's ports, each end with what it was told. */
function pair(msMax?: number) {
  const failures: unknown[] = [];
  const hanging = Promise.withResolvers<void>();
  const told: unknown[][] = [];
  const sockets = new PipedSockets({
    opened: (socket) => void told.push(["opened", socket]),
    text: (_socket, text) => void told.push(["text", text]),
    room: () => void told.push(["room"]),
    closed: (socket) => void told.push(["closed", socket.isOpen]),
  });
  const pages = new PageServer([
    { method: "GET", path: "/api/bots/:bot", answer: ({ query }, { bot }) => pageReply({ query, bot }) },
    { method: "POST", path: "/throws", answer: () => Promise.reject(new Error("at /secret")) },
    { method: "GET", path: "/hangs", answer: () => hanging.promise.then(() => pageReply("late")) },
  ], (error) => failures.push((error as Error).message));
  const ports = new GatewayPorts();
  const link = new ActorLink("fanout", msMax);
  const orders: (SocketOrder | "lost")[] = [];
  link.use({ obey: (order) => orders.push(order), lost: () => orders.push("lost") });
  const opened: MessagePort[] = [];
  /** As main does when either was started. */
  const connect = () => {
    const { port1, port2 } = new MessageChannel();
    opened.push(port1, port2);
    link.connect(port1);
    ports.connect({ index: 0, port: port2 });
  };
  connect();
  return {
    ...{ link, ports, sockets, told, orders, failures, connect },
    open: () => ports.open({ pages, sockets }),
    answerHanging: () => hanging.resolve(),
    socket: () => told.find(([type]) => type === "opened")![1] as PipedSocket,
    [Symbol.dispose]: () => opened.forEach((port) => port.close()),
  };
}

async function ask(link: ActorLink, changes: Partial<PageQuestion> = {}): Promise<[number, unknown]> {
  const { status, body } = await link.ask({ ...QUESTION, ...changes });
  return [status, JSON.parse(body)];
}

Deno.test("a page is asked with its parameters, also before the actor is ready", async () => {
  using ends = pair();
  const early = ask(ends.link);
  ends.open();
  assertEquals(await early, [200, { query: "x=1", bot: "ab" }]);
});

Deno.test("a page that is not there is 404, and one that throws is 500 and does not say why", async () => {
  using ends = pair();
  ends.open();
  const { link } = ends;
  const none = { error: 'Cannot find page "/nowhere": this relay does not have it' };
  assertEquals(await ask(link, { path: "/nowhere" }), [404, none]);
  assertEquals((await ask(link, { method: "DELETE" }))[0], 404);
  const [status, { error }] = await ask(link, { method: "POST", path: "/throws" }) as [
    number,
    { error: string },
  ];
  assertEquals([status, error], [500, 'Cannot answer page "/throws": internal error']);
  assertEquals(ends.failures, ["at /secret"]);
});

Deno.test("an actor answers a bounded number of pages at one time", async () => {
  using ends = pair();
  ends.open();
  const asked = Array.from({ length: API_PAGES_OPEN_MAX }, () => ask(ends.link, { path: "/hangs" }));
  const reply = await ends.link.ask(QUESTION);
  assertEquals([reply.status, reply.headers], [503, { "Retry-After": "1" }]);
  ends.answerHanging();
  assertEquals((await Promise.all(asked)).map(([status]) => status), asked.map(() => 200));
  assertEquals((await ask(ends.link))[0], 200);
});

Deno.test("a page that is not answered in time, or whose actor was started again, is 503", async () => {
  using slow = pair(1);
  slow.open();
  const late = await slow.link.ask({ ...QUESTION, path: "/hangs" });
  assertEquals(late.status, 503);
  assertEquals(JSON.parse(late.body), {
    error: 'Cannot answer: the actor "fanout" gave no answer within 1 ms',
  });
  using ends = pair();
  ends.open();
  const lost = ask(ends.link, { path: "/hangs" });
  ends.connect();
  assertEquals(await lost, [503, {
    error: 'Cannot answer: the actor "fanout" was started again, look whether it was done',
  }]);
  assertEquals(ends.orders, ["lost", "lost"]);
  assertEquals((await ask(ends.link))[0], 200);
});

Deno.test("an actor hears of a socket what it asked for, its texts and its end", async () => {
  using ends = pair();
  ends.open();
  ends.link.tell(OPENED);
  ends.link.tell({ type: "text", number: 7, text: "hello" });
  await eventually(() => ends.told.length === 2, WAIT_MS);
  const { path, query, address, host, proof } = ends.socket();
  assertEquals({ type: "opened", number: 7, path, query, address, host, proof }, OPENED);
  assertEquals([...ends.sockets], [ends.socket()]);
  ends.link.tell({ type: "closed", number: 7 });
  ends.link.tell({ type: "text", number: 7, text: "from nobody" });
  await eventually(() => ends.told.length === 3, WAIT_MS);
  assertEquals(ends.told.slice(1), [["text", "hello"], ["closed", false]]);
  assertEquals([ends.socket().send(["late"]), [...ends.sockets]], [0, []]);
  await eventually(() => ends.orders.length === 2, WAIT_MS);
  assertEquals(ends.orders, ["lost", { type: "taken", number: 7 }]);
});

Deno.test("an actor sends as much as there is room for, and hears when there is room again", async () => {
  using ends = pair();
  ends.open();
  ends.link.tell(OPENED);
  await eventually(() => ends.told.length === 1, WAIT_MS);
  const socket = ends.socket();
  const quarter = "x".repeat(PIPED_SOCKET_BYTES_MAX / 4 + 1);
  assertEquals(socket.send(new Array(6).fill(quarter)), 4);
  assertEquals([socket.hasRoom, socket.send(["y"]), socket.waitingChars], [false, 0, 4 * quarter.length]);
  ends.link.tell({ type: "written", number: 7, chars: quarter.length });
  assertEquals(await ask(ends.link).then(() => ends.told.length), 1, "less than half of the room is free");
  ends.link.tell({ type: "written", number: 7, chars: 2 * quarter.length });
  await eventually(() => ends.told.length === 2, WAIT_MS);
  assertEquals([ends.told[1], socket.waitingChars], [["room"], quarter.length]);
  assertEquals(socket.send(["z"]), 1);
  socket.close(4_000, "enough");
  assertEquals([socket.send(["z"]), socket.hasRoom], [0, false]);
  await eventually(() => ends.orders.length === 4, WAIT_MS);
  assertEquals(ends.orders.slice(1), [
    { type: "send", number: 7, texts: new Array(4).fill(quarter) },
    { type: "send", number: 7, texts: ["z"] },
    { type: "close", number: 7, code: 4_000, reason: "enough" },
  ]);
});

Deno.test("the sockets of a gateway that was started again are closed, and it numbers its own anew", async () => {
  using ends = pair();
  ends.open();
  ends.link.tell(OPENED);
  await eventually(() => ends.told.length === 1, WAIT_MS);
  const before = ends.socket();
  ends.connect();
  assertEquals([ends.told[1], before.isOpen, [...ends.sockets]], [["closed", false], false, []]);
  ends.link.tell(OPENED);
  await eventually(() => ends.told.length === 3, WAIT_MS);
  assertEquals([...ends.sockets].length, 1);
});
