/**
 * Headers that every answer carries: CORS, which NIP-11 demands, and what keeps a page from being misused.
 * Runs on a gateway thread; holds no state.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { PAGE_POLICY } from "./page_policy.ts";
import { ALL_METHODS, methodsOf } from "./routes.ts";

const HEADERS: Readonly<Record<string, string>> = {
  // NIP-11: relays MUST send all three. `*` does not cover Authorization.
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "*, Authorization",
  "Access-Control-Allow-Methods": ALL_METHODS,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
};

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
  if (!headers.has("Content-Security-Policy")) headers.set("Content-Security-Policy", PAGE_POLICY);
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
};
