/**
 * Headers that every answer carries: CORS, which NIP-11 demands, and what keeps a page from being misused.
 * Runs on a gateway thread; holds no state.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";

/** The methods that any page has. */
const METHODS = "GET, HEAD, OPTIONS";

/** The methods that a page has, for `Allow`: management is posted to the relay's own address. */
export function methodsOf(path: string): string {
  return path === "/" ? `${METHODS}, POST` : METHODS;
}

const HEADERS: Readonly<Record<string, string>> = {
  // NIP-11: relays MUST send all three. `*` does not cover Authorization.
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "*, Authorization",
  "Access-Control-Allow-Methods": methodsOf("/"),
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
};

/** Nothing may be loaded, framed or run; a page that needs more says so itself. */
const POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** The policy of a page with one style sheet inside and images from `imageOrigins`. */
export function pagePolicy(styleHash: string, imageOrigins: readonly string[]): string {
  const images = ["data:", ...imageOrigins].join(" ");
  return `${POLICY}; style-src '${styleHash}'; img-src ${images}`;
}

/** Adds the headers to every answer, and answers preflight requests. */
export const responseHeaders: MiddlewareHandler = async (context, next) => {
  if (context.req.method === "OPTIONS") {
    context.res = new Response(null, {
      status: 204,
      headers: { "Allow": methodsOf(context.req.path), "Access-Control-Max-Age": "86400" },
    });
  } else {
    await next();
  }
  const { headers } = context.res;
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  if (!headers.has("Content-Security-Policy")) headers.set("Content-Security-Policy", POLICY);
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
};
