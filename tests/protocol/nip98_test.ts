/**
 * NIP-98 from outside: which requests to manage the relay are authorized, and that nothing else is.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import type { EventTemplate } from "../support/sign.ts";
import { authorization, headerOf, post, RPC_TYPE } from "./management.ts";
import { freshKey, nowSeconds, sharedRelay } from "./shared_relay.ts";

const [operator, admin, stranger] = [freshKey(), freshKey(), freshKey()];
const relay = await sharedRelay({ RELAY_PUBKEY: operator.pubkey, RELAY_ADMINS: admin.pubkey });
const BODY = JSON.stringify({ method: "supportedmethods", params: [] });

Deno.test("a request that an admin signed is answered, by whichever of the relay's own URLs it names", async () => {
  for (const key of [operator, admin]) {
    for (const url of [relay.httpUrl, `${relay.httpUrl}/`, relay.url, `${relay.url}/`]) {
      const { status } = await post(relay.httpUrl, BODY, headerOf(authorization(key, url, BODY)));
      assertEquals(status, 200, url);
    }
  }
});

Deno.test("a request without authorization, or with a wrong one, is 401", async () => {
  const { httpUrl } = relay;
  const tags = (
    url: string,
    method: string,
    ...more: string[][]
  ) => [["u", url], ["method", method], ...more];
  const wrong: EventTemplate[] = [
    { kind: 1 },
    { created_at: nowSeconds() - 600 },
    { created_at: nowSeconds() + 600 },
    { tags: tags(httpUrl, "POST") },
    { tags: tags(httpUrl, "POST", ["payload", "0".repeat(64)]) },
  ];
  for (const changes of wrong) {
    const { status, body } = await post(
      httpUrl,
      BODY,
      headerOf(authorization(admin, httpUrl, BODY, changes)),
    );
    assertEquals(status, 401, JSON.stringify(changes));
    assertMatch(body.error!, /^Cannot /);
  }
  const payload = authorization(admin, httpUrl, BODY).tags[2]!;
  for (
    const [url, method] of [["https://relay.example.com/", "POST"], [`${httpUrl}/x`, "POST"], [
      httpUrl,
      "GET",
    ]]
  ) {
    const event = authorization(admin, httpUrl, BODY, { tags: tags(url!, method!, payload) });
    assertEquals((await post(httpUrl, BODY, headerOf(event))).status, 401, `${method} ${url}`);
  }
  const right = authorization(admin, httpUrl, BODY);
  const forged = { ...authorization(stranger, httpUrl, BODY), pubkey: admin.pubkey };
  for (const event of [forged, { ...right, sig: "0".repeat(128) }, { ...right, id: "0".repeat(64) }]) {
    assertEquals((await post(httpUrl, BODY, headerOf(event))).status, 401);
  }
  assertEquals((await post(httpUrl, BODY)).status, 401);
  for (const header of ["Nostr", "Nostr !!!", "Nostr e30=", "Bearer abc", "Basic abc"]) {
    assertEquals((await post(httpUrl, BODY, header)).status, 401, header);
  }
});

Deno.test("who signs rightly and manages nothing here is 403", async () => {
  const { status, body } = await post(
    relay.httpUrl,
    BODY,
    headerOf(authorization(stranger, relay.httpUrl, BODY)),
  );
  assertEquals(status, 403);
  assertMatch(body.error!, /does not manage/);
});

Deno.test("an authorization is for one body", async () => {
  const other = JSON.stringify({ method: "stats", params: [] });
  const { status } = await post(relay.httpUrl, other, headerOf(authorization(admin, relay.httpUrl, BODY)));
  assertEquals(status, 401);
});

Deno.test("a body without bound is refused before it is read to its end", async () => {
  const long = " ".repeat(1_000_000);
  const { status } = await post(relay.httpUrl, long, headerOf(authorization(admin, relay.httpUrl, long)));
  assertEquals(status, 413);
});

Deno.test("browsers may ask: the preflight allows POST and the header", async () => {
  const response = await fetch(relay.httpUrl, {
    method: "OPTIONS",
    headers: {
      Origin: "https://client.example",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization, content-type",
    },
  });
  assertEquals(response.status, 204);
  assertMatch(response.headers.get("access-control-allow-methods")!, /POST/);
  assertMatch(response.headers.get("access-control-allow-headers")!, /Authorization/);
  const plain = await fetch(relay.httpUrl, {
    method: "POST",
    body: BODY,
    headers: { "Content-Type": "text/plain" },
  });
  assertEquals(plain.status, 405, `only ${RPC_TYPE} manages`);
  await plain.body?.cancel();
});
