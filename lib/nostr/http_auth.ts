/**
 * Authorization of HTTP requests by a signed event (NIP-98): reading the header, and the check of what it says.
 * Runs on any thread; no state. Signatures are verified by the caller, after both.
 *
 * @module
 */
import { HTTP_AUTH_CHARS_MAX, HTTP_AUTH_SECONDS_MAX } from "../limits.ts";
import { type NostrEvent, shapeFault } from "./event.ts";
import { withoutEndSlashes } from "./relay_url.ts";

/** An event that authorizes one HTTP request. It is never published. */
export const KIND_HTTP_AUTH = 27_235;

/** Why a request is not authorized. The message is for the body of a 401. */
export class HttpAuthError extends Error {
  override name = "HttpAuthError";
}

/** The request that the event has to name. */
export interface AuthorizedRequest {
  /** The absolute URLs by which the request may be named, query included. */
  readonly urls: readonly string[];
  readonly method: string;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The event in an `Authorization: Nostr <base64>` header. Its shape is right; nothing else is checked yet.
 *
 * @throws {HttpAuthError}
 */
export function readHttpAuth(header: string | null): NostrEvent {
  if (header === null) {
    throw new HttpAuthError("Cannot authorize request: the Authorization header is missing");
  }
  if (header.length > HTTP_AUTH_CHARS_MAX) {
    throw new HttpAuthError(
      `Cannot read Authorization header: it is longer than ${HTTP_AUTH_CHARS_MAX} characters`,
    );
  }
  // Schemes are compared without case (RFC 9110, 11.1).
  const encoded = /^nostr +([A-Za-z0-9+/_-]+={0,2})$/i.exec(header.trim())?.[1];
  if (encoded === undefined) {
    throw new HttpAuthError('Cannot read Authorization header: its form is not "Nostr <base64>"');
  }
  const value = parseEncoded(encoded);
  const fault = shapeFault(value);
  if (fault !== null) throw new HttpAuthError(`Cannot read event of the Authorization header: ${fault}`);
  return value as NostrEvent;
}

function parseEncoded(text: string): unknown {
  const alphabet = /[-_]/.test(text) ? "base64url" : "base64";
  try {
    return JSON.parse(decoder.decode(Uint8Array.fromBase64(text, { alphabet })));
  } catch {
    throw new HttpAuthError("Cannot read event of the Authorization header: it is not JSON in base64");
  }
}

/**
 * Throws unless the event authorizes the request, its body apart; its id and signature are not looked at.
 *
 * @throws {HttpAuthError}
 */
export function checkHttpAuth(event: NostrEvent, request: AuthorizedRequest, nowSeconds: number): void {
  const fault = httpAuthFault(event, request, nowSeconds);
  if (fault !== null) throw new HttpAuthError(`Cannot authorize request: ${fault}`);
}

/**
 * Throws unless the event names the request's body, by its SHA-256 in lowercase hex: without that, whoever sees the header
 * could send another body.
 *
 * @throws {HttpAuthError}
 */
export function checkHttpAuthBody(event: NostrEvent, bodySha256: string): void {
  if (onlyValue(event, "payload")?.toLowerCase() === bodySha256) return;
  throw new HttpAuthError("Cannot authorize request: the payload tag is not the SHA-256 of the body");
}

function httpAuthFault(event: NostrEvent, request: AuthorizedRequest, nowSeconds: number): string | null {
  if (event.kind !== KIND_HTTP_AUTH) return `the kind of the event is not ${KIND_HTTP_AUTH}`;
  if (Math.abs(event.created_at - nowSeconds) > HTTP_AUTH_SECONDS_MAX) {
    return `created_at is more than ${HTTP_AUTH_SECONDS_MAX} seconds from now`;
  }
  const url = onlyValue(event, "u");
  if (url === null) return "the event does not have exactly one u tag";
  if (!request.urls.some((own) => isSameUrl(own, url))) {
    return `the u tag names another URL than "${request.urls[0] ?? ""}"`;
  }
  if (onlyValue(event, "method")?.toUpperCase() !== request.method.toUpperCase()) {
    return "the method tag names another method";
  }
  return null;
}

/** A tag that stands twice could be read in two ways, and counts as absent. */
function onlyValue(event: NostrEvent, name: string): string | null {
  const tags = event.tags.filter((tag) => tag[0] === name);
  return tags.length === 1 ? tags[0]![1] ?? null : null;
}

/** Equal as URLs: `https://a.example` and `https://A.example:443/` are one, and every other character counts. */
function isSameUrl(own: string, given: string): boolean {
  const url = URL.parse(given);
  return url !== null && url.href === URL.parse(own)?.href;
}

/**
 * The URLs by which a request to the relay itself may be named: NIP-86 has the relay's URL in the `u` tag, and clients
 * write it as they connect (`wss`) or as they post (`https`), with or without the slash at its end.
 */
export function relayRequestUrls(relayUrl: string): string[] {
  const url = new URL(relayUrl);
  const origin = `//${url.host}${withoutEndSlashes(url.pathname)}`;
  const secure = url.protocol === "wss:" || url.protocol === "https:";
  return (secure ? ["wss:", "https:"] : ["ws:", "http:"]).flatMap((scheme) => [
    `${scheme}${origin}${url.search}`,
    `${scheme}${origin}/${url.search}`,
  ]);
}

/**
 * The URLs by which a request for a page of the relay may be named, by the relay's URL in its forms.
 *
 * @param target The path, with its slash, and the query of the page.
 */
export function pageRequestUrls(relayUrl: string, target: string): string[] {
  if (/^\/(\?|$)/.test(target)) return relayRequestUrls(relayUrl);
  const { protocol, host, pathname } = new URL(relayUrl);
  const secure = protocol === "wss:" || protocol === "https:";
  return (secure ? ["wss:", "https:"] : ["ws:", "http:"])
    .map((scheme) => `${scheme}//${host}${withoutEndSlashes(pathname)}${target}`);
}
