/** Tests of pages that other actors answer: who reaches the actor, with what proof, and what each refusal is. */
import { assertEquals, assertMatch } from "@std/assert";
import { hash } from "node:crypto";
import { readConfig } from "../../../lib/config/config.ts";
import type { ConfigFollower } from "../../../lib/config/shared_config.ts";
import { API_BODY_BYTES_MAX, API_TARGET_CHARS_MAX } from "../../../lib/limits.ts";
import { createRateMemory } from "../../../lib/policy/rate_table.ts";
import { openVerifier } from "../../../lib/verify/open_verifier.ts";
import type { PageQuestion } from "../../../runtime/actor_link.ts";
import { type EventTemplate, signEvent, type TestKey, testKey } from "../../../tests/support/sign.ts";
import { proofDoor } from "../proof_door.ts";
import { answerActorPage } from "./actor_pages.ts";

const [operator, stranger] = [testKey(1), testKey(2)];
const config = readConfig({
  RELAY_PUBKEY: operator.pubkey,
  RELAY_URL: "wss://relay.example/nostr",
  API_TOKEN: "sesame",
});
const { verifier } = await openVerifier({ tier: "wasm", libraryPath: null });
const settings = { config } as ConfigFollower;
const rates = createRateMemory(Uint32Array.of(1, 2));
/** Two gateways. */
const doors = [1, 2].map(() => proofDoor({ settings, verifier, rates }));

/** A request, and who signs it. */
interface Sent {
  readonly method?: string;
  readonly target?: string;
  readonly body?: string;
  readonly key?: TestKey;
  /** What the event names in place of the request. */
  readonly named?: { method?: string; url?: string; body?: string };
  readonly changes?: EventTemplate;
  readonly header?: string;
}

let lastNonce = 0;

function headerOf(
  { method = "GET", target = "/api/x", body, key = operator, named = {}, changes = {} }: Sent,
) {
  const payload = named.body ?? body;
  const tags = [
    ["u", named.url ?? `https://relay.example/nostr${target}`],
    ["method", named.method ?? method],
    ...(payload === undefined ? [] : [["payload", hash("sha256", payload, "hex")]]),
    ["nonce", `${++lastNonce}`],
  ];
  return `Nostr ${btoa(JSON.stringify(signEvent(key, { kind: 27_235, tags, ...changes })))}`;
}

/** Sends a request to a page: the status, the error if there is one, and what the actor was asked. */
async function send(access: "admin" | "keyed", sent: Sent = {}, gateway = 0) {
  const asked: PageQuestion[] = [];
  const { method = "GET", target = "/api/x", body } = sent;
  const header = sent.header ?? headerOf(sent);
  const request = new Request(`http://127.0.0.1:8000${target}`, {
    method,
    headers: header === "" ? {} : { Authorization: header },
    ...(body !== undefined && { body }),
  });
  const response = await answerActorPage(request, { actor: "fanout", access }, {
    proofs: doors[gateway]!,
    actors: {
      absence: () => null,
      ask: (_, question) => {
        asked.push(question);
        return Promise.resolve({ status: 201, body: "{}", headers: { "X-From": "actor" } });
      },
    },
  });
  const { error } = await response.json();
  return { status: response.status, error, asked, header, headers: response.headers };
}

Deno.test("an admin and the holder of the token reach every page, another key those for keys", async () => {
  for (const access of ["admin", "keyed"] as const) {
    const { status, asked, headers } = await send(access, { target: "/api/x?a=1" });
    assertEquals([status, headers.get("X-From")], [201, "actor"]);
    assertEquals(asked, [{
      method: "GET",
      path: "/api/x",
      query: "a=1",
      body: "",
      proof: { key: operator.pubkey, isAdmin: true },
    }]);
    const { asked: byToken } = await send(access, { header: "Bearer sesame" });
    assertEquals(byToken[0]!.proof, { key: null, isAdmin: true });
  }
  const { status, error, asked } = await send("admin", { key: stranger });
  assertEquals([status, asked], [403, []]);
  assertMatch(error, /this key does not manage this relay/);
  const { asked: keyed } = await send("keyed", { key: stranger });
  assertEquals(keyed[0]!.proof, { key: stranger.pubkey, isAdmin: false });
});

