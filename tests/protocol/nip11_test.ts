/**
 * NIP-11 from outside: the document, who gets it, and that each limit in it is the limit that is enforced.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { NIPS, servedNips } from "../../lib/relay/nips.ts";
import { connect, type TestClient } from "../support/client.ts";
import { eventId, signEvent, signId, type TestEvent } from "../support/sign.ts";
import { freshKey, idsOf, nowSeconds, sharedRelay, store } from "./shared_relay.ts";

const OPERATOR = freshKey().pubkey;
/** Every limit differs from its default, so that a document or a check of defaults shows. */
const relay = await sharedRelay({
  RELAY_NAME: "The Mill",
  RELAY_DESCRIPTION: "Grinds events, slowly.",
  RELAY_PUBKEY: OPERATOR,
  RELAY_CONTACT: "mailto:miller@example.com",
  RELAY_ICON: "https://example.com/icon.png",
  RELAY_BANNER: "https://example.com/banner.png",
  RELAY_TERMS: "https://example.com/terms",
  MAX_MESSAGE_LENGTH: "20000",
  MAX_SUBSCRIPTIONS: "7",
  MAX_LIMIT: "40",
  DEFAULT_LIMIT: "15",
  MAX_SUBID_LENGTH: "20",
  MAX_EVENT_TAGS: "12",
  MAX_CONTENT_LENGTH: "600",
  CREATED_AT_LOWER_LIMIT: "100000",
  CREATED_AT_UPPER_LIMIT: "300",
  MAX_FILTERS: "3",
});
const strict = await sharedRelay({ MIN_POW_DIFFICULTY: "9" });

interface Document {
  readonly limitation: Record<string, number | boolean>;
  readonly supported_nips: number[];
  readonly [key: string]: unknown;
}

async function documentOf(httpUrl = relay.httpUrl): Promise<Document> {
  const response = await fetch(httpUrl, { headers: { Accept: "application/nostr+json" } });
  assertEquals(response.status, 200);
  return await response.json();
}

async function limitOf(name: string, httpUrl = relay.httpUrl): Promise<number> {
  const value = (await documentOf(httpUrl)).limitation[name];
  assertEquals(typeof value, "number", name);
  return value as number;
}

async function refused(client: TestClient, event: TestEvent, reason: RegExp): Promise<void> {
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], reason);
}

Deno.test("the relay's own address serves the document to whoever accepts application/nostr+json", async () => {
  for (
    const accept of ["application/nostr+json", "Application/Nostr+JSON", "application/nostr+json, */*;q=0.1"]
  ) {
    const response = await fetch(`${relay.httpUrl}/`, { headers: { Accept: accept } });
    assertEquals([response.status, response.headers.get("content-type")], [200, "application/nostr+json"]);
    assertEquals((await response.json()).name, "The Mill");
  }
  const head = await fetch(relay.httpUrl, { method: "HEAD", headers: { Accept: "application/nostr+json" } });
  assertEquals([head.status, head.headers.get("content-type")], [200, "application/nostr+json"]);
  assertEquals(await head.text(), "");
});

Deno.test("browsers get a page at the same address, and caches are told what the answer depends on", async () => {
  for (const headers of [{ Accept: "text/html,application/xhtml+xml,*/*;q=0.8" }, { Accept: "*/*" }]) {
    const response = await fetch(relay.httpUrl, { headers });
    assertMatch(response.headers.get("content-type")!, /^text\/html/);
    assertMatch(response.headers.get("vary")!, /accept/i);
    assertMatch(await response.text(), /The Mill/);
  }
});

Deno.test("CORS headers are on every answer, a preflight's and a refusal's included", async () => {
  const requests: [string, RequestInit][] = [
    ["/", { headers: { Accept: "application/nostr+json" } }],
    ["/", { headers: { Accept: "text/html" } }],
    ["/", {
      method: "OPTIONS",
      headers: {
        Origin: "https://client.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "accept, authorization",
      },
    }],
    ["/", { method: "POST" }],
    ["/no-such-page", {}],
  ];
  for (const [path, init] of requests) {
    const response = await fetch(relay.httpUrl + path, init);
    await response.body?.cancel();
    assertEquals(response.headers.get("access-control-allow-origin"), "*");
    assertMatch(response.headers.get("access-control-allow-headers")!, /\*/);
    assertMatch(response.headers.get("access-control-allow-methods")!, /GET/);
    if (init.method === "OPTIONS") assertEquals(response.status, 204);
  }
});

