/**
 * Tests of the pages, without sockets. Runs on the main thread; a status of its own for each test.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { readConfig } from "../../../lib/config/config.ts";
import { createExposition } from "../../../lib/metrics/exposition.ts";
import { slotsOf } from "../../../lib/metrics/layout.ts";
import { createMetricsMemory, ThreadMetrics } from "../../../lib/metrics/thread_metrics.ts";
import { servedNips } from "../../../lib/relay/nips.ts";
import { relayInformation } from "../../../lib/relay/relay_information.ts";
import { createApp } from "./app.ts";
import type { RelayStatus } from "./relay_status.ts";
import { methodsOf, PATHS, ROUTES } from "./routes.ts";

const HTML = { headers: { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };
const NOSTR = { headers: { Accept: "application/nostr+json" } };

function statusOf(environment: Record<string, string> = {}, changes: Partial<RelayStatus> = {}): RelayStatus {
  const config = readConfig(environment);
  return {
    information: () => relayInformation(config, { name: "sluice", version: "1.2.3" }),
    management: { ask: () => Promise.reject(new Error("nobody may manage this relay")) },
    proofs: {
      urls: () => [],
      mayManage: () => false,
      eventFault: () => null,
      isToken: () => false,
      spend: () => true,
    },
    actors: {
      absence: () => null,
      ask: () => Promise.reject(new Error("nobody may ask the actors of this relay")),
    },
    url: config.RELAY_URL,
    durability: config.DURABILITY,
    exposition: createExposition(createMetricsMemory(1), { version: "1.2.3" }),
    metric: (name) => name.length,
    phase: () => "ready",
    queueLength: () => 5,
    subscriptions: () => 7,
    subscriptionsByConnection: () => [["a", 1], ["b", 2]],
    verifier: () => ({ tier: "lanes", description: "lanes (AVX-512)" }),
    search: () => ({ backend: "opensearch 2.19.6", available: true, lagEvents: 3 }),
    store: () => ({ writable: true, fault: null, freeBytes: 1e9 }),
    uptimeSeconds: () => 12.7,
    failed: () => {},
    ...changes,
  };
}

Deno.test("the same address serves the page to browsers and NIP-11 to clients", async () => {
  const app = createApp(statusOf({ RELAY_NAME: "Mill" }));
  const page = await app.request("/", HTML);
  assertEquals(page.headers.get("Content-Type"), "text/html; charset=UTF-8");
  assertStringIncludes(await page.text(), "<h1>Mill</h1>");
  const document = await app.request("/", NOSTR);
  assertEquals(document.headers.get("Content-Type"), "application/nostr+json");
  assertEquals(document.headers.get("Vary"), "Accept");
  const information = await document.json();
  assertEquals(information.name, "Mill");
  assertEquals(information.supported_nips, servedNips(readConfig({})).map(({ number }) => number));
});

Deno.test("what a client accepts decides, with its weights, and a client that says nothing gets the page", async () => {
  const app = createApp(statusOf());
  const typeFor = async (accept: string | null) => {
    const response = await app.request("/", accept === null ? {} : { headers: { Accept: accept } });
    return response.headers.get("Content-Type")?.split(";")[0];
  };
  assertEquals(await typeFor(null), "text/html");
  assertEquals(await typeFor("*/*"), "text/html");
  assertEquals(await typeFor("image/png"), "text/html");
  assertEquals(await typeFor("application/json"), "application/json");
  assertEquals(await typeFor("application/nostr+json, */*;q=0.1"), "application/nostr+json");
  assertEquals(await typeFor("application/nostr+json;q=0.1, text/html"), "text/html");
  assertEquals(await typeFor("Application/Nostr+JSON"), "application/nostr+json");
});

Deno.test("every answer carries the three CORS headers that NIP-11 demands", async () => {
  const app = createApp(statusOf());
  const requests: [string, RequestInit][] = [["/", NOSTR], ["/", HTML], ["/health", {}], ["/nowhere", {}]];
  requests.push(["/", { method: "OPTIONS" }], ["/", { method: "POST" }]);
  for (const [path, init] of requests) {
    const { headers } = await app.request(path, init);
    assertEquals(headers.get("Access-Control-Allow-Origin"), "*", path);
    assertMatch(headers.get("Access-Control-Allow-Headers") ?? "", /Authorization/);
    assertMatch(headers.get("Access-Control-Allow-Methods") ?? "", /GET/);
    assertEquals(headers.get("X-Content-Type-Options"), "nosniff");
    assertStringIncludes(headers.get("Content-Security-Policy") ?? "", "default-src 'none'");
  }
  const preflight = await app.request("/", { method: "OPTIONS" });
  assertEquals([preflight.status, await preflight.text()], [204, ""]);
});

