/**
 * Tests of comparing relay URLs. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals, assertNotEquals } from "@std/assert";
import { normalRelayUrl } from "./relay_url.ts";

Deno.test("spellings of one relay URL are written in one way", () => {
  const spellings = [
    "wss://relay.example.com",
    "wss://relay.example.com/",
    "WSS://RELAY.example.COM",
    "wss://relay.example.com:443/",
    "wss://relay.example.com//",
    "wss://relay.example.com/#top",
  ];
  for (const spelling of spellings) {
    assertEquals(normalRelayUrl(spelling), "wss://relay.example.com", spelling);
  }
  assertEquals(normalRelayUrl("ws://127.0.0.1:80"), normalRelayUrl("ws://127.0.0.1/"));
  assertEquals(normalRelayUrl("wss://bücher.example"), "wss://xn--bcher-kva.example");
  assertEquals(normalRelayUrl("wss://[::1]:8000/a/"), "wss://[::1]:8000/a");
});

Deno.test("scheme, port, path, its case and the query tell relays apart", () => {
  const own = normalRelayUrl("wss://relay.example.com/inbox");
  const others = [
    "ws://relay.example.com/inbox",
    "wss://relay.example.com:8443/inbox",
    "wss://relay.example.com",
    "wss://relay.example.com/Inbox",
    "wss://relay.example.com/inbox?x=1",
    "wss://evil.example/relay.example.com/inbox",
    "wss://relay.example.com.evil.example/inbox",
  ];
  for (const other of others) assertNotEquals(normalRelayUrl(other), own, other);
});

Deno.test("what is no URL of a relay has no normal form", () => {
  const texts = [
    "",
    "relay.example.com",
    "https://relay.example.com",
    "wss://",
    "wss://me:pw@relay.example.com",
  ];
  for (const text of texts) assertEquals(normalRelayUrl(text), null, text);
});
