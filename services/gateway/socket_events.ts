/**
 * What a listener tells, as calls of the gateway.
 * Runs on the gateway's thread; no state.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import type { Gateway } from "./gateway.ts";
import type { RequestHeaders, SocketEvents } from "./sockets/listener.ts";

/** The socket events of a gateway, HTTP aside. */
export function socketEvents(
  gateway: Gateway,
  addressOf: (headers: RequestHeaders, peer: string) => string,
  http: SocketEvents<Connection>["http"],
): SocketEvents<Connection> {
  return {
    visitor: (headers, peer) => ({
      address: addressOf(headers, peer),
      host: headers.get("host") ?? "",
    }),
    open: (socket, visitor) => gateway.open(socket, visitor.address),
    text: (connection, text) => gateway.text(connection, text),
    fault: (connection, message) => gateway.fault(connection, message),
    closed: (connection) => gateway.closed(connection),
    http,
  };
}
