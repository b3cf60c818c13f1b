/**
 * The socket engine over `Deno.serve` and `Deno.upgradeWebSocket`; the default.
 * Runs on its gateway's thread. Several gateways share one port: the kernel spreads connections (`reusePort`).
 *
 * It stops reading a socket by symbols of Deno's own (`serve_rest.ts`). What it cannot do: refuse a long frame before it
 * has arrived whole (Deno's own bound is 64 MiB); compress; bound how long a client takes for the head of its request,
 * or how many do so at once. When no descriptor is left for one more, Deno's server ends; its WebSockets go on, and
 * another server takes its place.
 *
 * @module
 */
import {
  LISTEN_AGAIN_MS,
  SERVE_MESSAGES_PER_TURN,
  SOCKET_TURN_CHARS_MAX,
  SOCKET_TURN_MESSAGES_MAX,
} from "../../../lib/limits.ts";
import type { CachedText } from "../../../lib/store/read/text_cache.ts";
import { type Cork, Corks } from "./corks.ts";
import {
  eventsAt,
  type HandshakeRefusal,
  type Listener,
  type ListenOptions,
  type PathEvents,
  refusalBody,
  type Socket,
  type SocketEvents,
  type Visitor,
} from "./listener.ts";
import type { Opening } from "./opening.ts";
import { Rest } from "./serve_rest.ts";
import type { Guest, Turns } from "./turns.ts";

/** Serves until `stopAccepting`. */
export function listenWithServe<Client>(
  options: ListenOptions,
  opening: Opening<Client>,
): Promise<Listener> {
  let isAccepting = true;
  const corks = Corks.open(options.libraryPath);
  const answer = (request: Request, info: Deno.ServeHandlerInfo, events: SocketEvents<Client>) => {
    const remote = info.remoteAddr as Deno.NetAddr;
    const wantsSocket = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    const url = wantsSocket ? URL.parse(request.url) : null;
    // NIP-01 has one endpoint: where there is none, a socket finds as little as a browser does.
    const ofPath = url === null ? null : eventsAt(events, url.pathname);
    if (ofPath === null) return events.http(request, remote.hostname, info.completed);
    if (!isAccepting) return refuse();
    const claim = (socket: WebSocket) => corks?.claim(socket, remote, port) ?? null;
    const target = url!.pathname + url!.search;
    return upgrade<unknown>(request, remote.hostname, { ...options, claim, target }, ofPath);
  };
  const listen = (port: number): Deno.NetAddr => {
    const server = Deno.serve(
      { hostname: options.hostname, port, reusePort: true, onListen: () => {}, ...(options.tls ?? {}) },
      (request, info) => opening.serve((events) => answer(request, info, events)) ?? refuse(),
    );
    server.finished.catch((error) => {
      options.failed(error);
      again(server.addr.port);
    });
    return server.addr;
  };
  const again = (port: number) => {
    setTimeout(() => {
      try {
        listen(port);
      } catch {
        // Not even a descriptor to listen with.
        again(port);
      }
    }, LISTEN_AGAIN_MS);
  };
  const { hostname, port } = listen(options.port);
  return Promise.resolve({
    address: { hostname, port },
    messagesPerTurn: SERVE_MESSAGES_PER_TURN,
    // Deno's own ways to stop a server close the sockets that it upgraded, before their events are answered.
    stopAccepting: () => {
      isAccepting = false;
    },
  });
}

function refuse(): Response {
  return new Response("The relay stops.\n", { status: 503 });
}

function refusalHead({ status }: HandshakeRefusal): ResponseInit {
  return { status, headers: { "Content-Type": "application/json", "Connection": "close" } };
}

/** What a socket is served with. */
interface SocketOptions extends ListenOptions {
  /** Asked once for each. */
  readonly claim: (socket: WebSocket) => Cork | null;
  /** The path and query of its request. */
  readonly target: string;
}

function upgrade<Client>(
  request: Request,
  remote: string,
  options: SocketOptions,
  events: PathEvents<Client>,
): Response {
  // Before the upgrade: afterwards Deno gives out no headers.
  const visitor = events.visitor(request.headers, remote, options.target);
  if ("status" in visitor) return new Response(refusalBody(visitor), refusalHead(visitor));
  let upgraded: Deno.WebSocketUpgrade;
  try {
    upgraded = Deno.upgradeWebSocket(request, { idleTimeout: options.idleSeconds });
  } catch {
    return new Response("This request is not a WebSocket handshake.\n", { status: 400 });
  }
  const socket = new ServeSocket(upgraded.socket, options.claim(upgraded.socket), options.turns);
  serve(socket, visitor, options.frameBytesMax, events);
  return upgraded.response;
}

