/**
 * What badly made or ill-willed clients do to a relay, one function each, in any amount. Each resolves when it has been
 * done and its connections are gone, with what it has to say, and rejects where an answer was missing or wrong.
 * Runs on a test's thread, which owns the connections.
 *
 * @module
 */
import { constants, deflateRawSync } from "node:zlib";
import { OPCODE, openRawSocket, type RawSocket } from "../protocol/raw_socket.ts";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import type { TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { metricOf, publishGood } from "./traffic.ts";

/** Figures for a report. */
export type Figures = Record<string, number>;
/** A misbehaviour in some amount. */
export type Misbehaviour = (relay: TestRelay, amount: number) => Promise<Figures>;

/** Connections that are opened at once. */
const AT_ONCE = 50;
/** The longest wait for what must happen at last, ms. */
const AT_LAST_MS = 60_000;
/** The key whose events nobody reads. */
const UNREAD = testKey(6_000);
const UNREAD_EVENTS = 80;
const UNREAD_CHARS = 40_000;
const encoder = new TextEncoder();

/** Does `work` so many times, some at once. */
export async function inParallel(times: number, work: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < times) await work(next++);
  }));
}

function tcp(relay: TestRelay): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(relay.httpUrl);
  return Deno.connect({ hostname, port: Number(port) });
}

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function text(message: unknown[]): string {
  return JSON.stringify(message);
}

/** Frames of one byte: masked with zeros, as RFC 6455 has it. */
function oneByteFrames(count: number, opcode: number, isLast: boolean): Uint8Array {
  const bytes = new Uint8Array(7 * count);
  for (let n = 0; n < count; n++) bytes.set([(isLast ? 0x80 : 0) | opcode, 0x81, 0, 0, 0, 0, 0x61], 7 * n);
  return bytes;
}

/** `amount` clients ask for stored and live events, 3 MB for each, and read nothing. */
export async function readersThatNeverRead(relay: TestRelay, amount: number): Promise<Figures> {
  const before = await metricOf(relay, "nostr_subscriptions_active");
  const sockets: RawSocket[] = [];
  await using publisher = await connect(relay.url, { timeoutMs: AT_LAST_MS });
  try {
    await inParallel(amount, async () => {
      const socket = await openRawSocket(relay.url);
      sockets.push(socket);
      await socket.send(OPCODE.text, text(["REQ", "never read", { authors: [UNREAD.pubkey] }]));
    });
    await eventually(
      async () => await metricOf(relay, "nostr_subscriptions_active") >= before + amount,
      AT_LAST_MS,
    );
    const content = crypto.randomUUID() + "u".repeat(UNREAD_CHARS);
    const events = Array.from(
      { length: UNREAD_EVENTS },
      (_, n) => signEvent(UNREAD, { content: content + n }),
    );
    await publishGood(publisher, events, 4);
    // Every event has met every reader when a later one, of others, comes back.
    publisher.send(["REQ", "last", { authors: [testKey(6_001).pubkey], limit: 0 }]);
    await publisher.nextOfType("EOSE");
    await publishGood(publisher, [signEvent(testKey(6_001), { content })]);
    await publisher.nextOfType("EVENT");
    return { "events not read": events.length * amount };
  } finally {
    for (const socket of sockets) socket[Symbol.dispose]();
  }
}

