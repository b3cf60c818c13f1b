/**
 * What a rule is, and how it ends. Runs in the process of `deno task check-relay` or of the suite; no state.
 *
 * @module
 */
import type { Subject } from "./subject.ts";

/**
 * `required`: the NIP says MUST, or its messages do not mean what it says without this. `advised`: SHOULD, MAY,
 * "expected". A failed advice fails no run.
 */
export type Level = "required" | "advised";

/** One demand of a NIP, and how it is tried. */
export interface Rule {
  /** `NN/what-is-demanded`, unique. */
  readonly id: string;
  readonly nip: number;
  /** The NIP's heading under which it stands. */
  readonly section: string;
  /** The demand in our words. */
  readonly says: string;
  readonly level: Level;
  /**
   * Tries it over real connections and resolves with what was seen.
   *
   * @throws {Breach} if the relay broke the rule; with what was seen.
   * @throws {NotApplicable} if the rule does not concern this relay, with the reason.
   */
  readonly check: (relay: Subject) => Promise<string>;
}

/** The relay did something else. */
export class Breach extends Error {
  override name = "Breach";
}

/** The rule does not concern this relay, or cannot be tried on it. */
export class NotApplicable extends Error {
  override name = "NotApplicable";
}

/** How a rule ended. */
export interface Result {
  readonly rule: Rule;
  readonly outcome: "pass" | "fail" | "n.a.";
  /** What was seen, or why the rule was not tried. */
  readonly seen: string;
}

/** Throws a {@linkcode Breach} that says what was seen unless `condition` holds. */
export function demand(condition: unknown, seen: string): asserts condition {
  if (!condition) throw new Breach(seen);
}

/** A value as JSON, cut to what fits into a line. */
export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 160 ? `${text.slice(0, 157)}…` : text;
}