Deno.test("a proof names the page by the relay's own URL, by its scheme for sockets too", async () => {
  for (const url of ["wss://relay.example/nostr/api/x", "https://RELAY.example:443/nostr/api/x"]) {
    assertEquals((await send("keyed", { named: { url } })).status, 201, url);
  }
  for (
    const url of [
      "https://relay.example/nostr",
      "https://relay.example/api/x",
      "https://relay.example/nostr/api/x?a=1",
      "http://relay.example/nostr/api/x",
      "http://127.0.0.1:8000/api/x",
      "https://other.example/nostr/api/x",
    ]
  ) assertEquals((await send("keyed", { named: { url } })).status, 401, url);
});

Deno.test("a request without a proof, or with a wrong one, is 401, and the actor is not asked", async () => {
  const wrong: Sent[] = [
    { header: "" },
    { header: "Bearer sesam" },
    { header: "Bearer " },
    { header: "Basic c2VzYW1l" },
    { named: { method: "POST" } },
    { changes: { kind: 1 } },
    { changes: { created_at: Math.floor(Date.now() / 1000) - 100 } },
    { method: "POST", body: "{}", named: { body: "[]" } },
    { named: { body: "something" } },
    { method: "DELETE", body: "{}", header: headerOf({ method: "DELETE" }) },
  ];
  const forged = JSON.parse(atob(headerOf({ key: stranger }).slice(6)));
  wrong.push({ header: `Nostr ${btoa(JSON.stringify({ ...forged, pubkey: operator.pubkey }))}` });
  const unsigned = { ...JSON.parse(atob(headerOf({}).slice(6))), sig: "0".repeat(128) };
  wrong.push({ header: `Nostr ${btoa(JSON.stringify(unsigned))}` });
  for (const access of ["admin", "keyed"] as const) {
    for (const sent of wrong) {
      const { status, asked, headers } = await send(access, sent);
      assertEquals(
        [status, asked, headers.get("WWW-Authenticate")],
        [401, [], "Nostr, Bearer"],
        JSON.stringify(sent),
      );
    }
  }
});

Deno.test("a proof is for one request that changes something, whichever gateway has seen it", async () => {
  const sent = { method: "POST", body: "{}" };
  const { status, header } = await send("keyed", sent);
  assertEquals(status, 201);
  for (const gateway of [0, 1]) {
    const { status, error, asked } = await send("keyed", { ...sent, header }, gateway);
    assertEquals([status, asked], [401, []]);
    assertMatch(error, /has authorized another one/);
  }
  const read = headerOf({});
  for (const gateway of [0, 1]) assertEquals((await send("keyed", { header: read }, gateway)).status, 201);
});

Deno.test("a proof is not used up by a request that is refused", async () => {
  const header = headerOf({ method: "POST", body: "{}" });
  assertEquals((await send("keyed", { method: "POST", body: "[]", header })).status, 401);
  assertEquals((await send("keyed", { method: "POST", body: "{}", header })).status, 201);
});

Deno.test("a body goes to the actor, and one without bound is refused", async () => {
  const body = '{"url":"wss://ä.example"}';
  const { asked } = await send("admin", { method: "DELETE", body });
  assertEquals([asked[0]!.method, asked[0]!.body], ["DELETE", body]);
  const long = "x".repeat(API_BODY_BYTES_MAX + 1);
  assertEquals((await send("admin", { method: "POST", body: long })).status, 413);
  assertEquals((await send("admin", { target: `/api/x?${"x".repeat(API_TARGET_CHARS_MAX)}` })).status, 414);
});

Deno.test("HEAD is asked as GET, with a proof for HEAD", async () => {
  const { status, asked } = await send("admin", { method: "HEAD" });
  assertEquals([status, asked.map(({ method }) => method)], [201, ["GET"]]);
  assertEquals((await send("admin", { method: "HEAD", named: { method: "GET" } })).status, 401);
});
