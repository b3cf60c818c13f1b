/**
 * Frames and handshakes that clients must not send, from outside: at worst their own connection ends, with the code of
 * RFC 6455 where the engine can give one, and a bystander is served all the while.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../support/client.ts";
import { Bystander } from "./bystander.ts";
import { OPCODE, openRawSocket, type RawSocket } from "./raw_socket.ts";
import { settled, sharedRelay } from "./shared_relay.ts";

const relay = await sharedRelay();
/** Whether the engine is the one that refuses with the codes of RFC 6455; Deno's own server ends the connection. */
const HAS_CODES = Deno.env.get("SLUICE_TEST_ENGINE") === "ws";
/** The bound behind which a frame ends its connection, bytes. */
const FRAME_BYTES = 512 * 1024;

Deno.test("a frame over the hard limit closes its own connection with 1009", async () => {
  await using bystander = await Bystander.join(relay);
  for (
    const text of ["x".repeat(FRAME_BYTES + 1), "é".repeat(FRAME_BYTES / 2 + 1), "x".repeat(8 * 1024 * 1024)]
  ) {
    await using client = await connect(relay.url);
    client.sendRaw(text);
    const { code, reason } = await client.closed;
    assertEquals(code, 1009);
    assertMatch(reason, new RegExp(`${FRAME_BYTES}`));
  }
  await bystander.isServed();
});

Deno.test("binary frames get a NOTICE", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const binaries = [
    new Uint8Array(0),
    new Uint8Array(1),
    new TextEncoder().encode('["REQ","a",{}]'),
    new Uint8Array(300_000),
  ];
  for (const binary of binaries) {
    client.sendRaw(binary);
    const notice = await client.next();
    assertEquals([notice[0], notice.length], ["NOTICE", 2]);
    assertMatch(notice[1] as string, /^invalid: .*binary/);
  }
  await settled(client);
  assertEquals(client.inbox, []);
  await bystander.isServed();
});

Deno.test("text that is no UTF-8 ends its own connection only", async () => {
  await using bystander = await Bystander.join(relay);
  const broken = ["ff", "c080", "eda080", "f4908080", "80", "e28", "c3"].map((hex) =>
    Uint8Array.fromHex(hex.length % 2 ? `${hex}2` : hex)
  );
  for (const bytes of broken) {
    using socket = await openRawSocket(relay.url);
    const frame = new Uint8Array([
      ...new TextEncoder().encode('["REQ","'),
      ...bytes,
      ...new TextEncoder().encode('",{}]'),
    ]);
    await socket.send(OPCODE.text, frame);
    assertEquals(await socket.untilClosed(), HAS_CODES ? 1007 : null);
  }
  await bystander.isServed();
});

Deno.test("fragments, pings, and characters split between fragments are part of WebSocket and are served", async () => {
  using socket = await openRawSocket(relay.url);
  const bytes = new TextEncoder().encode('["REQ","日本🎉",{"limit":0}]');
  for (let at = 0; at < bytes.length; at++) {
    const last = at === bytes.length - 1;
    await socket.send(at === 0 ? OPCODE.text : OPCODE.continuation, bytes.subarray(at, at + 1), {
      fin: last,
    });
    if (at % 5 === 0) await socket.send(OPCODE.ping, "p");
  }
  assertEquals(await socket.nextMessage(), ["EOSE", "日本🎉", []]);
  await socket.send(OPCODE.close, new Uint8Array([3, 232]));
  assertEquals(await socket.untilClosed(), 1000);
});

Deno.test({
  name: "frames that are not masked end their own connection with 1002",
  // `Deno.serve` takes them for masked with zeros, and tells nobody.
  ignore: !HAS_CODES,
  fn: async () => {
    await using bystander = await Bystander.join(relay);
    for (const opcode of [OPCODE.text, OPCODE.ping]) {
      using socket = await openRawSocket(relay.url);
      await socket.send(opcode, '["REQ","a",{"limit":0}]', { masked: false });
      assertEquals(await socket.untilClosed(), 1002);
    }
    await bystander.isServed();
  },
});

Deno.test("connections that break the protocol of WebSocket, or vanish, disturb nobody", async () => {
  await using bystander = await Bystander.join(relay);
  const breaks: ((socket: RawSocket) => Promise<void>)[] = [
    (socket) => socket.send(3, "reserved opcode"),
    (socket) => socket.send(OPCODE.continuation, "continues nothing"),
    (socket) => socket.write(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
    (socket) => socket.send(OPCODE.ping, "x".repeat(200)),
  ];
  for (const broken of breaks) {
    using socket = await openRawSocket(relay.url);
    await broken(socket);
    await socket.untilClosed();
  }
  for (let i = 0; i < 20; i++) {
    using socket = await openRawSocket(relay.url);
    await socket.send(OPCODE.text, `["REQ","gone",{"limit":5000}]`);
    await socket.write(new Uint8Array([0x81, 0xfe, 0xff]));
  }
  await bystander.isServed();
});

Deno.test("requests that are no handshake are answered as HTTP", async () => {
  const attempts: Record<string, string>[] = [
    { upgrade: "websocket" },
    { upgrade: "websocket", connection: "upgrade" },
    { upgrade: "websocket", connection: "upgrade", "sec-websocket-version": "13" },
    { upgrade: "h2c", connection: "upgrade" },
  ];
  for (const headers of attempts) {
    const { hostname, port } = new URL(relay.url);
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    await connection.write(
      new TextEncoder().encode(`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}\r\n`),
    );
    const chunk = new Uint8Array(1_024);
    const read = await connection.read(chunk);
    assertMatch(new TextDecoder().decode(chunk.subarray(0, read ?? 0)), /^HTTP\/1\.1 (200|400) /);
  }
});

/** The status line of the answer to bytes over TCP. */
async function statusOf(request: string): Promise<string> {
  const { hostname, port } = new URL(relay.httpUrl);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  await connection.closeWrite();
  return (await new Response(connection.readable).text()).split("\r\n")[0]!;
}

Deno.test("a Host header that names no host, and a body that ends early, are the client's mistakes", async () => {
  await using bystander = await Bystander.join(relay);
  for (const accept of ["text/html", "application/nostr+json"]) {
    const request = `GET / HTTP/1.1\r\nHost: 127.0.0{.1:x\r\nAccept: ${accept}\r\nConnection: close\r\n\r\n`;
    assertMatch(await statusOf(request), /^HTTP\/1\.1 400 /);
  }
  const short = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/nostr+json+rpc\r\n" +
    "Content-Length: 100\r\n\r\n{}";
  // Who proves nothing is refused before the body is missed.
  assertMatch(await statusOf(short), /^HTTP\/1\.1 401 |^$/);
  await bystander.isServed();
});
