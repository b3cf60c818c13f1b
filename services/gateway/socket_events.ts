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
import type { SocketPipes } from "./piped_sockets.ts";
import type { RequestHeaders, SocketEvents } from "./sockets/listener.ts";

/** Who answers what comes by sockets. */
interface SocketAnswers {
  readonly gateway: Gateway;
  readonly pipes: SocketPipes;
  readonly pages: PageRequests;
  readonly settings: ConfigFollower;
}

/** The socket events of a gateway. */
export function socketEvents({ gateway, pipes, pages, settings }: SocketAnswers): SocketEvents<Connection> {
  const addresses = new ClientAddress();
  const addressOf = (headers: RequestHeaders, remote: string) => {
    gateway.follow();
    return addresses.of(headers, remote, settings.config);
  };
  const visitor = (headers: RequestHeaders, remote: string) => ({
    address: addressOf(headers, remote),
    host: headers.get("host") ?? "",
  });
  return {
    visitor,
    elsewhere: pipes.events(visitor),
    open: (socket, visitor) => gateway.open(socket, visitor.address),
    text: (connection, text) => gateway.text(connection, text),
    fault: (connection, message) => gateway.fault(connection, message),
    closed: (connection) => gateway.closed(connection),
    http: (request, remote, ended) => pages.answer(request, addressOf(request.headers, remote), ended),
  };
}
