/**
 * A `serve` engine on a thread of its own, for the test of its rests: repeats what it hears, and at some words acts when
 * the socket has begun to rest. Ends with the thread.
 *
 * @module
 */
import { type Listener, type Socket } from "./listener.ts";
import { LoopTurn } from "../../../runtime/loop_turn.ts";
import { Opening } from "./opening.ts";
import { listenWithServe } from "./serve_listener.ts";
import { Turns } from "./turns.ts";

const post = (message: unknown) =>
  (self as unknown as { postMessage(message: unknown): void }).postMessage(message);
const loop = new LoopTurn();
const turns = new Turns(loop);
const opening = new Opening<Socket>(1);
const { address }: Listener = await listenWithServe({
  hostname: "127.0.0.1",
  port: 0,
  tls: null,
  frameBytesMax: 1_000,
  idleSeconds: 120,
  compression: false,
  libraryPath: null,
  socketsMax: 100,
  turns,
  failed: () => {},
}, opening);

/** A rest begins behind the message that is due for one and ends in a later turn; a microtask of a microtask is between. */
function inTheRest(act: () => void): void {
  queueMicrotask(() =>
    queueMicrotask(() => {
      post(["resting", turns.resting]);
      act();
    })
  );
}

opening.open({
  visitor: () => ({ address: "", host: "" }),
  open: (socket) => socket,
  text(socket, text) {
    socket.send(text);
    if (text === "send") inTheRest(() => socket.send("sent in a rest"));
    if (text === "pause") {
      socket.flow!.pause();
      setTimeout(() => socket.flow!.resume(), 50);
    }
    if (text === "close") inTheRest(() => socket.close(1000, "closed in a rest"));
  },
  fault: () => {},
  closed: () => post(["closed"]),
  http: () => new Response(),
});
post(["port", address.port]);
