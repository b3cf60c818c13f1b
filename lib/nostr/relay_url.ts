/**
 * The URL of a relay, written in one way, so that two spellings of it compare equal (NIP-42, NIP-62).
 * Runs on any thread; no state.
 *
 * @module
 */

/**
 * The URL with scheme and host in lower case, without the scheme's default port, and without slashes at the end of
 * its path. Path and query count as they are written; a fragment is never sent, and does not.
 *
 * @returns null where the text is no URL of a relay: `ws` or `wss`, no credentials.
 *
 * @example Usage
 * ```ts
 * import { normalRelayUrl } from "./relay_url.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(normalRelayUrl("WSS://Relay.Example.com:443/"), "wss://relay.example.com");
 * assertEquals(normalRelayUrl("wss://relay.example.com/Inbox/"), "wss://relay.example.com/Inbox");
 * assertEquals(normalRelayUrl("relay.example.com"), null);
 * ```
 */
export function normalRelayUrl(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "ws:" && url.protocol !== "wss:")) return null;
  if (url.username !== "" || url.password !== "") return null;
  return `${url.protocol}//${url.host}${withoutEndSlashes(url.pathname)}${url.search}`;
}

/** A path without the slashes at its end; each is looked at once, however many stand elsewhere. */
export function withoutEndSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  return path.slice(0, end);
}
