/**
 * What clients can have the relay hold by what they send: bounded by what they have sent, deflated or not, and given back
 * when they go.
 */
import { assert } from "@std/assert";
import { constants, deflateRawSync } from "node:zlib";
import { eventually } from "../support/eventually.ts";
import { privateMiB } from "../support/footprint.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { metricOf } from "../pipeline/traffic.ts";
import { OPCODE, openRawSocket, type RawSocket } from "../protocol/raw_socket.ts";

const CLIENTS = 30;
/** Bytes that each client sends: 130 KB inflate to 60 MB. */
const SENT_BYTES = 130_000;
/** What the relay may take for them, MiB: its heaps and lanes included. */
const GROWTH_MIB_MAX = 250;
/** The longest wait for what has to happen, ms. */
const WAIT_MS_MAX = 30_000;
const DEFLATED = { deflated: true } as const;
const WS = { WEBSOCKET_ENGINE: "ws", WEBSOCKET_COMPRESSION: "true", LOG_LEVEL: "error" };

function deflate(text: string): Uint8Array {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

async function deflatingSockets(relay: TestRelay): Promise<RawSocket[]> {
  const headers = { "Sec-WebSocket-Extensions": "permessage-deflate" };
  return await Promise.all(Array.from({ length: CLIENTS }, () => openRawSocket(relay.url, headers)));
}

/** The most that the relay takes, above what it took at the start, while `work` goes on and until `isOver`. */
async function growthMiB(
  relay: TestRelay,
  work: () => Promise<unknown>,
  isOver: () => Promise<boolean>,
): Promise<number> {
  const before = await privateMiB(relay);
  let most = before;
  const look = async () => {
    most = Math.max(most, await privateMiB(relay));
    return await isOver();
  };
  await Promise.all([work(), eventually(look, WAIT_MS_MAX)]);
  await look();
  return most - before;
}

Deno.test("messages that inflate a thousandfold wait deflated while their sender has to wait", async () => {
  await using relay = await startRelay({ env: WS });
  const event = { ...signEvent(testKey(7_001)), content: "x".repeat(190_000) };
  const message = deflate(JSON.stringify(["EVENT", event]));
  const sockets = await deflatingSockets(relay);
  const growth = await growthMiB(relay, async () => {
    await Promise.all(sockets.map(async (socket) => {
      for (let sent = 0; sent < SENT_BYTES; sent += message.length) {
        await socket.send(OPCODE.text, message, DEFLATED);
      }
    }));
  }, async () => await metricOf(relay, "nostr_events_received_total") >= 20 * CLIENTS);
  for (const socket of sockets) socket[Symbol.dispose]();
  assert(growth < GROWTH_MIB_MAX, `grew by ${growth} MiB`);
  await eventually(async () => await metricOf(relay, "nostr_connections_active") === 0, WAIT_MS_MAX);
});

Deno.test("the fragments of a message that never ends wait deflated", async () => {
  await using relay = await startRelay({ env: WS });
  // Inflated, it stays just below the longest message.
  const message = deflate("x".repeat(500_000));
  const sockets: RawSocket[] = [];
  const growth = await growthMiB(relay, async () => {
    for (let times = 0; times < 20; times++) {
      for (const socket of await deflatingSockets(relay)) {
        sockets.push(socket);
        await socket.send(OPCODE.text, message, { ...DEFLATED, fin: false });
        await socket.send(OPCODE.ping, "read so far");
      }
    }
    // Whoever has its pong has been read.
    for (const socket of sockets) await socket.next();
  }, () => Promise.resolve(sockets.length === 20 * CLIENTS));
  const held = await privateMiB(relay);
  for (const socket of sockets) socket[Symbol.dispose]();
  assert(growth < GROWTH_MIB_MAX, `grew by ${growth} MiB, to ${held}`);
});