Deno.test("/health reports the relay", async () => {
  const response = await createApp(statusOf()).request("/health");
  assertEquals(response.headers.get("Cache-Control"), "no-store");
  assertEquals(await response.json(), {
    status: "ok",
    version: "1.2.3",
    uptimeSeconds: 12,
    queueLength: 5,
    subscriptions: { total: 7, byConnection: { a: 1, b: 2 } },
    durability: "full",
    store: { writable: true, fault: null, freeBytes: 1e9 },
    verifier: { tier: "lanes", description: "lanes (AVX-512)" },
    search: { backend: "opensearch 2.19.6", available: true, lagEvents: 3 },
  });
});

Deno.test("/health names a search that is down, the phase, and answers 200 all the same", async () => {
  const states: [Partial<RelayStatus>, string][] = [
    [{ search: () => ({ backend: "opensearch", available: false, lagEvents: 9 }) }, "degraded"],
    [{ search: () => null }, "degraded"],
    [{ store: () => ({ writable: false, fault: "full", freeBytes: 0 }), search: () => null }, "failing"],
    [{ phase: () => "starting", verifier: () => null }, "starting"],
    [{ phase: () => "draining" }, "draining"],
  ];
  for (const [changes, expected] of states) {
    const response = await createApp(statusOf({}, changes)).request("/health");
    assertEquals([response.status, (await response.json()).status], [200, expected]);
  }
});

Deno.test("/health lists the greatest hundred connections, not all", async () => {
  const counts = Array.from({ length: 500 }, (_, i) => [`connection ${i}`, i] as const);
  const response = await createApp(statusOf({}, { subscriptionsByConnection: () => counts })).request(
    "/health",
  );
  const { byConnection } = (await response.json()).subscriptions;
  assertEquals(Object.keys(byConnection).length, 100);
  assertEquals([byConnection["connection 499"], byConnection["connection 399"]], [499, undefined]);
});

Deno.test("/ready is 503 unless the relay wants clients", async () => {
  for (const [phase, code] of [["starting", 503], ["ready", 200], ["draining", 503]] as const) {
    const response = await createApp(statusOf({}, { phase: () => phase })).request("/ready");
    assertEquals([response.status, await response.json()], [code, { status: phase }]);
  }
});

