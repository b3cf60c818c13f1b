/**
 * Policy: single events that the operator does not want (NIP-86 `banevent`).
 * Runs on the thread that built it; no state.
 *
 * @module
 */
import type { EventPolicy } from "./policy.ts";
import type { ValueSet } from "../value_set.ts";

/** Which events. */
interface BannedEventsOptions {
  /** Their ids. */
  readonly banned: ValueSet<string>;
}

/** Makes the policy. Cost: `lookup`. */
export function bannedEvents(options: BannedEventsOptions): EventPolicy {
  const { banned } = options;
  return function notBanned(event) {
    return banned.size !== 0 && banned.has(event.id) ? "blocked: this event is banned here" : null;
  };
}
