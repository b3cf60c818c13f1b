/**
 * Policy: which kinds are taken.
 * Runs on the thread that built it; no state.
 *
 * @module
 */
import type { EventPolicy } from "./policy.ts";
import type { ValueSet } from "../value_set.ts";

/** Which kinds. */
interface AllowedKindsOptions {
  /** Only these, or null: all. */
  readonly allowed: ValueSet<number> | null;
  /** Never these, allowed or not; null: none. */
  readonly denied: ValueSet<number> | null;
}

/** Makes the policy. Cost: `lookup`. */
export function allowedKinds(options: AllowedKindsOptions): EventPolicy {
  const { allowed, denied } = options;
  return function ofAllowedKind(event) {
    if (denied?.has(event.kind) || (allowed && !allowed.has(event.kind))) {
      return `blocked: events of kind ${event.kind} are not taken here`;
    }
    return null;
  };
}
