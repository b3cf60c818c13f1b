/**
 * A `ws` engine on a thread of its own, for its test: says what it hears, and ends with the thread.
 *
 * @module
 */
import type { Socket } from "./listener.ts";
import { LoopTurn } from "../../../runtime/loop_turn.ts";
import { Opening } from "./opening.ts";
import { Turns } from "./turns.ts";
import { listenWithWs } from "./ws_listener.ts";

const post = (message: unknown) =>
  (self as unknown as { postMessage(message: unknown): void }).postMessage(message);
const loop = new LoopTurn();
const opening = new Opening<Socket>(1);
const { address } = await listenWithWs({
  hostname: "127.0.0.1",
  port: 0,
  tls: null,
  frameBytesMax: 1_000,
  idleSeconds: 3,
  compression: false,
  libraryPath: null,
  socketsMax: 100,
  turns: new Turns(loop),
  failed: () => {},
}, opening);
opening.open({
  visitor: () => ({ address: "", host: "" }),
  open: (socket) => socket,
  text(socket, text) {
    post(["text", text]);
    socket.send(text);
    if (text === "pause") {
      socket.flow!.pause();
      setTimeout(() => socket.flow!.resume(), 50);
    }
  },
  fault: () => {},
  closed: () => post(["closed"]),
  http: async (request) =>
    new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`),
});
post(["port", address.port]);
