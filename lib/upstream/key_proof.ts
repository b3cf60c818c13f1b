/**
 * The proof of the relay's own key to another relay (NIP-42): answers challenges, a bounded number of them, and knows how
 * many proofs were accepted, so that a request that was refused `auth-required:` knows when it can be repeated.
 * Belongs to the conversation with the relay, on its thread.
 *
 * @module
 */
import { UPSTREAM_AUTH_MS_MAX, UPSTREAM_CHALLENGES_MAX } from "../limits.ts";
import { KIND_AUTH } from "../nostr/auth.ts";
import type { RelayKey } from "../relay/relay_key.ts";

/** Characters of a challenge that is signed. */
const CHALLENGE_CHARS_MAX = 1_024;

/** What a challenge leads to. */
type ChallengeAnswer =
  | { readonly type: "proof"; readonly text: string }
  /** No key, or a challenge that cannot be answered: nothing is sent. */
  | { readonly type: "none" }
  /** More challenges than a connection may have. */
  | { readonly type: "loop" };

/** See the module's text. */
export class KeyProof {
  readonly #url: string;
  readonly #key: RelayKey | null;
  #challenges = 0;
  /** The event whose OK is awaited, and until when. */
  #pending: { readonly id: string; readonly untilMs: number } | null = null;
  #proofs = 0;
  #refusal: string | null = null;

  constructor(url: string, key: RelayKey | null) {
    this.#url = url;
    this.#key = key;
  }

  /** Whether there is a key to prove. */
  get isPossible(): boolean {
    return this.#key !== null;
  }

  /** Whether an answer to a proof is awaited: what is asked now may be refused for nothing. */
  get isPending(): boolean {
    return this.#pending !== null;
  }

  /** Proofs that the relay has accepted, or has not answered. */
  get proofs(): number {
    return this.#proofs;
  }

  /** Why the relay has refused the newest proof, or null. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** Takes a challenge. */
  challenged(challenge: string, nowMs: number, wallMs: number): ChallengeAnswer {
    if (this.#key === null || challenge.length > CHALLENGE_CHARS_MAX) return { type: "none" };
    if (++this.#challenges > UPSTREAM_CHALLENGES_MAX) return { type: "loop" };
    const tags = [["relay", this.#url], ["challenge", challenge]];
    const event = this.#key.sign({ kind: KIND_AUTH, tags, createdAt: Math.floor(wallMs / 1_000) });
    this.#pending = { id: event.id, untilMs: nowMs + UPSTREAM_AUTH_MS_MAX };
    return { type: "proof", text: `["AUTH",${JSON.stringify(event)}]` };
  }

  /** Takes an OK. Returns whether it was the answer to the proof. */
  answered(id: string, accepted: boolean, message: string): boolean {
    if (this.#pending?.id !== id) return false;
    this.#pending = null;
    this.#refusal = accepted ? null : message;
    if (accepted) this.#proofs++;
    return true;
  }

  /** Relays of before the answer was defined accept in silence. Returns whether one is taken to have done so now. */
  tick(nowMs: number): boolean {
    if (this.#pending === null || nowMs < this.#pending.untilMs) return false;
    this.#pending = null;
    this.#proofs++;
    return true;
  }
}
