/**
 * Followers' sockets until their keys are proved: by NIP-98 in the request that opened them, or by NIP-42 after it. Who has
 * proved a key becomes a listener. A socket that proves none is sent nothing, and is closed.
 * Belongs to the thread of the fan-out, which verifies the proofs.
 *
 * @module
 */
import { type Encryption, ENCRYPTIONS } from "../../lib/fanout/payload.ts";
import {
  FANOUT_LISTENERS_PER_KEY_MAX,
  FANOUT_PROOF_MS_MAX,
  FANOUT_PROOFS_FAILED_MAX,
} from "../../lib/limits.ts";
import { AuthState, CHALLENGE_BYTES } from "../../lib/nostr/auth.ts";
import { type NostrEvent, shapeFault } from "../../lib/nostr/event.ts";
import { hasDeepFields, TOO_DEEP } from "../../lib/nostr/nesting.ts";
import { noticeText, okText } from "../../lib/nostr/relay_message.ts";
import { eventFault } from "../../lib/verify/event_fault.ts";
import type { SignatureVerifier } from "../../lib/verify/verifier.ts";
import type { PipedSocket } from "../../runtime/piped_sockets.ts";
import { Listener } from "./listener.ts";
import type { Roster } from "./roster.ts";

/** The code of a socket that is closed because of what it did, or did not do (RFC 6455: policy violation). */
const REFUSED = 1008;

/** What a follower wants, as its request says. */
interface Wishes {
  readonly encryption: Encryption;
  /** The last signal that it has; null: it wants those that are still to come. */
  readonly after: number | null;
}

/** A socket that is to prove a key. */
interface Proving {
  readonly wishes: Wishes;
  readonly auth: AuthState;
  readonly timer: ReturnType<typeof setTimeout>;
  failed: number;
}

/** What it works with. */
interface ProvingParts {
  readonly roster: Roster;
  /** The URLs by which a proof may name the relay. */
  readonly relayUrls: readonly string[];
  readonly verifier: SignatureVerifier;
  /** Whether the relay has a key, without which there is no NIP-44. */
  readonly hasKey: boolean;
  /** The last entry of the log that the fan-out has looked at. */
  readonly cursor: () => number;
  /** There is something to do. */
  readonly ring: () => void;
}

/** See the module's text. */
export class ProvingSockets {
  readonly #parts: ProvingParts;
  readonly #proving = new Map<PipedSocket, Proving>();
  readonly #listeners = new Map<PipedSocket, Listener>();

  constructor(parts: ProvingParts) {
    this.#parts = parts;
  }

  opened(socket: PipedSocket): void {
    const wishes = readWishes(socket.query, this.#parts.hasKey);
    if (typeof wishes === "string") return socket.close(REFUSED, wishes);
    if (socket.proof.key !== null) return this.#proved(socket, socket.proof.key, wishes);
    const auth = new AuthState(
      this.#parts.relayUrls,
      crypto.getRandomValues(new Uint8Array(CHALLENGE_BYTES)),
    );
    const timer = setTimeout(
      () => this.#refuse(socket, `auth-required: no key was proved within ${FANOUT_PROOF_MS_MAX} ms`),
      FANOUT_PROOF_MS_MAX,
    );
    this.#proving.set(socket, { wishes, auth, timer, failed: 0 });
    socket.send([JSON.stringify(["AUTH", auth.challenge])]);
  }

  text(socket: PipedSocket, text: string): void {
    const proving = this.#proving.get(socket);
    const event = readProof(text);
    if (typeof event === "string") {
      socket.send([noticeText(event)]);
      return this.#failed(socket, proving);
    }
    if (proving === undefined) {
      socket.send([okText(event.id, false, "restricted: this connection has proved its key")]);
      return;
    }
    const fault = proving.auth.fault(event, Math.floor(Date.now() / 1000)) ?? this.#signatureFault(event);
    socket.send([okText(event.id, fault === null, fault ?? "")]);
    if (fault !== null) return this.#failed(socket, proving);
    this.#forget(socket);
    this.#proved(socket, event.pubkey, proving.wishes);
  }

  room(socket: PipedSocket): void {
    const listener = this.#listeners.get(socket);
    if (listener === undefined) return;
    this.#parts.roster.lags(listener);
    this.#parts.ring();
  }

  closed(socket: PipedSocket): void {
    this.#forget(socket);
    const listener = this.#listeners.get(socket);
    if (listener === undefined) return;
    this.#listeners.delete(socket);
    this.#parts.roster.remove(listener);
  }

  #proved(socket: PipedSocket, follower: string, { encryption, after }: Wishes): void {
    const { roster, cursor, ring } = this.#parts;
    const listener = new Listener(socket, {
      follower,
      encryption,
      after: Math.min(after ?? Infinity, cursor()),
    });
    if (!roster.add(listener)) {
      return socket.close(
        REFUSED,
        `restricted: a key has at most ${FANOUT_LISTENERS_PER_KEY_MAX} connections`,
      );
    }
    this.#listeners.set(socket, listener);
    ring();
  }

  #failed(socket: PipedSocket, proving: Proving | undefined): void {
    if (proving === undefined || ++proving.failed < FANOUT_PROOFS_FAILED_MAX) return;
    this.#refuse(socket, `auth-required: ${FANOUT_PROOFS_FAILED_MAX} proofs failed`);
  }

  #refuse(socket: PipedSocket, reason: string): void {
    this.#forget(socket);
    socket.close(REFUSED, reason);
  }

  #forget(socket: PipedSocket): void {
    clearTimeout(this.#proving.get(socket)?.timer);
    this.#proving.delete(socket);
  }

  #signatureFault(event: NostrEvent): string | null {
    const fault = eventFault(event, this.#parts.verifier);
    return fault === null ? null : `invalid: ${fault}`;
  }
}

/** What the query string asks for, or what is wrong with it. */
function readWishes(query: string, hasKey: boolean): Wishes | string {
  const given = new URLSearchParams(query);
  const after = given.get("after");
  if (after !== null && !/^\d{1,15}$/.test(after)) return "invalid: after is not a seq";
  const encryption = given.get("encryption") ?? ENCRYPTIONS[0];
  if (!isEncryption(encryption)) return `invalid: encryption is none of ${ENCRYPTIONS.join(", ")}`;
  if (encryption === "nip44" && !hasKey) return "unsupported: the relay has no key for nip44";
  return { encryption, after: after === null ? null : Number(after) };
}

function isEncryption(text: string): text is Encryption {
  return (ENCRYPTIONS as readonly string[]).includes(text);
}

/** The event of an AUTH message, whose shape is right; or what is wrong. */
function readProof(text: string): NostrEvent | string {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return "invalid: the message is not JSON";
  }
  if (!Array.isArray(message) || message[0] !== "AUTH") return "unsupported: only AUTH is understood here";
  const fault = shapeFault(message[1]);
  if (fault !== null) return `invalid: ${fault}`;
  const event = message[1] as NostrEvent;
  return hasDeepFields(event) ? TOO_DEEP : event;
}