/** `amount` clients begin a handshake and never end it: a third each say nothing, stop in the head, or drip. */
export async function handshakesThatNeverEnd(relay: TestRelay, amount: number): Promise<Figures> {
  const head = encoder.encode("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nX-Slow: ");
  const connections: Deno.TcpConn[] = [];
  try {
    await inParallel(amount, async (n) => {
      const connection = await tcp(relay);
      connections.push(connection);
      if (n % 3 > 0) await write(connection, head);
    });
    const dripping = connections.filter((_, n) => n % 3 === 2);
    for (let drops = 0; drops < 20; drops++) {
      // Where the relay has ended it already, that was its right.
      await Promise.all(dripping.map((connection) => write(connection, head.subarray(0, 1)).catch(() => {})));
    }
    // Others get in meanwhile.
    await using other = await connect(relay.url, { timeoutMs: AT_LAST_MS });
    await publishGood(other, [signEvent(testKey(6_002))]);
    return { "handshakes never ended": amount };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** `amount` clients subscribe and end their side of the connection only: the relay has to end its own. */
export async function halfClosedSockets(relay: TestRelay, amount: number): Promise<Figures> {
  const { hostname, port, host } = new URL(relay.httpUrl);
  await inParallel(amount, async () => {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    await write(
      connection,
      encoder.encode(
        `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      ),
    );
    const buffer = new Uint8Array(1_024);
    await connection.read(buffer);
    await connection.closeWrite();
    while (await connection.read(buffer).catch(() => null) !== null);
  });
  return { "half-closed sockets": amount };
}

/** `amount` messages of one byte, each answered; and messages in frames of one byte, answered or ended. */
export async function framesOfOneByte(relay: TestRelay, amount: number): Promise<Figures> {
  using socket = await openRawSocket(relay.url);
  const block = oneByteFrames(1_000, OPCODE.text, true);
  const blocks = Math.ceil(amount / 1_000);
  const sending = (async () => {
    for (let n = 0; n < blocks; n++) await socket.write(block);
  })();
  for (let answers = 0; answers < blocks * 1_000; answers++) {
    const [type] = await socket.nextMessage();
    if (type !== "NOTICE") throw new Error(`Cannot take answer "${type}": a NOTICE was due`);
  }
  await sending;
  // A request that comes byte by byte is a request.
  const request = encoder.encode(text(["REQ", "bytes", { limit: 0 }]));
  for (let n = 0; n < request.length; n++) {
    const opcode = n === 0 ? OPCODE.text : OPCODE.continuation;
    await socket.send(opcode, request.subarray(n, n + 1), { fin: n === request.length - 1 });
  }
  const [type] = await socket.nextMessage();
  if (type !== "EOSE") throw new Error(`Cannot take answer "${type}": an EOSE was due`);
  // A message that never ends: the engine may end its connection, or gather it up to its bound.
  await inParallel(20, async () => {
    using endless = await openRawSocket(relay.url);
    await endless.send(OPCODE.text, "[", { fin: false });
    const fragments = oneByteFrames(Math.min(amount, 20_000), OPCODE.continuation, false);
    await endless.write(fragments).catch(() => {});
  });
  return { "messages of one byte": blocks * 1_000 };
}

/** `amount` subscriptions, each closed as soon as it was asked for. */
export async function subscribeAndClose(relay: TestRelay, amount: number): Promise<Figures> {
  using socket = await openRawSocket(relay.url);
  const sending = (async () => {
    for (let n = 0; n < amount; n++) {
      const id = `cycle ${n % 7}`;
      const filter = { kinds: [1, n % 1_000], authors: [UNREAD.pubkey], "#t": [`t${n}`], limit: 1 };
      await socket.send(OPCODE.text, text(["REQ", id, filter]));
      await socket.send(OPCODE.text, text(["CLOSE", id]));
    }
    await socket.send(OPCODE.text, text(["REQ", "the last", { limit: 0 }]));
  })();
  let answers = 0;
  while ((await socket.nextMessage())[1] !== "the last") answers++;
  await sending;
  return { "subscriptions opened and closed": amount, "of them with an EOSE": answers };
}

/** `amount` messages that inflate to 64 MiB each, if the relay inflates at all: each ends its connection. */
export async function compressionBombs(relay: TestRelay, amount: number): Promise<Figures> {
  const bomb = deflateRawSync("x".repeat(64 * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH });
  let ended = 0;
  await inParallel(amount, async () => {
    using socket = await openRawSocket(relay.url, { "Sec-WebSocket-Extensions": "permessage-deflate" });
    await socket.send(OPCODE.text, bomb.subarray(0, -4), { deflated: true }).catch(() => {});
    await socket.untilClosed();
    ended++;
  });
  return { "compression bombs": amount, "connections ended for them": ended };
}

/** `amount` requests with 10 MB of headers, long ones and many: each is refused, and not read to its end. */
export async function headerFloods(relay: TestRelay, amount: number): Promise<Figures> {
  const start = "GET / HTTP/1.1\r\nHost: x\r\n";
  const floods = [`${start}X: ${"x".repeat(10_000_000)}`, `${start}${"X: y\r\n".repeat(1_600_000)}`]
    .map((flood) => encoder.encode(flood));
  let refused = 0;
  await inParallel(amount, async (n) => {
    using connection = await tcp(relay);
    const writing = write(connection, floods[n % 2]!).catch(() => {});
    const buffer = new Uint8Array(1_024);
    let answer = "";
    for (let read = await connection.read(buffer).catch(() => null); read !== null;) {
      answer += new TextDecoder().decode(buffer.subarray(0, read));
      read = await connection.read(buffer).catch(() => null);
    }
    await writing;
    // A reset may overtake the answer.
    if (answer !== "" && !/^HTTP\/1\.1 4\d\d /.test(answer)) {
      throw new Error(`Cannot take answer "${answer}"`);
    }
    refused++;
  });
  return { "header floods": amount, "of them refused": refused };
}

/** `amount` connections, each opened, used and dropped without a word. */
export async function reconnectStorm(relay: TestRelay, amount: number): Promise<Figures> {
  await inParallel(amount, async (n) => {
    using socket = await openRawSocket(relay.url);
    await socket.send(OPCODE.text, text(["REQ", "storm", { limit: 0 }]));
    // Some wait for the answer, some are gone before it.
    if (n % 2 === 0) await socket.nextMessage();
  });
  return { reconnects: amount };
}

/** `amount` events from one connection that waits for no answer: each is answered, in time or with a refusal. */
export async function eventFlood(relay: TestRelay, amount: number): Promise<Figures> {
  using socket = await openRawSocket(relay.url);
  const run = crypto.randomUUID();
  let accepted = 0;
  const sending = (async () => {
    for (let n = 0; n < amount; n++) {
      await socket.send(OPCODE.text, text(["EVENT", signEvent(testKey(n % 50), { content: `${run} ${n}` })]));
    }
  })();
  for (let n = 0; n < amount; n++) {
    const [type, , isAccepted, reason] = await socket.nextMessage();
    if (type !== "OK") throw new Error(`Cannot take answer "${type}": an OK was due`);
    if (isAccepted) accepted++;
    else if (!String(reason).startsWith("rate-limited: ")) throw new Error(`Cannot take refusal "${reason}"`);
  }
  await sending;
  return { "events flooded and answered": amount, "of them accepted": accepted };
}
