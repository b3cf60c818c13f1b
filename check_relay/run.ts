/**
 * Tries rules one after another. Runs in the process of the checker; no state.
 *
 * @module
 */
import { RETURN_MS_MAX } from "./bounds.ts";
import { accepts } from "./relay_process.ts";
import { Breach, NotApplicable, type Result, type Rule } from "./rule.ts";
import { patiently, type Subject } from "./subject.ts";

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

/**
 * Tries rules in their order, polite: one at a time. A relay that is gone after a rule has failed it. One that the
 * checker started is started again for the next rule; another gets a while to come back, and if it does not, the rest
 * is not applicable.
 */
export async function* tryRules(relay: Subject, rules: readonly Rule[]): AsyncGenerator<Result> {
  let lostAt: string | undefined;
  for (const rule of rules) {
    if (lostAt !== undefined) {
      yield { rule, outcome: "n.a.", seen: `the relay is gone since ${lostAt}` };
      continue;
    }
    const result = await tryRule(relay, rule);
    if (result.outcome === "pass" || await accepts(relay.url, relay.answerMs)) {
      yield result;
      continue;
    }
    yield { ...result, outcome: "fail", seen: `${result.seen}; after that the relay was gone` };
    await relay.process?.kill();
    await relay.process?.start();
    if (!await patiently(RETURN_MS_MAX, () => accepts(relay.url))) lostAt = rule.id;
  }
}
