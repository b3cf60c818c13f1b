/**
 * Bounds the sockets of a server of `node:http`. In Deno such a server stops accepting for good, and says nothing, when
 * `accept` finds no file descriptor, and `maxConnections` has the same effect. So it stops listening before that, and
 * listens again when there is room. Its time-outs go on meanwhile.
 * The gateway's thread owns it.
 *
 * @module
 */
import { Server as NetServer, type Socket } from "node:net";
import { LISTEN_AGAIN_MS } from "../../../lib/limits.ts";

/** See the module's text. `listen` has the server listen again, where it listened before. */
export function boundSockets(server: NetServer, socketsMax: number, listen: () => void): void {
  let open = 0;
  let isListening = true;
  const again = () => {
    if (open >= socketsMax) return void setTimeout(again, LISTEN_AGAIN_MS);
    isListening = true;
    listen();
  };
  server.on("connection", (socket: Socket) => {
    open++;
    socket.once("close", () => open--);
    if (open < socketsMax || !isListening) return;
    isListening = false;
    // The one of `node:http` would end its time-outs too.
    NetServer.prototype.close.call(server);
    setTimeout(again, LISTEN_AGAIN_MS);
  });
  server.on("error", () => {
    if (isListening) setTimeout(again, LISTEN_AGAIN_MS);
    isListening = false;
  });
}
