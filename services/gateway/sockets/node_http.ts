/**
 * Serves the pages, which are written for `Request` and `Response`, through Deno's `node:http`.
 * The gateway's thread owns it; no state.
 *
 * @module
 */
import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { RequestHeaders } from "./listener.ts";

/** What answers a request. */
type Answer = (
  request: Request,
  remote: string,
  ended: Promise<unknown>,
) => Response | Promise<Response>;

/** Whatever a client does with its connection ends that connection only; what the pages themselves fail at, they say. */
export async function answerPage(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  scheme: "http" | "https",
  answer: Answer,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  try {
    const request = requestOf(incoming, scheme);
    if (request === null) return void outgoing.writeHead(400).end("This request names no page.\n");
    settleAtEnd(ended, incoming, outgoing);
    await send(await answer(request, incoming.socket.remoteAddress ?? "", ended.promise), outgoing);
  } catch {
    outgoing.destroy();
    ended.resolve();
  }
}

/** Of a connection that ends before its answer has begun, Deno's `node:http` closes the socket and never the answer. */
function settleAtEnd(
  { promise, resolve }: PromiseWithResolvers<void>,
  { socket }: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const settle = () => resolve();
  outgoing.once("close", settle);
  socket.once("close", settle);
  if (socket.destroyed) resolve();
  promise.then(() => socket.off("close", settle));
}

/** A node request's headers, read as those of a `Request`. */
export function headersOf(headers: IncomingHttpHeaders): RequestHeaders {
  return {
    get(name) {
      const value = headers[name.toLowerCase()];
      return value === undefined ? null : Array.isArray(value) ? value.join(", ") : value;
    },
  };
}

/** Null where the target or the host makes no URL. */
function requestOf(incoming: IncomingMessage, scheme: "http" | "https"): Request | null {
  const { method = "GET", url = "/", headers } = incoming;
  const target = url.startsWith("/") ? `${scheme}://${headers.host ?? "localhost"}${url}` : url;
  if (!URL.canParse(target)) return null;
  const list: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) list.push([name, Array.isArray(value) ? value.join(", ") : value]);
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(target, {
    method,
    headers: list,
    ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array<ArrayBuffer>> } : {}),
  });
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, [...response.headers].flat());
  for await (const chunk of response.body ?? []) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await Promise.race([once(outgoing, "drain"), once(outgoing, "close")]);
  }
  outgoing.end();
}
