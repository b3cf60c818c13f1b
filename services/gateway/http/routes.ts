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
import { healthReport } from "./health.ts";
import { landingPage, landingPolicy } from "./landing_page.ts";
import { answerManagementRequest } from "./management.ts";
import type { RelayStatus } from "./relay_status.ts";

/** Who is answered: everybody who reaches the port, or the keys that manage the relay, proved by NIP-98. */
export type Access = "public" | "admin";

/** A method of a path. */
export interface Route {
  readonly path: string;
  /** HEAD is answered as GET without a body; OPTIONS is answered for every path. */
  readonly method: "GET" | "POST";
  readonly access: Access;
  /** What a load balancer asks for: answered though all other pages are left unread, and bounded by address only. */
  readonly isState: boolean;
  /** What the request's body has to be; null: the request has none. */
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
  { path: "/", method: "POST", access: "admin", isState: false, body: MANAGEMENT_BODY, answer: manage },
  // The state as JSON; 200 as long as the process answers.
  { path: "/health", method: "GET", access: "public", isState: true, body: null, answer: answerHealth },
  // 200 when clients should come, 503 while starting or draining.
  { path: "/ready", method: "GET", access: "public", isState: true, body: null, answer: answerReady },
  // For Prometheus.
  { path: "/metrics", method: "GET", access: "public", isState: false, body: null, answer: answerMetrics },
];

/** The methods that every path answers to. */
const METHODS_OF_ALL = ["GET", "HEAD", "OPTIONS"];

/** The paths, each once. */
export const PATHS: readonly string[] = [...new Set(ROUTES.map(({ path }) => path))];

const METHODS: ReadonlyMap<string, string> = new Map(PATHS.map((path) => [path, joined(routesOf(path))]));

/** The methods that some path answers to, as a header lists them. */
export const ALL_METHODS = joined(ROUTES);

/** The routes of one path. */
export function routesOf(path: string): readonly Route[] {
  return ROUTES.filter((route) => route.path === path);
}

/** The methods of a path, for `Allow`. Those of a path that is not there are the ones that every path has. */
export function methodsOf(path: string): string {
  return METHODS.get(path) ?? joined([]);
}

function joined(routes: readonly Route[]): string {
  return [...new Set([...METHODS_OF_ALL, ...routes.map(({ method }) => method)])].sort().join(", ");
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
  return answerManagementRequest(context.req.raw, status.management);
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
