/**
 * Bounds the HTTP requests that are being answered: of one client address, and of all. A connection of HTTP/2 carries
 * hundreds of them, so connections say little. A request counts until its answer is sent, because a page that its client
 * does not read stays in memory.
 * The gateway's thread owns it; the counts are shared by all gateways.
 *
 * @module
 */
import { customerOf } from "../../../lib/network/network.ts";
import { HTTP_REQUESTS_MAX, HTTP_REQUESTS_PER_ADDRESS_MAX } from "../../../lib/limits.ts";
import type { SharedCounts } from "../../../lib/policy/shared_counts.ts";
import { ROUTES } from "./routes.ts";

/** What a load balancer asks for, and is told though pages are left unread: short, and bounded apart, by address. */
const APART = new Set(ROUTES.filter(({ isState }) => isState).map(({ path }) => path));

/** A request that is not the one too many. */
type Serve = (request: Request) => Response | Promise<Response>;

/** See the module's text. */
export class PageRequests {
  readonly #counts: SharedCounts;
  readonly #serve: Serve;

  constructor(counts: SharedCounts, serve: Serve) {
    this.#counts = counts;
    this.#serve = serve;
  }

  /** Answers a request of a client address. `ended` settles when the answer is sent, or nobody takes it any more. */
  async answer(request: Request, address: string, ended: Promise<unknown>): Promise<Response> {
    const counts = this.#counts;
    const isApart = APART.has(URL.parse(request.url)?.pathname ?? "");
    const kind = isApart ? "states of" : "pages of";
    const ofAddress = counts.acquire(kind, customerOf(address), HTTP_REQUESTS_PER_ADDRESS_MAX);
    if (ofAddress < 0) return refusal(429);
    const ofAll = isApart ? null : counts.acquire("pages", "", HTTP_REQUESTS_MAX);
    const release = () => {
      counts.release(ofAddress);
      if (ofAll !== null) counts.release(ofAll);
    };
    if (ofAll !== null && ofAll < 0) {
      release();
      return refusal(503);
    }
    ended.then(release, release);
    return await streamed(await this.#serve(request));
  }
}

function refusal(status: 429 | 503): Response {
  return new Response(null, { status, headers: { "Retry-After": "1", "Connection": "close" } });
}

/** `Deno.serve` tells of a body that is sent only where it is a stream. */
async function streamed(response: Response): Promise<Response> {
  if (response.body === null) return response;
  const bytes = await response.bytes();
  const headers = new Headers(response.headers);
  headers.set("Content-Length", String(bytes.length));
  const body = new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
  return new Response(body, { status: response.status, headers });
}
