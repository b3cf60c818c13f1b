/**
 * The pages of the relay (`routes.ts`), as a Hono application without sockets: `app.fetch(request)` answers.
 * Runs on every gateway thread; all it knows comes from the {@linkcode RelayStatus} that the gateway gives it.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import type { RelayStatus } from "./relay_status.ts";
import { responseHeaders } from "./response_headers.ts";
import { methodsOf, PATHS, type Route, ROUTES, routesOf } from "./routes.ts";

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
  for (const route of ROUTES) {
    app.on(route.method, route.path, (context) => {
      return hasItsBody(route, context) ? route.answer(context, status) : refuseMethod(context);
    });
  }
  for (const path of PATHS) app.all(path, refuseMethod);
  app.notFound((context) =>
    context.json({ error: `Cannot find page "${context.req.path}": there is none` }, 404)
  );
  app.onError((error, context) => {
    status.failed(error);
    return context.json({ error: "Cannot answer: internal error" }, 500);
  });
  return app;
}

function hasItsBody({ body }: Route, context: Context): boolean {
  return body === null || body.isNamedBy(context.req.header("Content-Type") ?? null);
}

/** The page does not have the method, or not for such a body. */
function refuseMethod(context: Context): Response {
  const { method, path } = context.req;
  const allowed = methodsOf(path);
  context.header("Allow", allowed);
  const body = routesOf(path).find((route) => route.method === method)?.body;
  const why = body ? `its Content-Type is not ${body.contentType}` : `${allowed} are allowed`;
  return context.json({ error: `Cannot ${method} page "${path}": ${why}` }, 405);
}
