/**
 * Tests of NIP-98. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { HTTP_AUTH_CHARS_MAX } from "../limits.ts";
import type { NostrEvent } from "./event.ts";
import {
  type AuthorizedRequest,
  checkHttpAuth,
  checkHttpAuthBody,
  HttpAuthError,
  KIND_HTTP_AUTH,
  pageRequestUrls,
  readHttpAuth,
  relayRequestUrls,
} from "./http_auth.ts";

const NOW = 1_682_327_852;
const URL_TEXT = "https://relay.example.com/";
const HASH = "5d".repeat(32);
const POST: AuthorizedRequest = { urls: [URL_TEXT], method: "POST" };

/** The event and the header that NIP-98 shows. */
const EXAMPLE_HEADER = "Nostr " +
  "eyJpZCI6ImZlOTY0ZTc1ODkwMzM2MGYyOGQ4NDI0ZDA5MmRhODQ5NGVkMjA3Y2JhODIzMTEwYmUzYTU3ZGZlNGI1Nzg3MzQiLCJwdWJrZXkiOiI2" +
  "M2ZlNjMxOGRjNTg1ODNjZmUxNjgxMGY4NmRkMDllMThiZmQ3NmFhYmMyNGEwMDgxY2UyODU2ZjMzMDUwNGVkIiwiY29udGVudCI6IiIsImtpbmQi" +
  "OjI3MjM1LCJjcmVhdGVkX2F0IjoxNjgyMzI3ODUyLCJ0YWdzIjpbWyJ1IiwiaHR0cHM6Ly9hcGkuc25vcnQuc29jaWFsL2FwaS92MS9uNXNwL2xp" +
  "c3QiXSxbIm1ldGhvZCIsIkdFVCJdXSwic2lnIjoiNWVkOWQ4ZWM5NThiYzg1NGY5OTdiZGMyNGFjMzM3ZDAwNWFmMzcyMzI0NzQ3ZWZlNGEwMGUy" +
  "NGY0YzMwNDM3ZmY0ZGQ4MzA4Njg0YmVkNDY3ZDlkNmJlM2U1YTUxN2JiNDNiMTczMmNjN2QzMzk0OWEzYWFmODY3MDVjMjIxODQifQ";

function event(fields: Partial<NostrEvent> = {}): NostrEvent {
  return {
    id: "0".repeat(64),
    pubkey: "a".repeat(64),
    created_at: NOW,
    kind: KIND_HTTP_AUTH,
    tags: [["u", URL_TEXT], ["method", "POST"], ["payload", HASH]],
    content: "",
    sig: "0".repeat(128),
    ...fields,
  };
}

function encoded(value: unknown): string {
  return new TextEncoder().encode(JSON.stringify(value)).toBase64();
}

function refused(given: NostrEvent, message: string, request = POST, now = NOW): void {
  const error = assertThrows(() => checkHttpAuth(given, request, now), HttpAuthError);
  assertEquals(error.message, `Cannot authorize request: ${message}`);
}

Deno.test("the example of NIP-98 is read, and authorizes what it names", () => {
  const read = readHttpAuth(EXAMPLE_HEADER);
  assertEquals(read.pubkey, "63fe6318dc58583cfe16810f86dd09e18bfd76aabc24a0081ce2856f330504ed");
  const urls = ["https://api.snort.social/api/v1/n5sp/list"];
  checkHttpAuth(read, { urls, method: "GET" }, NOW);
});

Deno.test("the header is read in both alphabets, padded or not, and whatever the case of its scheme", () => {
  const given = event({ content: "ÿÿ>>??" });
  const standard = encoded(given);
  const url = standard.replaceAll("+", "-").replaceAll("/", "_");
  for (const text of [`Nostr ${standard}`, `nostr  ${standard} `, `NOSTR ${url.replaceAll("=", "")}`]) {
    assertEquals(readHttpAuth(text), given);
  }
});

