/**
 * Connections from many addresses of the loopback network, each new one used for some requests: what is counted by the
 * client's address counts little.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import net from "node:net";
import { textFrame } from "../../protocol/raw_socket.ts";
import type { Attack, Stage } from "./attack.ts";

const CONNECTIONS = 2_000;
/** Connections that are there at a time. */
const AT_ONCE = 100;

/** See the module's text. */
export const manyAddresses: Attack = {
  name: "many addresses",
  async run(stage) {
    const held: net.Socket[] = [];
    for (let n = 0; n < stage.amount(CONNECTIONS, 30) && stage.goesOn; n++) {
      held.push(
        connectFrom(
          stage,
          `127.${stage.prng.int(1, 250)}.${stage.prng.int(0, 255)}.${stage.prng.int(1, 254)}`,
        ),
      );
      if (held.length > AT_ONCE) held.shift()!.destroy();
      await stage.pause(2);
    }
  },
};

function connectFrom(stage: Stage, localAddress: string): net.Socket {
  const { hostname, port, host } = new URL(stage.relay.httpUrl);
  const socket = net.connect({ host: hostname, port: Number(port), localAddress });
  stage.keep(() => socket.destroy());
  socket.on("error", () => stage.count("connection refused"));
  socket.on("data", () => stage.count("answer to an address"));
  const handshake = `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  socket.write(handshake);
  const frame = textFrame(JSON.stringify(["REQ", "address", { kinds: [1], limit: 20 }]));
  socket.once("data", () => {
    for (let n = 0; n < 10; n++) socket.write(frame);
  });
  return socket;
}
