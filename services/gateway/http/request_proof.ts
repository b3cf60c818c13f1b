/**
 * Who sends a request: a key, proved for this very request by NIP-98, or whoever holds `API_TOKEN`.
 * Runs on a gateway thread; no state.
 *
 * @module
 */
import type { NostrEvent } from "../../../lib/nostr/event.ts";
import { checkHttpAuth, HttpAuthError, readHttpAuth } from "../../../lib/nostr/http_auth.ts";

/** What is asked about proofs. */
export interface ProofDoor {
  /** The URLs by which a request for a target, which is a path and a query, may be named. */
  urls(target: string): readonly string[];
  /** Whether a key manages the relay. */
  mayManage(pubkey: string): boolean;
  /** What is wrong with the id or the signature of an event, or null. */
  eventFault(event: NostrEvent): string | null;
  /** Whether a text is `API_TOKEN`. */
  isToken(text: string): boolean;
  /** Uses a proof up, for a request that changes something. False: it was used before. */
  spend(event: NostrEvent): boolean;
}

/** What a proof is checked against. */
interface ProvedRequest {
  /** The `Authorization` header. */
  readonly header: string | null;
  readonly method: string;
  /** The path and the query. */
  readonly target: string;
}

/** A key was proved that may not do this. */
export class ForbiddenError extends Error {
  override name = "ForbiddenError";
}

/**
 * The event that proves a key for a request, its body apart.
 *
 * @param mustManage Whether the key has to be one that manages the relay.
 * @throws {HttpAuthError | ForbiddenError}
 */
export function proveKey(request: ProvedRequest, door: ProofDoor, mustManage: boolean): NostrEvent {
  const event = readHttpAuth(request.header);
  const urls = door.urls(request.target);
  checkHttpAuth(event, { urls, method: request.method }, Math.floor(Date.now() / 1000));
  // Before the signature, whose verification is the dearest of it: who manages nothing has none verified.
  if (mustManage && !door.mayManage(event.pubkey)) {
    throw new ForbiddenError("this key does not manage this relay");
  }
  const fault = door.eventFault(event);
  if (fault !== null) throw new HttpAuthError(`Cannot authorize request: ${fault}`);
  return event;
}

/**
 * Whether a request carries `API_TOKEN`: `Authorization: Bearer …` (RFC 6750).
 *
 * @throws {HttpAuthError} if it carries another token.
 */
export function hasToken(header: string | null, door: ProofDoor): boolean {
  const token = /^bearer +(.+)$/i.exec(header?.trim() ?? "")?.[1];
  if (token === undefined) return false;
  if (door.isToken(token)) return true;
  throw new HttpAuthError("Cannot authorize request: the token is not API_TOKEN");
}
