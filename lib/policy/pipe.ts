/**
 * One policy from many: they run cheapest first, and the first refusal is the answer.
 * Runs on the thread that built it; no state of its own.
 *
 * @module
 */
import type { Policy } from "./policy.ts";

/** A policy and its place in the order. */
export interface PipeStep<Subject> {
  /** One of `COST`, or any number between. */
  readonly cost: number;
  readonly policy: Policy<Subject>;
}

/**
 * Makes the policy. Steps of equal cost keep the order in which they are given.
 *
 * @example Usage
 * ```ts
 * import { pipe } from "./pipe.ts";
 * import { COST, type PolicyContext } from "./policy.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const context: PolicyContext = { nowSeconds: 0, authenticated: new Set(), ip: null, connection: null };
 * const policy = pipe<number>([
 *   { cost: COST.parse, policy: () => "error: dear" },
 *   { cost: COST.field, policy: (n) => n > 9 ? "invalid: too much" : null },
 * ]);
 * assertEquals(policy(10, context), "invalid: too much");
 * assertEquals(policy(1, context), "error: dear");
 * ```
 */
export function pipe<Subject>(steps: readonly PipeStep<Subject>[]): Policy<Subject> {
  const policies = [...steps].sort((a, b) => a.cost - b.cost).map((step) => step.policy);
  return function firstRefusal(subject, context) {
    for (const policy of policies) {
      const refusal = policy(subject, context);
      if (refusal !== null) return refusal;
    }
    return null;
  };
}
