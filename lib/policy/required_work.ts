/**
 * Policy: proof of work on the id (NIP-13).
 * Runs on the thread that built it; no state.
 *
 * @module
 */
import type { NostrEvent } from "../nostr/event.ts";
import { leadingZeroBits } from "../nostr/proof_of_work.ts";
import type { EventPolicy } from "./policy.ts";

/** How much work. */
interface RequiredWorkOptions {
  /** Leading zero bits of the id; 0: none. */
  readonly difficulty: number;
  /** Whether the `nonce` tag has to say what was aimed at. Where it says so, that has to suffice in any case. */
  readonly commitmentRequired: boolean;
}

/** Makes the policy. Cost: `field`. */
export function requiredWork(options: RequiredWorkOptions): EventPolicy {
  return function withRequiredWork(event) {
    return workFault(event, options);
  };
}

/**
 * What is missing, as the text of an `OK false`, or null.
 *
 * Who aims at less and is lucky has not done the work: one of a thousand events at 10 bits has 20 (NIP-13).
 */
export function workFault(event: NostrEvent, options: RequiredWorkOptions): string | null {
  const { difficulty, commitmentRequired } = options;
  if (difficulty === 0) return null;
  if (leadingZeroBits(event.id) < difficulty) {
    return `pow: the id has fewer than ${difficulty} leading zero bits`;
  }
  const target = committedTarget(event);
  if (target === null && commitmentRequired) return "pow: the nonce tag does not say what it aimed at";
  if (target !== null && target < difficulty) {
    return `pow: the nonce tag aimed at ${target} bits, and ${difficulty} are required`;
  }
  return null;
}

/** The third entry of the first `nonce` tag as a number, or null. */
function committedTarget(event: NostrEvent): number | null {
  const text = event.tags.find((tag) => tag[0] === "nonce")?.[2];
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : null;
}
