/**
 * The socket engine over `npm:ws` and Deno's `node:http` (`WEBSOCKET_ENGINE=ws`). Against the one over `Deno.serve` it
 * writes the frames of a turn together, refuses a long message by its header, can stop reading, and can deflate.
 * Runs on its gateway's thread. Several gateways share one port: the kernel spreads connections (`reusePort`).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions as HttpOptions,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import * as limits from "../../../lib/limits.ts";
import { boundSockets } from "./bounded_server.ts";
import { SocketHeartbeat } from "./ws_heartbeat.ts";
import { eventsAt, type Listener, type ListenOptions, type PathEvents, refusalBody } from "./listener.ts";
import { answerPage, headersOf } from "./node_http.ts";
import type { Opening } from "./opening.ts";
import { Outbox } from "./outbox.ts";
import { WsConnection, WsSocket } from "./ws_socket.ts";

const SECOND_MS = 1_000;
/** `ws` knows it, its types do not. */
const OPTIONS_WITHOUT_TYPES: object = { closeTimeout: limits.SOCKET_CLOSE_MS_MAX };
const NOT_NOW = "503 Service Unavailable";
const NOT_HERE = "404 Not Found";
const REFUSALS = { 401: "401 Unauthorized", 404: NOT_HERE, 414: "414 URI Too Long" } as const;

/** Serves until `stopAccepting`. */
export async function listenWithWs<Client>(
  options: ListenOptions,
  opening: Opening<Client>,
): Promise<Listener> {
  const server = options.tls === null
    ? createServer(httpOptions())
    : createTlsServer({ ...httpOptions(), ...options.tls, handshakeTimeout: limits.HTTP_HEAD_MS_MAX });
  const handshakes = new WebSocketServer(socketOptions(options));
  const outbox = new Outbox();
  const heartbeat = new SocketHeartbeat(options.idleSeconds);
  setInterval(() => heartbeat.tick(), SECOND_MS);
  let isAccepting = true;

  const upgrade = (
    incoming: IncomingMessage,
    stream: Duplex,
    head: Buffer,
    events: PathEvents<unknown>,
  ) => {
    if (!isAccepting) return refuse(stream, NOT_NOW);
    // Before the handshake: afterwards the request is not kept.
    const { headers, socket: { remoteAddress = "" }, url = "" } = incoming;
    const visitor = events.visitor(headersOf(headers), remoteAddress, url);
    if ("status" in visitor) return refuse(stream, REFUSALS[visitor.status], refusalBody(visitor));
    handshakes.handleUpgrade(incoming, stream, head, (connection: WebSocket) => {
      const socket = new WsSocket(connection as WsConnection, stream, outbox, events, options.turns);
      heartbeat.add(socket);
      connection.once("close", () => heartbeat.delete(socket));
      socket.open(events.open(socket, visitor));
    });
  };
  const scheme = options.tls === null ? "http" : "https";
  server.on("request", (incoming, outgoing) => {
    answerPage(
      incoming,
      outgoing,
      scheme,
      (request, remote, ended) =>
        opening.serve((events) => events.http(request, remote, ended)) ??
          new Response("The relay starts.\n", { status: 503 }),
    );
  });
  server.on("upgrade", (incoming: IncomingMessage, stream: Duplex, head: Buffer) => {
    // Until the handshake nobody else listens, and a client may be gone before its turn.
    const ignore = () => {};
    stream.on("error", ignore);
    const served = opening.serve((events) => {
      stream.off("error", ignore);
      // NIP-01 has one endpoint: where there is none, a socket finds as little as a browser does.
      const ofPath = eventsAt(events, /^[^?]*/.exec(incoming.url ?? "")![0]);
      if (ofPath === null) refuse(stream, NOT_HERE);
      else upgrade(incoming, stream, head, ofPath);
      return true;
    });
    if (served === null) refuse(stream, NOT_NOW);
  });
  const { hostname, port } = await listen(server, options);
  boundSockets(server, options.socketsMax, () => server.listen({ host: hostname, port, reusePort: true }));
  return {
    address: { hostname, port },
    messagesPerTurn: limits.WS_MESSAGES_PER_TURN,
    stopAccepting: () => {
      isAccepting = false;
    },
  };
}

/** Answers a handshake that is none for us; the client may be gone already. */
function refuse(stream: Duplex, status: string, body = ""): void {
  stream.on("error", () => {});
  stream.once("finish", () => stream.destroy());
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  stream.end(body === "" ? `${head}\r\n` : `${head}Content-Type: application/json\r\n\r\n${body}`);
}

async function listen(server: Server, { hostname, port }: ListenOptions) {
  server.listen({ host: hostname, port, reusePort: true });
  // Rejects where the server emits an error instead.
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return { hostname: address.address, port: address.port };
}

/** A client that sends a request byte by byte, or nothing at all, holds its connection for a bounded time. */
function httpOptions(): HttpOptions {
  return {
    maxHeaderSize: limits.HTTP_HEAD_BYTES_MAX,
    headersTimeout: limits.HTTP_HEAD_MS_MAX,
    requestTimeout: limits.HTTP_REQUEST_MS_MAX,
    keepAliveTimeout: limits.HTTP_IDLE_MS_MAX,
    connectionsCheckingInterval: limits.HTTP_LOOK_MS,
  };
}

function socketOptions({ frameBytesMax, compression }: ListenOptions): ServerOptions {
  return {
    noServer: true,
    clientTracking: false,
    // It would end the connection of a client that sends more than a few at once.
    autoPong: false,
    maxPayload: frameBytesMax,
    maxBufferedChunks: limits.MESSAGE_PIECES_MAX,
    maxFragments: limits.MESSAGE_PIECES_MAX,
    perMessageDeflate: compression && { serverNoContextTakeover: true, clientNoContextTakeover: true },
    WebSocket: WsConnection as unknown as typeof WebSocket,
    ...OPTIONS_WITHOUT_TYPES,
  };
}
