/**
 * Tries rules one after another. Runs in the process of the checker; no state.
 *
 * @module
 */
import { Breach, NotApplicable, type Result, type Rule } from "./rule.ts";
import type { Subject } from "./subject.ts";

/** Tries one rule. Whatever goes wrong in it is a result. */
export async function tryRule(relay: Subject, rule: Rule): Promise<Result> {
  try {
    relay.requireNip(rule.nip);
    return { rule, outcome: "pass", seen: await rule.check(relay) };
  } catch (error) {
    if (error instanceof NotApplicable) return { rule, outcome: "n.a.", seen: error.message };
    if (error instanceof Breach) return { rule, outcome: "fail", seen: error.message };
    return {
      rule,
      outcome: "fail",
      seen: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    };
  }
}

/** Tries rules in their order, polite: one at a time. */
export async function* tryRules(relay: Subject, rules: readonly Rule[]): AsyncGenerator<Result> {
  for (const rule of rules) yield await tryRule(relay, rule);
}