/** A function of its own, so that what its closures keep alive with the socket does not include the request. */
function serve<Client>(
  socket: ServeSocket,
  visitor: Visitor,
  frameBytesMax: number,
  events: PathEvents<Client>,
): void {
  const { webSocket } = socket;
  let client: Client | null = null;
  webSocket.onopen = () => {
    client = events.open(socket, visitor);
    if (client === null) socket.close(1013, "the relay takes no more connections now");
  };
  socket.answer = (data) => {
    if (client === null) return;
    if (typeof data !== "string") {
      events.fault(client, "invalid: binary frames are not part of this protocol");
    } // A UTF-16 unit is at most three bytes: most frames need no count.
    else if (data.length * 3 > frameBytesMax && byteLength(data) > frameBytesMax) {
      socket.close(1009, `a message is longer than ${frameBytesMax} bytes`);
    } else events.text(client, data);
  };
  webSocket.onmessage = ({ data }) => socket.receive(data);
  webSocket.onclose = () => {
    socket.closed();
    if (client !== null) events.closed(client);
    client = null;
  };
  // `onclose` follows every error; without a listener the error would be uncaught.
  webSocket.onerror = () => {};
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** What a message of Deno's is: a text, or something binary. */
type Data = string | object;

class ServeSocket implements Socket, Guest {
  readonly webSocket: WebSocket;
  readonly #cork: Cork | null;
  readonly #turns: Turns;
  used = 0;
  usedMs = 0;
  visitMs = 0;
  visitTurn = 0;
  isHeldBack = false;
  /** Answers a message; set when its client is known. */
  answer: (data: Data) => void = () => {};
  /** The message before which it rests. */
  #held: Data | null = null;
  /** Messages, and characters of them, since its last rest. */
  #messages = 0;
  #chars = 0;
  /** Made for the first rest. */
  #rest: Rest | null = null;
  /** Whether there is no room for what it sends; it rests until there is. */
  #isPaused = false;
  /** Whether it waits for its turn. */
  #isWaiting = false;

  constructor(webSocket: WebSocket, cork: Cork | null, turns: Turns) {
    this.webSocket = webSocket;
    this.#cork = cork;
    this.#turns = turns;
  }

  /** Answers a message, or rests before it or after it. The last thing of `onmessage`. */
  receive(data: Data): void {
    if (!this.#turns.hasRoom(this) && this.#resting.begin()) {
      this.#held = data;
      this.#wait(true);
    } else if (!this.#serve(data) && this.#resting.begin() && !this.#isPaused) this.#wait();
  }

  get #resting(): Rest {
    return this.#rest ??= new Rest(this.webSocket);
  }

  get flow(): this | null {
    return this.#resting.isPossible ? this : null;
  }

  /** Called while a message is answered: the next is not read until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wait();
  }

  /** Answers a message. Returns whether the next is to be read now: there is room, and no other turn is due. */
  #serve(data: Data): boolean {
    const chars = typeof data === "string" ? data.length : 0;
    const hasTurn = this.#turns.serve(this, chars, () => this.answer(data));
    this.#chars += chars;
    if (++this.#messages < SOCKET_TURN_MESSAGES_MAX && this.#chars < SOCKET_TURN_CHARS_MAX) {
      return hasTurn && !this.#isPaused;
    }
    this.#messages = this.#chars = 0;
    return false;
  }

  /** Waits for its turn. */
  #wait(isHeldBack = false): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#turns.rest(this, isHeldBack);
  }

  rested(): void {
    this.#isWaiting = false;
    const held = this.#held;
    this.#held = null;
    this.#rest!.left();
    if (held === null || this.#serve(held)) this.#rest!.end();
    // It rests on, without having read.
    else if (!this.#isPaused) this.#wait();
  }

  get bufferedBytes(): number {
    this.#rest?.left();
    return this.webSocket.bufferedAmount;
  }

  send(text: string): void {
    this.#rest?.left();
    if (this.webSocket.readyState !== WebSocket.OPEN) return;
    this.#cork?.gather();
    this.#turns.wrote();
    this.webSocket.send(text);
  }

  sendEvent(prefix: string, text: CachedText): void {
    this.send(`${prefix}${text}]`);
  }

  closed(): void {
    this.#cork?.release();
  }

  close(code: number, reason: string): void {
    this.#rest?.left();
    if (this.webSocket.readyState <= WebSocket.OPEN) this.webSocket.close(code, reason);
    // The client's part of closing has to be read.
    if (this.#isPaused) this.resume();
  }
}