Deno.test("/metrics is what Prometheus reads", async () => {
  const memory = createMetricsMemory(1);
  new ThreadMetrics(memory, 0).add(slotsOf("nostr_messages_received_total").REQ, 3);
  const response = await createApp(statusOf({}, { exposition: createExposition(memory, {}) })).request(
    "/metrics",
  );
  assertEquals(response.headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  assertStringIncludes(await response.text(), 'nostr_messages_received_total{verb="REQ"} 3\n');
});

Deno.test("/api/metrics/summary and /api/metrics/memory are metrics as JSON", async () => {
  const app = createApp(
    statusOf({}, { metric: (name) => name === "memory_usage_bytes" ? 3 * 2 ** 20 : name.length }),
  );
  assertEquals(await (await app.request("/api/metrics/summary")).json(), {
    events_processed_total: 22,
    duplicates_filtered_total: 25,
    events_in_queue: 15,
    active_connections: 18,
    memory_usage_mb: 3,
  });
  const memory = await (await app.request("/api/metrics/memory")).json();
  assertEquals(memory, { memory_usage_bytes: 3 * 2 ** 20, memory_usage_mb: 3 });
});

Deno.test("the operator's texts and the client's Host cannot become markup", async () => {
  const evil = `"><script>alert('&')</script>`;
  const app = createApp(statusOf({ RELAY_NAME: evil, RELAY_DESCRIPTION: evil, RELAY_CONTACT: evil }));
  const page = await (await app.request("/", HTML)).text();
  assert(!page.includes("<script"));
  assertStringIncludes(page, "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;");
  const contact = createApp(statusOf({ RELAY_CONTACT: "javascript:alert(1)" }));
  assert(!(await (await contact.request("/", HTML)).text()).includes('href="javascript'));
});

Deno.test("the page says how to connect: the public address, or else the one that was asked", async () => {
  const named = createApp(statusOf({ RELAY_URL: "wss://mill.example.com/" }));
  assertStringIncludes(await (await named.request("/", HTML)).text(), "<code>wss://mill.example.com/</code>");
  const unnamed = createApp(statusOf());
  const page = async (url: string) => await (await unnamed.request(url, HTML)).text();
  assertStringIncludes(await page("http://127.0.0.1:8000/"), "<code>ws://127.0.0.1:8000/</code>");
  assertStringIncludes(await page("https://mill.example.com/?x"), "<code>wss://mill.example.com/</code>");
});

Deno.test("the page shows the limits and the NIPs that are in force", async () => {
  const limits = { MAX_SUBSCRIPTIONS: "1234", MIN_POW_DIFFICULTY: "21", CREATED_AT_LOWER_LIMIT: "4567" };
  const page = await (await createApp(statusOf(limits)).request("/", HTML)).text();
  for (const text of ["1,234 a connection", "21 leading zero bits", "4,567 s in the past"]) {
    assertStringIncludes(page, text);
  }
  for (const { title } of servedNips(readConfig({}))) assertStringIncludes(page, title);
  assertStringIncludes(page, "survives a power failure");
  const normal = await (await createApp(statusOf({ DURABILITY: "normal" })).request("/", HTML)).text();
  assert(!normal.includes("power failure"));
});

Deno.test("the page loads nothing but the operator's icon, and its policy allows just that", async () => {
  const icon = "https://img.example.com/a.png";
  const response = await createApp(statusOf({ RELAY_ICON: icon })).request("/", HTML);
  const policy = response.headers.get("Content-Security-Policy") ?? "";
  assertStringIncludes(policy, "img-src data: https://img.example.com");
  const page = await response.text();
  const style = page.match(/<style>([^]*?)<\/style>/)?.[1] ?? "";
  assertStringIncludes(policy, `'sha256-${createHash("sha256").update(style).digest("base64")}'`);
  const loaded = [...page.matchAll(/\b(?:src|srcset)="([^"]*)"/g)].map((match) => match[1]);
  assertEquals(loaded, [icon]);
  assert(!/@import|url\(|<script| style="/.test(page));
});

Deno.test("an unknown page is 404, a wrong method is 405 with what is allowed", async () => {
  const app = createApp(statusOf());
  const missing = await app.request("/nowhere");
  assertEquals([missing.status, await missing.json()], [404, {
    error: 'Cannot find page "/nowhere": there is none',
  }]);
  const documented: Record<string, string> = {
    "/": "GET, HEAD, OPTIONS, POST",
    "/api/relays/add": "OPTIONS, POST",
    "/api/relays/remove": "DELETE, OPTIONS",
    "/api/bots/register": "DELETE, OPTIONS, POST",
    "/api/bots/:bot": "DELETE, OPTIONS",
    "/api/subscriptions": "DELETE, OPTIONS, POST",
  };
  for (const path of PATHS) {
    const wrong = await app.request(path, { method: "PUT" });
    const allowed = documented[path] ?? "GET, HEAD, OPTIONS";
    assertEquals([wrong.status, wrong.headers.get("Allow")], [405, allowed], path);
    await wrong.body?.cancel();
    const preflight = await app.request(path, { method: "OPTIONS" });
    assertEquals(preflight.headers.get("Allow"), allowed);
  }
  const head = await app.request("/", { method: "HEAD", ...NOSTR });
  assertEquals([head.status, await head.text()], [200, ""]);
});

Deno.test("each route answers everybody, or nobody without a proof", async () => {
  const app = createApp(statusOf());
  for (const { path, method, access, body } of ROUTES) {
    const headers = body === null ? undefined : { "Content-Type": body.contentType };
    const response = await app.request(path, { method, ...(headers && { headers }) });
    assertEquals(response.status, access === "public" ? 200 : 401, `${method} ${path}`);
    await response.body?.cancel();
    if (body === null) continue;
    const other = await app.request(path, { method, headers: { "Content-Type": "text/plain" } });
    assertEquals([other.status, other.headers.get("Allow")], [405, methodsOf(path)]);
    assertStringIncludes((await other.json()).error, body.contentType);
  }
});

Deno.test("each page that is read answers HEAD as GET, without its body", async () => {
  const app = createApp(statusOf());
  for (const { path, method } of ROUTES) {
    if (method !== "GET") continue;
    const [get, head] = [await app.request(path), await app.request(path, { method: "HEAD" })];
    assertEquals([head.status, head.headers.get("Content-Type"), await head.text()], [
      get.status,
      get.headers.get("Content-Type"),
      "",
    ]);
    await get.body?.cancel();
  }
});

Deno.test("SECURITY.md tells of every route who may ask for it", async () => {
  const documented = documentedRoutes(
    await Deno.readTextFile(new URL("../../../SECURITY.md", import.meta.url)),
  );
  const served = Object.groupBy(ROUTES, ({ access }) => access);
  assertEquals(
    documented.map((row) => row.sort()).sort(),
    Object.values(served).map((routes) => routes.map(({ method, path }) => `${method} ${path}`).sort())
      .sort(),
  );
});

/** The routes in the first column of its table, row by row: a path without a method has that of the one before it. */
function documentedRoutes(text: string): string[][] {
  const rows: string[][] = [];
  for (const [, cell] of text.matchAll(/^\|([^|]*)\|/gm)) {
    let method = "GET";
    const routes = [...cell!.matchAll(/`(?:([A-Z]+) )?(\/[\w/:]*)`/g)].map((match) => {
      method = match[1] ?? method;
      return `${method} ${match[2]}`;
    });
    if (routes.length > 0) rows.push(routes);
  }
  return rows;
}

Deno.test("an error of a page is logged and its text is not shown", async () => {
  const errors: string[] = [];
  const broken = () => {
    throw new Error("the database is at /secret");
  };
  const status = statusOf({}, { queueLength: broken, failed: (error) => errors.push(error.message) });
  const response = await createApp(status).request("/health");
  assertEquals([response.status, await response.json()], [500, { error: "Cannot answer: internal error" }]);
  assertEquals(response.headers.get("Access-Control-Allow-Origin"), "*");
  assertEquals(errors, ["the database is at /secret"]);
});