Deno.test("a header that is missing, too long, of another form or holds no event is refused in words", () => {
  const cases: [string | null, string][] = [
    [null, "Cannot authorize request: the Authorization header is missing"],
    ["Bearer abc", 'Cannot read Authorization header: its form is not "Nostr <base64>"'],
    ["Nostr", 'Cannot read Authorization header: its form is not "Nostr <base64>"'],
    ["Nostr a b", 'Cannot read Authorization header: its form is not "Nostr <base64>"'],
    [
      "Nostr " + "A".repeat(HTTP_AUTH_CHARS_MAX),
      "Cannot read Authorization header: it is longer than 16384 characters",
    ],
    ["Nostr A", "Cannot read event of the Authorization header: it is not JSON in base64"],
    ["Nostr AAAA", "Cannot read event of the Authorization header: it is not JSON in base64"],
    [
      "Nostr " + new Uint8Array([0x22, 0xff, 0x22]).toBase64(),
      "Cannot read event of the Authorization header: it is not JSON in base64",
    ],
    [`Nostr ${encoded([])}`, "Cannot read event of the Authorization header: event is not an object"],
    [
      `Nostr ${encoded({ ...event(), sig: "x" })}`,
      "Cannot read event of the Authorization header: sig is not 128 lowercase hex characters",
    ],
  ];
  for (const [header, message] of cases) {
    assertEquals(assertThrows(() => readHttpAuth(header), HttpAuthError).message, message);
  }
});

Deno.test("an event that names the request, its body and the time authorizes it", () => {
  checkHttpAuth(event(), POST, NOW);
  checkHttpAuthBody(event(), HASH);
  checkHttpAuth(event(), { ...POST, method: "post" }, NOW + 60);
  checkHttpAuth(event(), POST, NOW - 60);
  const upper = [["u", URL_TEXT], ["method", "post"], ["payload", HASH.toUpperCase()]];
  checkHttpAuth(event({ tags: upper }), POST, NOW);
  checkHttpAuthBody(event({ tags: upper }), HASH);
});

Deno.test("another kind, time, URL, method or body is refused", () => {
  const tags = (u: string, method: string, ...rest: string[][]) => [["u", u], ["method", method], ...rest];
  const payload = ["payload", HASH];
  refused(event({ kind: 22_242 }), "the kind of the event is not 27235");
  refused(event(), "created_at is more than 60 seconds from now", POST, NOW + 61);
  refused(event(), "created_at is more than 60 seconds from now", POST, NOW - 61);
  refused(event({ tags: [["method", "POST"], payload] }), "the event does not have exactly one u tag");
  refused(
    event({ tags: [...tags(URL_TEXT, "POST", payload), ["u", "https://other.example/"]] }),
    "the event does not have exactly one u tag",
  );
  for (
    const url of [
      "http://relay.example.com/",
      "https://relay.example.com/x",
      "https://relay.example.com/?a=1",
      "https://relay.example.com:8443/",
      "relay.example.com",
      "",
    ]
  ) refused(event({ tags: tags(url, "POST", payload) }), `the u tag names another URL than "${URL_TEXT}"`);
  refused(event({ tags: tags(URL_TEXT, "GET", payload) }), "the method tag names another method");
  refused(event({ tags: [["u", URL_TEXT], payload] }), "the method tag names another method");
  for (const rest of [[], [["payload"]], [["payload", "00".repeat(32)]], [payload, ["payload", "x"]]]) {
    const given = event({ tags: tags(URL_TEXT, "POST", ...rest) });
    const error = assertThrows(() => checkHttpAuthBody(given, HASH), HttpAuthError);
    assertEquals(error.message, "Cannot authorize request: the payload tag is not the SHA-256 of the body");
  }
});

Deno.test("a request without a body needs no payload", () => {
  const get: AuthorizedRequest = { urls: [URL_TEXT], method: "GET" };
  checkHttpAuth(event({ tags: [["u", "https://RELAY.example.com:443"], ["method", "GET"]] }), get, NOW);
});

Deno.test("a request to the relay is named by its URL in both schemes, with or without the last slash", () => {
  assertEquals(relayRequestUrls("wss://relay.example.com/inbox/"), [
    "wss://relay.example.com/inbox",
    "wss://relay.example.com/inbox/",
    "https://relay.example.com/inbox",
    "https://relay.example.com/inbox/",
  ]);
  assertEquals(relayRequestUrls("ws://127.0.0.1:8000")[2], "http://127.0.0.1:8000");
});

Deno.test("a page is named below the relay's own URL; the relay itself, with or without the slash", () => {
  assertEquals(pageRequestUrls("wss://relay.example/nostr/", "/api/x?a=1"), [
    "wss://relay.example/nostr/api/x?a=1",
    "https://relay.example/nostr/api/x?a=1",
  ]);
  assertEquals(pageRequestUrls("ws://127.0.0.1:8000", "/status"), [
    "ws://127.0.0.1:8000/status",
    "http://127.0.0.1:8000/status",
  ]);
  assertEquals(pageRequestUrls("wss://relay.example", "/"), relayRequestUrls("wss://relay.example"));
});
