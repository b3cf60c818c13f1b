/**
 * Tests of what only the socket engine `ws` does, from outside: senders wait instead of being refused, a long message
 * ends with its header, slow heads of requests end, messages are deflated within bounds.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { connect, type Message } from "../support/client.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { OPCODE, openRawSocket } from "../protocol/raw_socket.ts";
import { heldOf, metricOf } from "./traffic.ts";

const WS = { WEBSOCKET_ENGINE: "ws" };
const SYNC = { finishFlush: constants.Z_SYNC_FLUSH };

Deno.test("a publisher that never waits is slowed, not refused, and its answers come in order", async () => {
  await using relay = await startRelay({ env: WS });
  const events = Array.from(
    { length: 20_000 },
    (_, n) => signEvent(testKey(n % 8), { content: `wave ${n}` }),
  );
  await using flood = await connect(relay.url);
  const answers: Message[] = [];
  const done = new Promise<void>((resolve) => {
    flood.socket.addEventListener("message", ({ data }) => {
      if (answers.push(JSON.parse(data)) === events.length) resolve();
    });
  });
  for (const event of events) flood.send(["EVENT", event]);
  await done;
  assertEquals(answers, events.map(({ id }) => ["OK", id, true, ""]));
  assert(await metricOf(relay, "nostr_sender_pauses_total") > 0);
  await using other = await connect(relay.url, { timeoutMs: 30_000 });
  assertEquals((await heldOf(other, events.map(({ id }) => id))).size, events.length);
});

Deno.test("a publisher that leaves while it has to wait leaves nothing behind", async () => {
  await using relay = await startRelay({ env: WS });
  const flood = await connect(relay.url);
  for (let n = 0; n < 10_000; n++) flood.send(["EVENT", signEvent(testKey(n % 8), { content: `gone ${n}` })]);
  await flood.next((message) => message[0] === "OK");
  await flood.close();
  const exit = await relay.stop();
  assertEquals(exit.code, 0);
});

Deno.test("a message that is too long is refused by its header, before it has come", async () => {
  await using relay = await startRelay({ env: WS });
  using socket = await openRawSocket(relay.url);
  // 600,000 bytes are announced, ten are sent.
  await socket.write(
    new Uint8Array([0x81, 0xff, 0, 0, 0, 0, 0, 9, 0x27, 0xc0, 0, 0, 0, 0, ...Array(10).fill(120)]),
  );
  const frame = (await socket.next())!;
  assertEquals([frame.opcode, (frame.payload[0]! << 8) | frame.payload[1]!], [OPCODE.close, 1009]);
  assertMatch(new TextDecoder().decode(frame.payload.subarray(2)), /longer than 524288 bytes/);
});

/** Sends a text, then a byte at a time, and resolves when the relay ends the connection. */
async function untilLeft(relay: TestRelay, text: string, drip: boolean): Promise<void> {
  const { hostname, port } = new URL(relay.httpUrl);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(text));
  const dripping = drip ? setInterval(() => connection.write(new Uint8Array([97])).catch(() => {}), 200) : 0;
  const buffer = new Uint8Array(1_024);
  try {
    while (await connection.read(buffer) !== null);
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  } finally {
    clearInterval(dripping);
  }
}

Deno.test("who says nothing, or a head byte by byte, is left; one with a head too long at once", async () => {
  await using relay = await startRelay({ env: WS });
  const head = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
  await untilLeft(relay, head + "x".repeat(40_000), false);
  await Promise.all([
    untilLeft(relay, "", false),
    untilLeft(relay, head, false),
    untilLeft(relay, head, true),
  ]);
  assertEquals((await fetch(`${relay.httpUrl}/ready`).then((response) => response.json())).status, "ready");
});

const OFFER = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };

Deno.test("messages are deflated for who offers it, where the operator allows it", async () => {
  await using plain = await startRelay({ env: WS });
  using undeflated = await openRawSocket(plain.url, OFFER);
  assert(!/permessage-deflate/i.test(undeflated.head));

  await using relay = await startRelay({ env: { ...WS, WEBSOCKET_COMPRESSION: "true" } });
  const event = signEvent(testKey(1), { content: "again and ".repeat(1_000) });
  await using publisher = await connect(relay.url);
  assert((await publisher.publish(event))[2]);
  using socket = await openRawSocket(relay.url, OFFER);
  assertMatch(socket.head, /permessage-deflate; server_no_context_takeover; client_no_context_takeover/);
  const request = deflateRawSync(JSON.stringify(["REQ", "d", { ids: [event.id] }]), SYNC).subarray(0, -4);
  for (let round = 0; round < 3; round++) {
    await socket.send(OPCODE.text, request, { deflated: true });
    const frame = (await socket.next())!;
    assert(frame.deflated && frame.payload.length < 1_000, `${frame.payload.length} bytes`);
    const inflated = inflateRawSync(new Uint8Array([...frame.payload, 0, 0, 255, 255]), SYNC).toString();
    assertEquals(JSON.parse(inflated), ["EVENT", "d", event]);
    // A short message is not worth it.
    const eose = (await socket.next())!;
    assertEquals([eose.deflated, JSON.parse(new TextDecoder().decode(eose.payload))[0]], [false, "EOSE"]);
  }
});

Deno.test("what inflates beyond the bound of a message ends its own connection with 1009", async () => {
  await using relay = await startRelay({ env: { ...WS, WEBSOCKET_COMPRESSION: "true" } });
  using socket = await openRawSocket(relay.url, OFFER);
  const bomb = deflateRawSync("x".repeat(64 * 1024 * 1024), SYNC).subarray(0, -4);
  assert(bomb.length < 512 * 1024);
  await socket.send(OPCODE.text, bomb, { deflated: true });
  assertEquals(await socket.untilClosed(), 1009);
  await using other = await connect(relay.url);
  assert((await other.publish(signEvent(testKey(2))))[2]);
});
