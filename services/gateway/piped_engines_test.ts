/** Tests of sockets that another actor serves, with both engines and real clients: all arrives, and all is bounded. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PIPED_SOCKET_BYTES_MAX } from "../../lib/limits.ts";
import { GatewayPorts } from "../../runtime/gateway_ports.ts";
import { PageServer } from "../../runtime/page_server.ts";
import { type PipedSocket, PipedSockets } from "../../runtime/piped_sockets.ts";
import { OPCODE, openRawSocket, type RawSocket, textFrame } from "../../tests/protocol/raw_socket.ts";
import { eventually } from "../../tests/support/eventually.ts";

const WAIT_MS = 30_000;
const ENGINES = ["serve", "ws"] as const;

/** An engine, and this thread as the actor that serves its sockets. */
async function start(engine: typeof ENGINES[number]) {
  const worker = new Worker(new URL("./piped_engines_test_worker.ts", import.meta.url), {
    type: "module",
    name: engine,
  });
  let untaken = 0;
  const port = await new Promise<number>((resolve) => {
    worker.onmessage = ({ data: [what, value] }) => {
      if (what === "port") resolve(value);
      else untaken = value;
    };
  });
  const opened: PipedSocket[] = [];
  const texts: string[] = [];
  const closed: PipedSocket[] = [];
  let room = (_: PipedSocket) => {};
  const sockets = new PipedSockets({
    opened: (socket) => void opened.push(socket),
    text: (socket, text) => {
      texts.push(text);
      if (text.startsWith("echo")) socket.send([text]);
    },
    room: (socket) => room(socket),
    closed: (socket) => void closed.push(socket),
  });
  const ports: MessagePort[] = [];
  /** As main does when the actor was started. */
  const connect = () => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port2);
    worker.postMessage(port1, [port1]);
    const answers = new GatewayPorts();
    answers.connect({ index: 0, port: port2 });
    return { open: () => answers.open({ pages: new PageServer([], () => {}), sockets }) };
  };
  return {
    ...{ opened, texts, closed, connect },
    url: `ws://127.0.0.1:${port}`,
    untaken: () => untaken,
    onRoom: (given: typeof room) => void (room = given),
    [Symbol.dispose]() {
      worker.terminate();
      ports.forEach((port) => port.close());
    },
  };
}

/** The next texts that a client has from its socket. */
async function textsOf(socket: RawSocket, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const frame = (await socket.next())!;
    if (frame.opcode === OPCODE.text) texts.push(new TextDecoder().decode(frame.payload));
    else if (frame.opcode === OPCODE.ping) await socket.send(OPCODE.pong, "");
    else throw new Error(`Cannot read text: a frame of type ${frame.opcode}`);
  }
  return texts;
}

/** The code with which a client's socket is closed, which the client confirms. */
async function closeOf(socket: RawSocket): Promise<number> {
  for (let frame = await socket.next(); frame !== null; frame = await socket.next()) {
    if (frame.opcode !== OPCODE.close) continue;
    await socket.send(OPCODE.close, frame.payload);
    return (frame.payload[0]! << 8) | frame.payload[1]!;
  }
  throw new Error("Cannot read close frame: the connection ended");
}

