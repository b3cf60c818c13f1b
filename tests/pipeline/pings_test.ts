/** Tests of clients that send pings, a few or without end: with both socket engines, beside somebody who publishes. */
import { assert, assertEquals } from "@std/assert";
import { OPCODE, openRawSocket, type RawSocket } from "../protocol/raw_socket.ts";
import { connect } from "../support/client.ts";
import { privateMiB } from "../support/footprint.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { publishGood } from "./traffic.ts";

const PATIENCE_MS = 60_000;
/** What the heaps may take for themselves meanwhile, MiB: a pong for each ping would be hundreds. */
const GROWTH_MIB_MAX = 150;
const PUBLISHED = 100;
/** Pings of one write. */
const PINGS = 10_000;

/** Pings in one piece, masked with zeros. */
function manyPings(payloadBytes: number): Uint8Array {
  const pings = new Uint8Array(PINGS * (6 + payloadBytes));
  for (let n = 0; n < PINGS; n++) pings.set([0x89, 0x80 | payloadBytes], n * (6 + payloadBytes));
  return pings;
}

/** Sends pings until the connection takes no more. */
async function flood(socket: RawSocket, payloadBytes: number): Promise<void> {
  const pings = manyPings(payloadBytes);
  try {
    while (true) await socket.write(pings);
  } catch {
    // The relay has ended the connection, or this test.
  }
}

for (const engine of ["serve", "ws"]) {
  Deno.test(`pings that come together are answered, the newest of them in any case (${engine})`, async () => {
    await using relay = await startRelay({ env: { WEBSOCKET_ENGINE: engine } });
    using socket = await openRawSocket(relay.url);
    for (let n = 0; n < 20; n++) await socket.send(OPCODE.ping, `ping ${n}`);
    for (let text = ""; text !== "ping 19";) {
      const frame = (await socket.next())!;
      if (frame.opcode === OPCODE.text) continue;
      assertEquals(frame.opcode, OPCODE.pong);
      text = new TextDecoder().decode(frame.payload);
    }
    await socket.send(OPCODE.ping, "alone");
    const { opcode, payload } = (await socket.next())!;
    assertEquals([opcode, new TextDecoder().decode(payload)], [OPCODE.pong, "alone"]);
  });

  Deno.test(`pings without end whose answers nobody reads hold up nobody and are bounded (${engine})`, async () => {
    await using relay = await startRelay({ env: { WEBSOCKET_ENGINE: engine } });
    await using other = await connect(relay.url, { timeoutMs: PATIENCE_MS });
    const events = Array.from({ length: PUBLISHED }, (_, n) => signEvent(testKey(1), { content: `${n}` }));
    await publishGood(other, events.splice(0, PUBLISHED / 2), 1);
    const before = await privateMiB(relay);
    using socket = await openRawSocket(relay.url);
    const flooding = flood(socket, 125);
    await publishGood(other, events, 1);
    const grown = await privateMiB(relay) - before;
    assert(grown < GROWTH_MIB_MAX, `private memory grew by ${Math.round(grown)} MiB`);
    socket[Symbol.dispose]();
    await flooding;
    await publishGood(other, [signEvent(testKey(2))]);
  });
}

Deno.test("thousands of pings at once end their connection, where the engine has to look at each", async () => {
  await using relay = await startRelay({ env: { WEBSOCKET_ENGINE: "ws" } });
  using socket = await openRawSocket(relay.url);
  const flooding = flood(socket, 0);
  assertEquals(await socket.untilClosed(), 1008);
  await flooding;
});
