/**
 * What a refusal means for a request: is it final, or is the request repeated, and when.
 * One for each request; belongs to the conversation, on its thread.
 *
 * @module
 */
import { UPSTREAM_AUTH_MS_MAX, UPSTREAM_AUTH_REPEATS_MAX, UPSTREAM_RATE_REPEATS_MAX } from "../limits.ts";
import type { KeyProof } from "./key_proof.ts";
import type { Situation } from "./situation.ts";

/** See the module's text. */
export class Repeats {
  #auth = 0;
  #rate = 0;
  /** Proofs that the relay had accepted when the request was sent. */
  #proofsAtSending = 0;
  /** The refusal that waits for another proof, and until when. */
  #waiting: { readonly refusal: string; readonly untilMs: number } | null = null;

  /** The request is sent now. */
  sent(proof: KeyProof): void {
    this.#proofsAtSending = proof.proofs;
    this.#waiting = null;
  }

  /** Takes a refusal. Returns whether the request is to be repeated; else the refusal is the answer. */
  refused(message: string, { proof, pace, nowMs }: Situation): boolean {
    if (message.startsWith("rate-limited:")) {
      pace.slowDown(nowMs);
      return this.#rate++ < UPSTREAM_RATE_REPEATS_MAX;
    }
    if (!message.startsWith("auth-required:") || !proof.isPossible) return false;
    if (this.#auth++ >= UPSTREAM_AUTH_REPEATS_MAX) return false;
    this.#waiting = { refusal: message, untilMs: nowMs + UPSTREAM_AUTH_MS_MAX };
    return true;
  }

  /** Whether the request may be sent as far as authentication is concerned. */
  isReady(proof: KeyProof): boolean {
    return this.#waiting === null || proof.proofs > this.#proofsAtSending;
  }

  /** The refusal that no proof has followed in time, or that a refused proof has made final; else null. */
  final({ proof, nowMs }: Pick<Situation, "proof" | "nowMs">): string | null {
    if (this.#waiting === null || this.isReady(proof) || proof.isPending) return null;
    const isOver = proof.refusal !== null || nowMs >= this.#waiting.untilMs;
    return isOver ? this.#waiting.refusal : null;
  }
}
