/**
 * Requests of the management interface (NIP-86) over HTTP: who asks is told by NIP-98, what is asked by others.
 * Runs on a gateway thread; no state.
 *
 * @module
 */
import { HTTP_BODY_MS_MAX, MANAGEMENT_BODY_BYTES_MAX } from "../../../lib/limits.ts";
import { MANAGEMENT_CONTENT_TYPE, type ManagementReply } from "../../../lib/management/rpc.ts";
import type { NostrEvent } from "../../../lib/nostr/event.ts";
import {
  checkHttpAuth,
  checkHttpAuthBody,
  HttpAuthError,
  readHttpAuth,
} from "../../../lib/nostr/http_auth.ts";
import { type BodyFault, readBody } from "./request_body.ts";

/** What is left of the body is not waited for. */
const CLOSE = { Connection: "close" };

const BODY_REFUSALS: Readonly<Record<BodyFault, readonly [number, string]>> = {
  "too long": [413, `the body is longer than ${MANAGEMENT_BODY_BYTES_MAX} bytes`],
  "too late": [408, `the body took longer than ${HTTP_BODY_MS_MAX} ms`],
  "ended early": [400, "the body ended before its Content-Length"],
};

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

/** Answers one POST. Nothing of its body is read before the rest of it has proved that an admin sends it. */
export async function answerManagementRequest(request: Request, door: ManagementDoor): Promise<Response> {
  try {
    const event = readHttpAuth(request.headers.get("Authorization"));
    checkHttpAuth(event, { urls: door.urls, method: "POST" }, Math.floor(Date.now() / 1000));
    // Before the signature, whose verification is the dearest of it: who manages nothing has none verified.
    if (!door.mayManage(event.pubkey)) return refusal(403, "this key does not manage this relay");
    const fault = door.eventFault(event);
    if (fault !== null) throw new HttpAuthError(`Cannot authorize request: ${fault}`);
    const body = await readBody(request, { bytesMax: MANAGEMENT_BODY_BYTES_MAX, msMax: HTTP_BODY_MS_MAX });
    if (typeof body === "string") return refusal(...BODY_REFUSALS[body]);
    checkHttpAuthBody(event, new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex());
    const reply = await door.ask(new TextDecoder().decode(body));
    return answer(reply.status, reply.body);
  } catch (error) {
    if (!(error instanceof HttpAuthError)) throw error;
    return answer(401, JSON.stringify({ error: error.message }), { "WWW-Authenticate": "Nostr", ...CLOSE });
  }
}

function refusal(status: number, why: string): Response {
  return answer(status, JSON.stringify({ error: `Cannot manage relay: ${why}` }), CLOSE);
}

function answer(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers: { "Content-Type": MANAGEMENT_CONTENT_TYPE, ...headers } });
}
