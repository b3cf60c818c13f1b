/**
 * The pages of the relay, as a Hono application without sockets: `app.fetch(request)` answers.
 * Runs on every gateway thread; all it knows comes from the {@linkcode RelayStatus} that the gateway gives it.
 *
 * ```
 *  /         the landing page, or NIP-11's document for `Accept: application/nostr+json`
 *            POST with NIP-86's content type manages the relay
 *  /health   the state as JSON; 200 as long as the process answers
 *  /ready    200 when clients should come, 503 while starting or draining
 *  /metrics  for Prometheus
 * ```
 *
 * @module
 */
import { accepts } from "@std/http";
import { type Context, Hono } from "hono";
import { healthReport } from "./health.ts";
import { landingPage, landingPolicy } from "./landing_page.ts";
import { isManagementContentType, MANAGEMENT_CONTENT_TYPE } from "../../../lib/management/rpc.ts";
import { answerManagementRequest } from "./management.ts";
import type { RelayStatus } from "./relay_status.ts";
import { methodsOf, responseHeaders } from "./response_headers.ts";

/** The application that shows `status`. */
export function createApp(status: RelayStatus): Hono {
  const app = new Hono();
  app.use(responseHeaders);
  // A Host header may be anything; what follows may take the URL for one.
  app.use((context, next) => {
    if (URL.canParse(context.req.url)) return next();
    return Promise.resolve(
      context.json({ error: "Cannot read request: its Host header names no host" }, 400),
    );
  });
  app.get("/", (context) => {
    // The answer depends on Accept, and caches on the way have to know.
    context.header("Vary", "Accept");
    context.header("Cache-Control", "no-cache");
    const type = accepts(context.req.raw, "text/html", "application/nostr+json", "application/json");
    if (type === "application/nostr+json" || type === "application/json") {
      return context.body(JSON.stringify(status.information()), 200, { "Content-Type": type });
    }
    context.header("Content-Security-Policy", landingPolicy(status.information()));
    return context.html(landingPage(status, status.url ?? socketUrl(context.req.url)));
  });
  app.post("/", (context) => {
    const isManagement = isManagementContentType(context.req.header("Content-Type") ?? null);
    return isManagement ? answerManagementRequest(context.req.raw, status.management) : refuseMethod(context);
  });
  app.get("/health", (context) => context.json(healthReport(status)));
  app.get("/ready", (context) => {
    const phase = status.phase();
    return context.json({ status: phase }, phase === "ready" ? 200 : 503);
  });
  app.get("/metrics", async (context) => {
    return context.body(await status.exposition.render(), 200, {
      "Content-Type": status.exposition.contentType,
    });
  });
  for (const path of ["/", "/health", "/ready", "/metrics"]) app.all(path, refuseMethod);
  app.notFound((context) =>
    context.json({ error: `Cannot find page "${context.req.path}": there is none` }, 404)
  );
  app.onError((error, context) => {
    status.failed(error);
    return context.json({ error: "Cannot answer: internal error" }, 500);
  });
  return app;
}

function refuseMethod(context: Context): Response {
  const { method, path } = context.req;
  const allowed = methodsOf(path);
  context.header("Allow", allowed);
  const isPosted = method === "POST" && path === "/";
  const why = isPosted ? `its Content-Type is not ${MANAGEMENT_CONTENT_TYPE}` : `${allowed} are allowed`;
  return context.json({ error: `Cannot ${method} page "${path}": ${why}` }, 405);
}

/** The address of this relay as the client reached it: the host it asked, with the scheme for sockets. */
function socketUrl(requestUrl: string): string {
  const { protocol, host } = new URL(requestUrl);
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/`;
}
