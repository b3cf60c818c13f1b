/**
 * What a listener tells, as calls of the gateway and its pages.
 * Runs on the gateway's thread; no state but whose word counts on addresses.
 *
 * @module
 */
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import { ClientAddress } from "./client_address.ts";
import type { Connection } from "./connection.ts";
import type { Gateway } from "./gateway.ts";
import type { PageRequests } from "./http/page_requests.ts";
import type { RequestHeaders, SocketEvents } from "./sockets/listener.ts";

/** Who answers what comes by sockets. */
interface SocketAnswers {
  readonly gateway: Gateway;
  readonly pages: PageRequests;
  readonly settings: ConfigFollower;
}

/** The socket events of a gateway. */
export function socketEvents({ gateway, pages, settings }: SocketAnswers): SocketEvents<Connection> {
  const addresses = new ClientAddress();
  const addressOf = (headers: RequestHeaders, remote: string) => {
    gateway.follow();
    return addresses.of(headers, remote, settings.config);
  };
  return {
    visitor: (headers, remote) => ({
      address: addressOf(headers, remote),
      host: headers.get("host") ?? "",
    }),
    open: (socket, visitor) => gateway.open(socket, visitor.address),
    text: (connection, text) => gateway.text(connection, text),
    fault: (connection, message) => gateway.fault(connection, message),
    closed: (connection) => gateway.closed(connection),
    http: (request, remote, ended) => pages.answer(request, addressOf(request.headers, remote), ended),
  };
}
