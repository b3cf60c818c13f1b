/**
 * A whole session of two parties of ours, for tests and benches. Runs on a test's thread; no state.
 *
 * @module
 */
import { Initiator } from "../../lib/negentropy/initiator.ts";
import { reconcile } from "../../lib/negentropy/reconcile.ts";
import type { ItemStorage } from "../../lib/negentropy/storage.ts";

/** What a session brought. */
interface SessionResult {
  /** Ids in hex, sorted. */
  readonly have: readonly string[];
  readonly need: readonly string[];
  /** All messages, ours and theirs in turn. */
  readonly messages: readonly Uint8Array[];
}

/** Bytes of a message, of each party; 0 for no limit. */
export interface FrameLimits {
  readonly ours: number;
  readonly theirs: number;
}

/** Runs a session to its end. */
export function runSession(ours: ItemStorage, theirs: ItemStorage, frames: FrameLimits): SessionResult {
  const initiator = new Initiator(ours, { frameBytesMax: frames.ours });
  const messages: Uint8Array[] = [];
  const have: string[] = [];
  const need: string[] = [];
  let message: Uint8Array | null = initiator.initiate();
  while (message !== null) {
    const answer = reconcile(theirs, message, frames.theirs);
    messages.push(message, answer);
    const findings = initiator.receive(answer);
    have.push(...findings.have);
    need.push(...findings.need);
    message = findings.message;
  }
  return { have: have.sort(), need: need.sort(), messages };
}
