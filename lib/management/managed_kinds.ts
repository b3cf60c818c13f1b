/**
 * The events that management decides about, by their kind. The store knows only this table, and hands them over.
 * Runs on any thread; no state.
 *
 * @module
 */
import { KIND_JOIN, KIND_LEAVE } from "../nostr/kinds.ts";
import { KIND_REPORT } from "./reports.ts";

/** `answer`: management answers the sender, and nobody else sees the event. `copy`: management sees what is stored. */
export type ManagedAs = "answer" | "copy";

/** The kinds. A kind to be answered is ephemeral: it is never stored. */
export function managedKinds(membership: "off" | "write" | "all"): ReadonlyMap<number, ManagedAs> {
  const kinds = new Map<number, ManagedAs>([[KIND_REPORT, "copy"]]);
  if (membership === "off") return kinds;
  // A request to join has an invite code in it, which nobody else is to see.
  return kinds.set(KIND_JOIN, "answer").set(KIND_LEAVE, "answer");
}
