/**
 * What an outcome of our own data path says about an event of an upstream relay.
 * Runs on any thread; no state.
 *
 * @module
 */
import { prefixOf } from "../nostr/prefixes.ts";

/** See {@linkcode classOfOutcome}. */
type OutcomeClass =
  /** It is new, and stored. */
  | "stored"
  /** It was here already, or a newer version of it. */
  | "duplicate"
  /** It is what its id and signature say, and this relay does not want it. */
  | "refused"
  /** This relay does not want it, whatever its signature would say. */
  | "unwanted"
  /** It is forged. */
  | "invalid"
  /** Nothing was decided: the disk or a plugin is at fault. It is sent again later. */
  | "again";

/** What verifiers say of events whose shape is right and that are not what they claim. */
const FORGED: ReadonlySet<string> = new Set([
  "invalid: the signature does not verify",
  "invalid: the id is not the hash of the event",
]);

/** An outcome, and whether the event had passed the verifiers then. */
export interface JudgedOutcome {
  readonly accepted: boolean;
  readonly message: string;
  readonly wasVerified: boolean;
}

/** The class of an outcome. */
export function classOfOutcome({ accepted, message, wasVerified }: JudgedOutcome): OutcomeClass {
  const prefix = prefixOf(message);
  if (prefix === "duplicate") return "duplicate";
  if (accepted) return "stored";
  if (prefix === "error" || prefix === "rate-limited") return "again";
  if (wasVerified) return "refused";
  return FORGED.has(message) ? "invalid" : "unwanted";
}
