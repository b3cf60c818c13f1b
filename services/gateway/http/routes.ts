/**
 * The pages of the relay, as one table: what a path answers to which method, and to whom. The application, `Allow`, the
 * bounds on requests, the tests, and the comparison with SECURITY.md follow from it.
 * Runs on every gateway thread; no state.
 *
 * @module
 */
import { accepts } from "@std/http";
import type { Context } from "hono";
import { isManagementContentType, MANAGEMENT_CONTENT_TYPE } from "../../../lib/management/rpc.ts";
import { pathParameters } from "../../../lib/path_pattern.ts";
import { answerActorPage, type PageActor } from "./actor_pages.ts";
import { healthReport } from "./health.ts";
import { landingPage, landingPolicy } from "./landing_page.ts";
import { answerManagementRequest } from "./management.ts";
import { memorySummary, metricsSummary } from "./metrics_summary.ts";
import type { RelayStatus } from "./relay_status.ts";

/**
 * Who is answered: everybody who reaches the port; the keys that manage the relay, proved by NIP-98; these, and holders of
 * `API_TOKEN`; or whoever has proved a key, of which the actor that answers knows what it may do.
 */
export type Access = "public" | "manager" | "admin" | "keyed";

/** A method of a path. */
export interface Route {
  /** Parameters begin with a colon. */
  readonly path: string;
  /** HEAD is answered as GET without a body; OPTIONS is answered for every path. */
  readonly method: "GET" | "POST" | "DELETE";
  readonly access: Access;
  /** What a load balancer asks for: answered though all other pages are left unread, and bounded by address only. */
  readonly isState: boolean;
  /** The content type that the request's body has to have; null: any, or there is none. */
  readonly body: RouteBody | null;
  readonly answer: (context: Context, status: RelayStatus) => Response | Promise<Response>;
}

/** The content type of a request. */
interface RouteBody {
  readonly contentType: string;
  /** Whether a `Content-Type` header names it. */
  readonly isNamedBy: (header: string | null) => boolean;
}

const MANAGEMENT_BODY = { contentType: MANAGEMENT_CONTENT_TYPE, isNamedBy: isManagementContentType };

/** All of them; another path is 404. */
export const ROUTES: readonly Route[] = [
  // The landing page, or NIP-11's document.
  { path: "/", method: "GET", access: "public", isState: false, body: null, answer: answerRelay },
  // NIP-86.
  { path: "/", method: "POST", access: "manager", isState: false, body: MANAGEMENT_BODY, answer: manage },
  // The state as JSON; 200 as long as the process answers.
  { path: "/health", method: "GET", access: "public", isState: true, body: null, answer: answerHealth },
  // 200 when clients should come, 503 while starting or draining.
  { path: "/ready", method: "GET", access: "public", isState: true, body: null, answer: answerReady },
  // For Prometheus.
  { path: "/metrics", method: "GET", access: "public", isState: false, body: null, answer: answerMetrics },
  // A few of the same as JSON.
  ofMetrics("/api/metrics/summary", metricsSummary),
  ofMetrics("/api/metrics/memory", memorySummary),
  // Upstream relays.
  ofActor("GET", "/status", "admin", "upstream"),
  ofActor("GET", "/api/relays", "admin", "upstream"),
  ofActor("POST", "/api/relays/add", "admin", "upstream"),
  ofActor("DELETE", "/api/relays/remove", "admin", "upstream"),
  // Targets of forwarding.
  ofActor("GET", "/api/forward", "admin", "router"),
  // Bots and their followers.
  ofActor("POST", "/api/bots/register", "keyed", "fanout"),
  ofActor("DELETE", "/api/bots/:bot", "keyed", "fanout"),
  ofActor("POST", "/api/subscriptions", "keyed", "fanout"),
  ofActor("GET", "/api/subscriptions/:bot", "keyed", "fanout"),
  ofActor("DELETE", "/api/subscriptions", "keyed", "fanout"),
];

/** The methods of a path that is not there. */
const METHODS_OF_NOTHING = ["GET", "HEAD", "OPTIONS"];

/** The paths, each once. */
export const PATHS: readonly string[] = [...new Set(ROUTES.map(({ path }) => path))];

/** The methods that some path answers to, as a header lists them. */
export const ALL_METHODS = joined(ROUTES);

/** The routes of one path. */
export function routesOf(path: string): readonly Route[] {
  return ROUTES.filter((route) => pathParameters(route.path, path) !== null);
}

/** The methods of a path, for `Allow`. */
export function methodsOf(path: string): string {
  return joined(routesOf(path));
}

/** A page of a few metrics. */
function ofMetrics(path: string, metricsOf: (status: RelayStatus) => Record<string, number>): Route {
  const answer = (context: Context, status: RelayStatus) => context.json(metricsOf(status));
  return { path, method: "GET", access: "public", isState: false, body: null, answer };
}

/** A page that another actor answers. */
function ofActor(method: Route["method"], path: string, access: "admin" | "keyed", actor: PageActor): Route {
  const answer = (context: Context, status: RelayStatus) =>
    answerActorPage(context.req.raw, { actor, access }, status);
  return { path, method, access, isState: false, body: null, answer };
}

function joined(routes: readonly Route[]): string {
  const methods = routes.flatMap(({ method }) => method === "GET" ? METHODS_OF_NOTHING : ["OPTIONS", method]);
  return [...new Set(routes.length === 0 ? METHODS_OF_NOTHING : methods)].sort().join(", ");
}

function answerRelay(context: Context, status: RelayStatus): Response | Promise<Response> {
  // The answer depends on Accept, and caches on the way have to know.
  context.header("Vary", "Accept");
  context.header("Cache-Control", "no-cache");
  const type = accepts(context.req.raw, "text/html", "application/nostr+json", "application/json");
  if (type === "application/nostr+json" || type === "application/json") {
    return context.body(JSON.stringify(status.information()), 200, { "Content-Type": type });
  }
  context.header("Content-Security-Policy", landingPolicy(status.information()));
  return context.html(landingPage(status, status.url ?? socketUrl(context.req.url)));
}

function manage(context: Context, status: RelayStatus): Promise<Response> {
  return answerManagementRequest(context.req.raw, status.management, status.proofs);
}

function answerHealth(context: Context, status: RelayStatus): Response {
  return context.json(healthReport(status));
}

function answerReady(context: Context, status: RelayStatus): Response {
  const phase = status.phase();
  return context.json({ status: phase }, phase === "ready" ? 200 : 503);
}

async function answerMetrics(context: Context, { exposition }: RelayStatus): Promise<Response> {
  const { contentType, text } = await exposition.render();
  return context.body(text, 200, { "Content-Type": contentType });
}

/** The address of this relay as the client reached it: the host it asked, with the scheme for sockets. */
function socketUrl(requestUrl: string): string {
  const { protocol, host } = new URL(requestUrl);
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/`;
}
