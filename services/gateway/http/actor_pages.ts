/**
 * Pages that an actor other than the gateway answers: who asks is proved here, what that key may do is decided there.
 * Runs on a gateway thread; no state.
 *
 * @module
 */
import { API_BODY_BYTES_MAX, API_TARGET_CHARS_MAX, HTTP_BODY_MS_MAX } from "../../../lib/limits.ts";
import type { NostrEvent } from "../../../lib/nostr/event.ts";
import { checkHttpAuthBody, HttpAuthError } from "../../../lib/nostr/http_auth.ts";
import type { PageQuestion } from "../../../runtime/actor_link.ts";
import type { PageAsked, PageReply } from "../../../wire/pages.ts";
import { bodyRefusal, readBody } from "./request_body.ts";
import { ForbiddenError, hasToken, type ProofDoor, proveKey } from "./request_proof.ts";

/** An actor that answers pages. */
export type PageActor = "upstream" | "router" | "fanout";

/** The actors, as a page asks them. */
export interface ActorDoors {
  /** Why there is no such actor, with the setting that would start it; null: there is one. */
  absence(actor: PageActor): string | null;
  ask(actor: PageActor, question: PageQuestion): Promise<PageReply>;
}

/** Who answers a page, and to whom. */
interface ActorRoute {
  readonly actor: PageActor;
  /** `admin`: a key that manages the relay, or `API_TOKEN`; `keyed`: any key that is proved, too. */
  readonly access: "admin" | "keyed";
}

const BODY = { bytesMax: API_BODY_BYTES_MAX, msMax: HTTP_BODY_MS_MAX };
/** What is left of the body is not waited for. */
const CLOSE = { Connection: "close" };
const decoder = new TextDecoder();

/** Answers one request. Nothing of its body is read before the rest of it has proved who sends it. */
export async function answerActorPage(
  request: Request,
  { actor, access }: ActorRoute,
  { actors, proofs }: { readonly actors: ActorDoors; readonly proofs: ProofDoor },
): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const refuse = (status: number, why: string, headers: Record<string, string> = CLOSE) =>
    answer({ status, body: JSON.stringify({ error: `Cannot answer page "${pathname}": ${why}` }), headers });
  const absence = actors.absence(actor);
  if (absence !== null) return refuse(404, absence);
  const target = pathname + search;
  if (target.length > API_TARGET_CHARS_MAX) {
    return refuse(414, `its URL is longer than ${API_TARGET_CHARS_MAX} characters`);
  }
  try {
    const header = request.headers.get("Authorization");
    const event = hasToken(header, proofs)
      ? null
      : proveKey({ header, method: request.method, target }, proofs, access === "admin");
    const body = await readBody(request, BODY);
    if (typeof body === "string") return refuse(...bodyRefusal(body, BODY));
    if (event !== null) await checkBody(event, body);
    if (event !== null && changes(request) && !proofs.spend(event)) {
      throw new HttpAuthError("Cannot authorize request: its event has authorized another one");
    }
    const proof = { key: event?.pubkey ?? null, isAdmin: event === null || proofs.mayManage(event.pubkey) };
    const method = (request.method === "HEAD" ? "GET" : request.method) as PageAsked["method"];
    const query = search.slice(1);
    return answer(
      await actors.ask(actor, { method, path: pathname, query, body: decoder.decode(body), proof }),
    );
  } catch (error) {
    if (error instanceof ForbiddenError) return refuse(403, error.message);
    if (!(error instanceof HttpAuthError)) throw error;
    const body = JSON.stringify({ error: error.message });
    return answer({ status: 401, body, headers: { "WWW-Authenticate": "Nostr, Bearer", ...CLOSE } });
  }
}

/** A request with a body has to name it; one without need not. */
async function checkBody(event: NostrEvent, body: Uint8Array<ArrayBuffer>): Promise<void> {
  if (body.length === 0 && !event.tags.some(([name]) => name === "payload")) return;
  checkHttpAuthBody(event, new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex());
}

function changes({ method }: Request): boolean {
  return method === "POST" || method === "DELETE";
}

function answer({ status, body, headers = {} }: PageReply): Response {
  return new Response(body, { status, headers: { "Content-Type": "application/json", ...headers } });
}
