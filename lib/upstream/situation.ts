/**
 * What the parts of a conversation share: the way out, the time, the pace and the proofs. Types only; any thread.
 *
 * @module
 */
import type { KeyProof } from "./key_proof.ts";
import type { Pace } from "./pace.ts";

/** See the module's text. */
export interface Situation {
  readonly send: (text: string) => void;
  /** The conversation's own time, ms: it stands still while the connection is not read. */
  readonly nowMs: number;
  readonly pace: Pace;
  readonly proof: KeyProof;
}