for (const engine of ENGINES) {
  Deno.test(`${engine}: a socket is the actor's, by its path, query and proof, and others are nobody's`, async () => {
    using relay = await start(engine);
    relay.connect().open();
    using client = await openRawSocket(`${relay.url}/ws?after=3`, { Authorization: "Bearer right" });
    await client.send(OPCODE.text, "echo one");
    await client.send(OPCODE.text, "echo two");
    assertEquals(await textsOf(client, 2), ["echo one", "echo two"]);
    const { path, query, address, proof } = relay.opened[0]!;
    assertEquals([path, query, address], ["/ws", "after=3", "192.0.2.1"]);
    assertEquals(proof, { key: null, isAdmin: true });
    relay.opened[0]!.close(4_000, "enough");
    assertEquals(await closeOf(client), 4_000);
    const refused = async (target: string, headers: Record<string, string> = {}) =>
      (await openRawSocket(relay.url + target, headers).catch((error: Error) => error) as Error).message;
    assertStringIncludes(await refused("/ws", { Authorization: "Bearer wrong" }), "HTTP/1.1 401");
    assertStringIncludes(await refused("/fanout"), "HTTP/1.1 404");
    if (engine === "ws") assertStringIncludes(await refused("/ws/"), "HTTP/1.1 404");
    // A page, as for a browser.
    else assertStringIncludes(await refused("/ws/"), "HTTP/1.1 200");
    assertEquals(relay.opened.length, 1);
  });

  Deno.test(`${engine}: who reads nothing is sent a bounded amount, and all of it when it reads`, async () => {
    using relay = await start(engine);
    relay.connect().open();
    using client = await openRawSocket(`${relay.url}/ws`);
    await eventually(() => relay.opened.length === 1, WAIT_MS);
    const socket = relay.opened[0]!;
    const text = (n: number) => `${n} ${"x".repeat(10_000)}`;
    // More than the kernel may hold for a connection: its largest receive buffer can be 32 MiB.
    const total = 8_000;
    let sent = 0;
    const fill = () => {
      while (sent < total && socket.hasRoom) sent += socket.send([text(sent)]);
    };
    relay.onRoom(fill);
    fill();
    // The kernel's buffers are full when nothing more leaves.
    let before = -1;
    await eventually(() => {
      const isStill = sent === before;
      before = sent;
      // It is told of room when half of what may wait has left.
      return isStill && socket.waitingChars > PIPED_SOCKET_BYTES_MAX / 2;
    }, WAIT_MS);
    assert(sent < total, `${sent} of ${total} texts were sent to a client that reads nothing`);
    assert(socket.waitingChars < PIPED_SOCKET_BYTES_MAX + text(total).length, "what waits is bounded");
    const got = await textsOf(client, total);
    assertEquals(got, Array.from({ length: total }, (_, n) => text(n)));
    await eventually(() => socket.waitingChars === 0, WAIT_MS);
  });

  Deno.test(`${engine}: a client that floods is read as fast as its actor takes, one text at a time`, async () => {
    using relay = await start(engine);
    const actor = relay.connect();
    using client = await openRawSocket(`${relay.url}/ws`);
    const texts = Array.from({ length: 1_000 }, (_, n) => `${n} ${"x".repeat(10_000)}`);
    const written = (async () => {
      for (const text of texts) await client.write(textFrame(text));
    })();
    await eventually(() => relay.untaken() > 0, WAIT_MS);
    actor.open();
    await written;
    await eventually(() => relay.texts.length === texts.length, WAIT_MS);
    assertEquals(relay.texts, texts);
    assertEquals(relay.untaken(), 1);
  });

  Deno.test(`${engine}: sockets of a dead actor are closed with 1012, and the next one hears of new ones`, async () => {
    using relay = await start(engine);
    relay.connect().open();
    using client = await openRawSocket(`${relay.url}/ws`);
    await client.send(OPCODE.text, "echo");
    await textsOf(client, 1);
    relay.connect().open();
    assertEquals(await closeOf(client), 1012);
    using next = await openRawSocket(`${relay.url}/ws`);
    await next.send(OPCODE.text, "echo again");
    assertEquals(await textsOf(next, 1), ["echo again"]);
  });

  Deno.test(`${engine}: the actor hears that a client is gone, however it left`, async () => {
    using relay = await start(engine);
    relay.connect().open();
    using polite = await openRawSocket(`${relay.url}/ws`);
    await polite.send(OPCODE.close, Uint8Array.of(3, 232));
    assertEquals(await closeOf(polite), 1000);
    polite[Symbol.dispose]();
    const rude = await openRawSocket(`${relay.url}/ws`);
    rude[Symbol.dispose]();
    using binary = await openRawSocket(`${relay.url}/ws`);
    await binary.send(OPCODE.binary, "x");
    assertEquals(await closeOf(binary), 1003);
    binary[Symbol.dispose]();
    await eventually(() => relay.closed.length === 3, WAIT_MS);
    assertEquals(relay.opened.length, 3);
  });
}
