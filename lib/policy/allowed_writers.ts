/**
 * Policy: whose events are taken, by the author's key.
 * Runs on the thread that built it; no state.
 *
 * @module
 */
import type { NostrEvent } from "../nostr/event.ts";
import type { EventPolicy } from "./policy.ts";
import type { ValueSet } from "../value_set.ts";

/** Which authors. */
interface AllowedWritersOptions {
  /** Only these authors, or null: anybody. */
  readonly allowed: ValueSet<string> | null;
  /** Never these authors, allowed or not; null: none. */
  readonly denied: ValueSet<string> | null;
  /**
   * Kinds that anybody but a denied author may send to an allowed key, named in a `p` tag; null: none. A gift wrap
   * (NIP-59) is signed by a key that nobody knows, so that without this no allowed key receives one.
   */
  readonly kindsToAllowed: ValueSet<number> | null;
  /** Kinds that anybody but a denied author may write; null: none. */
  readonly openKinds: ValueSet<number> | null;
}

/** Makes the policy. Cost: `lookup`. */
export function allowedWriters(options: AllowedWritersOptions): EventPolicy {
  const { allowed, denied, kindsToAllowed, openKinds } = options;
  return function byAllowedWriter(event) {
    if (denied !== null && denied.size !== 0 && denied.has(event.pubkey)) {
      return "blocked: this author is banned here";
    }
    if (allowed === null || allowed.has(event.pubkey)) return null;
    if (openKinds?.has(event.kind)) return null;
    if (kindsToAllowed?.has(event.kind) && namesOneOf(event, allowed)) return null;
    return "restricted: only authors on this relay's list may write here";
  };
}

function namesOneOf(event: NostrEvent, keys: ValueSet<string>): boolean {
  return event.tags.some((tag) => tag[0] === "p" && tag[1] !== undefined && keys.has(tag[1]));
}