Deno.test("the document says what the operator set, under NIP-11's names", async () => {
  const document = await documentOf();
  assertEquals(
    [document.name, document.description, document.pubkey, document.contact],
    ["The Mill", "Grinds events, slowly.", OPERATOR, "mailto:miller@example.com"],
  );
  assertEquals([document.icon, document.banner, document.terms_of_service], [
    "https://example.com/icon.png",
    "https://example.com/banner.png",
    "https://example.com/terms",
  ]);
  // A URL or nothing.
  assert(document.software === undefined || URL.canParse(document.software as string));
  assertMatch(document.version as string, /^\d+\.\d+\.\d+/);
  assertEquals(document.limitation, {
    max_message_length: 20_000,
    max_subscriptions: 7,
    max_limit: 40,
    default_limit: 15,
    max_subid_length: 20,
    max_event_tags: 12,
    max_content_length: 600,
    min_pow_difficulty: 0,
    auth_required: false,
    payment_required: false,
    restricted_writes: false,
    created_at_lower_limit: 100_000,
    created_at_upper_limit: 300,
  });
  const allowed = new Set([
    "name",
    "description",
    "banner",
    "icon",
    "pubkey",
    "self",
    "contact",
    "supported_nips",
    "software",
    "version",
    "terms_of_service",
    "limitation",
    "payments_url",
    "fees",
  ]);
  assertEquals(Object.keys(document).filter((key) => !allowed.has(key)), []);
});

Deno.test("each NIP that is advertised has a test that drives the relay", async () => {
  const { supported_nips } = await documentOf();
  assertEquals(supported_nips, servedNips({ MEMBERSHIP: "off" }).map(({ number }) => number));
  for (const { test } of NIPS) {
    assertMatch(await Deno.readTextFile(new URL(`../../${test}`, import.meta.url)), /Deno\.test/);
  }
});

Deno.test("max_message_length: a message of that many bytes is served, a longer one gets a NOTICE", async () => {
  await using client = await connect(relay.url);
  const limit = await limitOf("max_message_length");
  const pad = (bytes: number, filler: string) => {
    const frame = `["REQ","padded",{"limit":0}]`;
    const room = bytes - frame.length - 3;
    const width = new TextEncoder().encode(filler).length;
    const text = filler.repeat(Math.floor(room / width)) + "x".repeat(room % width);
    return `${frame.slice(0, -1)},"${text}"]`;
  };
  for (const filler of ["x", "é", "日", "🎉"]) {
    const fits = pad(limit, filler);
    assertEquals(new TextEncoder().encode(fits).length, limit);
    client.sendRaw(fits);
    // A filter that is no object: the message was read, and only its content is refused.
    assertEquals((await client.next()).slice(0, 2), ["CLOSED", "padded"]);
    client.sendRaw(pad(limit + 1, filler));
    const notice = await client.next();
    assertEquals([notice[0], notice.length], ["NOTICE", 2]);
    assertMatch(notice[1] as string, new RegExp(`^invalid: .*${limit}`));
  }
  const event = signEvent(freshKey(), { tags: [["x", "y".repeat(19_000)]] });
  await store(client, event);
});

Deno.test("max_subscriptions: that many are open at once, the next is refused until one is closed", async () => {
  await using client = await connect(relay.url);
  const limit = await limitOf("max_subscriptions");
  for (let i = 0; i < limit; i++) {
    client.send(["REQ", `sub ${i}`, { limit: 0 }]);
    assertEquals(await client.next(), ["EOSE", `sub ${i}`, []]);
  }
  client.send(["REQ", "one more", { limit: 0 }]);
  const closed = await client.next();
  assertEquals(closed.slice(0, 2), ["CLOSED", "one more"]);
  assertMatch(closed[2] as string, /^(rate-limited|restricted|error|blocked): \S/);
  client.send(["REQ", "sub 0", { limit: 0 }]);
  assertEquals(await client.next(), ["EOSE", "sub 0", []]);
  client.send(["CLOSE", "sub 1"]);
  client.send(["REQ", "one more", { limit: 0 }]);
  assertEquals(await client.next(), ["EOSE", "one more", []]);
  await using other = await connect(relay.url);
  assertEquals(await idsOf(other, { limit: 0 }), []);
});

Deno.test("max_limit and default_limit: what a filter gets that asks for more, and one without limit", async () => {
  await using client = await connect(relay.url);
  const [limit, unasked] = [await limitOf("max_limit"), await limitOf("default_limit")];
  const key = freshKey();
  const authors = [key.pubkey];
  const first = nowSeconds() - 1_000;
  const events = Array.from({ length: limit + 20 }, (_, i) => signEvent(key, { created_at: first + i }));
  await store(client, ...events);
  const newest = events.map(({ id }) => id).reverse();
  assertEquals(await idsOf(client, { authors, limit }), newest.slice(0, limit));
  assertEquals(await idsOf(client, { authors, limit: limit + 1 }), newest.slice(0, limit));
  assertEquals(await idsOf(client, { authors, limit: 1_000_000_000 }), newest.slice(0, limit));
  assertEquals(await idsOf(client, { authors, limit: unasked + 1 }), newest.slice(0, unasked + 1));
  assertEquals(await idsOf(client, { authors }), newest.slice(0, unasked));
});

