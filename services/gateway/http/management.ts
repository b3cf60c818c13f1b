/**
 * Requests of the management interface (NIP-86) over HTTP: who asks is told by NIP-98, what is asked by others.
 * Runs on a gateway thread; no state.
 *
 * @module
 */
import { HTTP_BODY_MS_MAX, MANAGEMENT_BODY_BYTES_MAX } from "../../../lib/limits.ts";
import { MANAGEMENT_CONTENT_TYPE, type ManagementReply } from "../../../lib/management/rpc.ts";
import { checkHttpAuthBody, HttpAuthError } from "../../../lib/nostr/http_auth.ts";
import { bodyRefusal, readBody } from "./request_body.ts";
import { ForbiddenError, type ProofDoor, proveKey } from "./request_proof.ts";

/** What is left of the body is not waited for. */
const CLOSE = { Connection: "close" };

const BODY = { bytesMax: MANAGEMENT_BODY_BYTES_MAX, msMax: HTTP_BODY_MS_MAX };

/** What the door to management has to know. */
export interface ManagementDoor {
  /** Passes on the body of a request of an admin. */
  ask(body: string): Promise<ManagementReply>;
}

/** Answers one POST. Nothing of its body is read before the rest of it has proved that an admin sends it. */
export async function answerManagementRequest(
  request: Request,
  door: ManagementDoor,
  proofs: ProofDoor,
): Promise<Response> {
  try {
    const header = request.headers.get("Authorization");
    const event = proveKey({ header, method: "POST", target: "/" }, proofs, true);
    const body = await readBody(request, BODY);
    if (typeof body === "string") return refusal(...bodyRefusal(body, BODY));
    checkHttpAuthBody(event, new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex());
    const reply = await door.ask(new TextDecoder().decode(body));
    return answer(reply.status, reply.body);
  } catch (error) {
    if (error instanceof ForbiddenError) return refusal(403, error.message);
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
