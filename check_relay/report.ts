/**
 * Results as text: a line a rule for people, one document for programs. Runs in the process of the checker; no state.
 *
 * @module
 */
import type { Result } from "./rule.ts";

/** What a run found. */
interface Tally {
  readonly passed: number;
  readonly failedRequired: number;
  readonly failedAdvised: number;
  readonly notApplicable: number;
}

const MARKS = { pass: "pass", fail: "FAIL", "n.a.": "n.a." } as const;
const ID_WIDTH = 30;

/** Counts results. */
export function tallyOf(results: readonly Result[]): Tally {
  const count = (fits: (result: Result) => boolean) => results.filter(fits).length;
  return {
    passed: count(({ outcome }) => outcome === "pass"),
    failedRequired: count(({ outcome, rule }) => outcome === "fail" && rule.level === "required"),
    failedAdvised: count(({ outcome, rule }) => outcome === "fail" && rule.level === "advised"),
    notApplicable: count(({ outcome }) => outcome === "n.a."),
  };
}

/** A rule and how it ended; with the NIP's paragraph and what was seen where that is of interest. */
export function lineOf({ rule, outcome, seen }: Result, isVerbose: boolean): string {
  const nip = `NIP-${String(rule.nip).padStart(2, "0")}`;
  const head = `${MARKS[outcome]}  ${rule.id.padEnd(ID_WIDTH)} ${rule.level}  ${nip}, "${rule.section}"`;
  if (outcome === "n.a." && !isVerbose) return `${head}: ${seen}`;
  if (outcome === "pass" && !isVerbose) return head;
  return `${head}\n        ${rule.says}\n        seen: ${seen}`;
}

/** The last line. */
export function summaryOf(results: readonly Result[]): string {
  const { passed, failedRequired, failedAdvised, notApplicable } = tallyOf(results);
  return `${passed} passed, ${failedRequired} required and ${failedAdvised} advised failed, ` +
    `${notApplicable} not applicable`;
}

/** The document of `--json`. */
export function documentOf(url: string, results: readonly Result[]): Record<string, unknown> {
  return {
    url,
    summary: tallyOf(results),
    rules: results.map(({ rule: { id, nip, section, says, level }, outcome, seen }) => ({
      id,
      nip,
      section,
      says,
      level,
      outcome,
      seen,
    })),
  };
}