Deno.test("max_subid_length: an id of that many characters is taken, a longer one is refused", async () => {
  await using client = await connect(relay.url);
  const limit = await limitOf("max_subid_length");
  for (const character of ["x", "é", "🎉"]) {
    client.send(["REQ", character.repeat(limit), { limit: 0 }]);
    assertEquals(await client.next(), ["EOSE", character.repeat(limit), []]);
    client.send(["REQ", character.repeat(limit + 1), { limit: 0 }]);
    assertMatch((await client.nextOfType("CLOSED"))[2] as string, new RegExp(`^invalid: .*${limit}`));
  }
});

Deno.test("max_event_tags: an event with that many is taken, one more is refused", async () => {
  await using client = await connect(relay.url);
  const limit = await limitOf("max_event_tags");
  const tags = (count: number) => Array.from({ length: count }, (_, i) => ["t", `${i}`]);
  await store(client, signEvent(freshKey(), { tags: tags(limit) }));
  await refused(client, signEvent(freshKey(), { tags: tags(limit + 1) }), new RegExp(`^invalid: .*${limit}`));
});

Deno.test("max_content_length counts Unicode characters, not bytes or UTF-16 units", async () => {
  await using client = await connect(relay.url);
  const limit = await limitOf("max_content_length");
  for (const character of ["x", "é", "日", "🎉", "\u0001"]) {
    await store(client, signEvent(freshKey(), { content: character.repeat(limit) }));
    const long = signEvent(freshKey(), { content: character.repeat(limit + 1) });
    await refused(client, long, new RegExp(`^invalid: .*${limit}`));
  }
});

Deno.test("created_at_lower_limit and created_at_upper_limit: times within are taken, beyond are refused", async () => {
  await using client = await connect(relay.url);
  const [lower, upper] = [await limitOf("created_at_lower_limit"), await limitOf("created_at_upper_limit")];
  const key = freshKey();
  // The relay's clock goes on between signing and reading: at the lower limit a minute is left for that.
  await store(client, signEvent(key, { created_at: nowSeconds() - lower + 60 }));
  await store(client, signEvent(key, { created_at: nowSeconds() + upper }));
  await refused(
    client,
    signEvent(key, { created_at: nowSeconds() - lower - 1 }),
    new RegExp(`^invalid: .*${lower}`),
  );
  await refused(
    client,
    signEvent(key, { created_at: nowSeconds() + upper + 60 }),
    new RegExp(`^invalid: .*${upper}`),
  );
  await refused(client, signEvent(key, { created_at: 0 }), /^invalid: /);
  await refused(client, signEvent(key, { created_at: Number.MAX_SAFE_INTEGER }), /^invalid: /);
});

Deno.test("min_pow_difficulty: an id with that many leading zero bits is taken, one bit less is refused", async () => {
  await using client = await connect(strict.url);
  const bits = await limitOf("min_pow_difficulty", strict.httpUrl);
  assertEquals((await documentOf(strict.httpUrl)).limitation.restricted_writes, true);
  const key = freshKey();
  /** Finds an event whose id has exactly so many leading zero bits. */
  const mined = (exactly: number): TestEvent => {
    for (let nonce = 0;; nonce++) {
      const event = {
        pubkey: key.pubkey,
        created_at: nowSeconds(),
        kind: 1,
        tags: [["nonce", `${nonce}`, `${exactly}`]],
        content: "",
      };
      const id = eventId(event);
      if (Math.clz32(parseInt(id.slice(0, 8), 16)) === exactly) return { id, ...event, sig: signId(key, id) };
    }
  };
  await store(client, mined(bits), mined(bits + 1));
  await refused(client, mined(bits - 1), new RegExp(`^pow: .*${bits}`));
  await refused(client, mined(0), /^pow: /);
});

Deno.test("created_at_lower_limit is absent where any past is taken", async () => {
  await using client = await connect(strict.url);
  assert(!("created_at_lower_limit" in (await documentOf(strict.httpUrl)).limitation));
  await client.close();
});

Deno.test("the operator's bound on filters holds, at it and one over", async () => {
  await using client = await connect(relay.url);
  assertEquals(await idsOf(client, ...Array(3).fill({ limit: 0 })), []);
  const { closed } = await client.query(...Array(4).fill({ limit: 0 }));
  assertMatch(closed?.[2] as string, /^invalid: .*3 filters/);
});
