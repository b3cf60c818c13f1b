/**
 * Requests of the management interface (NIP-86) over HTTP: who asks is told by NIP-98, what is asked by others.
 * Runs on a gateway thread; no state.
 *
 * @module
 */
import { MANAGEMENT_BODY_BYTES_MAX } from "../../../lib/limits.ts";
import { MANAGEMENT_CONTENT_TYPE, type ManagementReply } from "../../../lib/management/rpc.ts";
import type { NostrEvent } from "../../../lib/nostr/event.ts";
import { checkHttpAuth, HttpAuthError, readHttpAuth } from "../../../lib/nostr/http_auth.ts";

/** What the door to management has to know. */
export interface ManagementDoor {
  /** The URLs by which a request may name the relay. */
  readonly urls: readonly string[];
  /** Whether a key manages the relay. */
  mayManage(pubkey: string): boolean;
  /** What is wrong with the id or the signature of an event, or null. */
  eventFault(event: NostrEvent): string | null;
  /** Passes on the body of a request of an admin. */
  ask(body: string): Promise<ManagementReply>;
}

/** Answers one POST. */
export async function answerManagementRequest(request: Request, door: ManagementDoor): Promise<Response> {
  let body: Uint8Array<ArrayBuffer> | null;
  try {
    body = await boundedBody(request);
  } catch {
    return refusal(400, "the body ended before its Content-Length");
  }
  if (body === null) return refusal(413, `the body is longer than ${MANAGEMENT_BODY_BYTES_MAX} bytes`);
  try {
    const event = readHttpAuth(request.headers.get("Authorization"));
    const bodySha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex();
    checkHttpAuth(event, { urls: door.urls, method: "POST", bodySha256 }, Math.floor(Date.now() / 1000));
    const fault = door.eventFault(event);
    if (fault !== null) throw new HttpAuthError(`Cannot authorize request: ${fault}`);
    if (!door.mayManage(event.pubkey)) return refusal(403, "this key does not manage this relay");
  } catch (error) {
    if (!(error instanceof HttpAuthError)) throw error;
    return answer(401, JSON.stringify({ error: error.message }), { "WWW-Authenticate": "Nostr" });
  }
  const reply = await door.ask(new TextDecoder().decode(body));
  return answer(reply.status, reply.body);
}

function refusal(status: number, why: string): Response {
  return answer(status, JSON.stringify({ error: `Cannot manage relay: ${why}` }));
}

function answer(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers: { "Content-Type": MANAGEMENT_CONTENT_TYPE, ...headers } });
}

/** The whole body, or null: it is too long, and was not read to its end. */
async function boundedBody(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  const room = new Uint8Array(MANAGEMENT_BODY_BYTES_MAX);
  let length = 0;
  for await (const chunk of request.body ?? []) {
    if (length + chunk.length > room.length) return null;
    room.set(chunk, length);
    length += chunk.length;
  }
  return room.slice(0, length);
}
