/**
 * What a plugin is asked: one line of JSON a request, as strfry's write-policy plugins know it (strfry,
 * docs/plugins.md), with `authedList` added, and with the types `req`, `count` and `neg-open`, which strfry does not have.
 * Runs on any thread; no state.
 *
 * @module
 */
import { invariant } from "../invariant.ts";

/** Where something came from, in strfry's words. */
export type PluginSource = "IP4" | "IP6" | "Import" | "Stream" | "Sync" | "Stored";

/** Who sent it, and when. */
export interface PluginOrigin {
  readonly receivedAtSeconds: number;
  readonly sourceType: PluginSource;
  /** The address of the client, the URL of the relay, or what else names the source. */
  readonly sourceInfo: string;
  /** The keys that the connection has proved (NIP-42). */
  readonly authenticated: ReadonlySet<string>;
}

/** One line for a plugin, and the id under which it answers. */
export interface PluginRequest {
  readonly id: string;
  /** Without the line's end. */
  readonly line: string;
}

/** The event to ask about. */
interface AskedEvent {
  readonly id: string;
  readonly pubkey: string;
  /** The event as JSON, on one line. */
  readonly text: string;
}

/** The filters to ask about. */
interface AskedFilters {
  readonly type: "req" | "count" | "neg-open";
  /** What the plugin answers with; no other request that is under way may have it. */
  readonly id: string;
  readonly subscription: string;
  /** As the client wrote them. */
  readonly filters: readonly unknown[];
}

/** The source that a client's address is. */
export function sourceOfAddress(ip: string): PluginSource {
  return ip.includes(":") ? "IP6" : "IP4";
}

/** Asks whether an event is taken: `type` is `new`. */
export function eventRequest(event: AskedEvent, origin: PluginOrigin): PluginRequest {
  invariant(!event.text.includes("\n"), "an event for a plugin is one line");
  return {
    id: event.id,
    line: `{"type":"new","event":${event.text},${originText(origin, event.pubkey)}}`,
  };
}

/** Asks whether a REQ, a COUNT or a NEG-OPEN is served. */
export function filtersRequest(asked: AskedFilters, origin: PluginOrigin): PluginRequest {
  const { type, id, subscription, filters } = asked;
  const head = JSON.stringify({ type, id, subscription, filters }).slice(0, -1);
  return { id, line: `${head},${originText(origin, null)}}` };
}

/** Plugins written for strfry know one key, so that `authed` is the author's where it can be. */
function originText(origin: PluginOrigin, author: string | null): string {
  const { receivedAtSeconds, sourceType, sourceInfo } = origin;
  const keys = [...origin.authenticated];
  const authed = author !== null && origin.authenticated.has(author) ? author : keys[0];
  const fields = {
    receivedAt: receivedAtSeconds,
    sourceType,
    sourceInfo,
    ...(authed !== undefined && { authed, authedList: keys }),
  };
  return JSON.stringify(fields).slice(1, -1);
}
